declare module 'spdy-transport' {
  import type { EventEmitter } from 'node:events';
  import type { Duplex } from 'node:stream';

  export interface Stream extends Duplex {
    readonly headers: Record<string, string | string[] | undefined>;
    respond(status: number, headers: Record<string, string>): void;
    abort(): void;
  }

  export interface Connection extends EventEmitter {
    start(version: number): void;
  }

  const transport: {
    connection: { create(socket: Duplex, options: { protocol: 'spdy' | object; isServer: boolean }): Connection };
    protocol: { spdy: object };
  };
  export default transport;
}
