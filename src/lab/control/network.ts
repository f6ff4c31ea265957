import { connect, type Socket } from 'node:net';

/** Where a connection really leads: a port of 127.0.0.1, and what is written first where the other end must be told more. */
export type Dial = number | { readonly port: number; readonly preface: Buffer };

/** Opens such a connection. */
export function connectTo(dial: Dial): Socket {
  const { port, preface } = typeof dial === 'number' ? { port: dial, preface: undefined } : dial;
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  if (preface) socket.write(preface);
  return socket;
}

/** The listeners behind one pod address; real ports of 127.0.0.1. */
export interface PodListeners {
  /** Where a connection to `port` of the pod's address ends: its sidecar, or the application. */
  inbound(port: number): number | undefined;
  /** What a process inside the pod (and a port-forward) reaches at `localhost:port`: no sidecar in between. */
  local(port: number): number | undefined;
  /**
   * Hands over a connection that was accepted elsewhere, as address translation delivers it without a hop of its own.
   * @returns false when the port takes no such connections; dial it then.
   */
  accept(port: number, socket: Socket): boolean;
  /** Identity that the pod's sidecar shows in a TLS handshake; undefined: it has no sidecar. */
  readonly principal: string | undefined;
}

/** The pod network: the cluster's addresses on one loopback interface. */
export class PodNetwork {
  private readonly byIp = new Map<string, PodListeners>();
  private readonly watchers = new Set<() => void>();

  attach(ip: string, listeners: PodListeners): void {
    this.byIp.set(ip, listeners);
    this.changed();
  }

  detach(ip: string): void {
    this.byIp.delete(ip);
    this.changed();
  }

  /** Tells everybody who watches that a port of a pod has got or lost its listener. */
  changed(): void {
    for (const watcher of this.watchers) watcher();
  }

  /** @returns what ends the watch. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  listeners(ip: string): PodListeners | undefined {
    return this.byIp.get(ip);
  }

  /** @returns the real port for `ip:port`, or undefined: nothing listens there (a connection is refused). */
  dial(ip: string, port: number): number | undefined {
    return this.byIp.get(ip)?.inbound(port);
  }
}
