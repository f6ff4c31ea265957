import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.js';
import { sleep } from '../../base/clock.js';
import type { AppHandler } from './app.js';
import type { AppClient } from './client.js';

/** Queries of this span travel together, so that a database costs the lab next to nothing. */
const FLUSH_MS = 200;
const RECONNECT_MS = 1000;
/** About what a query for one record takes on the wire. */
const QUERY_BYTES = 128;

/**
 * An application's connection to its database. The records live in memory; this traffic shows the dependency in the
 * mesh's TCP metrics. A database that is away changes no answer.
 */
export class Database {
  private readonly client: AppClient;
  private readonly clock: Clock;
  private readonly host: string;
  private readonly port: number;
  private readonly ended = new AbortController();
  private pending = 1;

  constructor(client: AppClient, clock: Clock, host: string, port: number) {
    this.client = client;
    this.clock = clock;
    this.host = host;
    this.port = port;
  }

  /** Connects, and again whenever the connection is lost; returns at once. */
  start(): void {
    void this.run();
  }

  close(): void {
    this.ended.abort();
  }

  /** Counts a query per request that is handled. */
  observe(handler: AppHandler): AppHandler {
    return (request) => {
      this.pending += 1;
      return handler(request);
    };
  }

  private async run(): Promise<void> {
    const { signal } = this.ended;
    while (!signal.aborted) {
      const socket = await this.client.open(this.host, this.port).catch(() => undefined);
      if (socket) await this.converse(socket);
      await sleep(this.clock, RECONNECT_MS, signal);
    }
  }

  private async converse(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    socket.resume();
    while (!this.ended.signal.aborted && !socket.destroyed) {
      // What the last flush could not send yet is not piled up.
      if (this.pending > 0 && socket.writableLength === 0) {
        socket.write(Buffer.alloc(Math.min(this.pending, 500) * QUERY_BYTES, 0x20));
        this.pending = 0;
      }
      await sleep(this.clock, FLUSH_MS, this.ended.signal);
    }
    socket.destroy();
  }
}
