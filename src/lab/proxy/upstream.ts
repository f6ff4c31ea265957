import type { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import type { FlatHeaders } from './headers.js';

/** Why an attempt brought no complete response, in Envoy's flags. */
export type UpstreamFailure = 'UF' | 'UC' | 'UPE';

export interface AttemptEvents {
  /** @returns false to pause the body until `resume` is called. */
  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean;
  onData(chunk: Buffer): boolean;
  onComplete(): void;
  onFailure(failure: UpstreamFailure, error: Error): void;
}

export interface AttemptRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: FlatHeaders;
  readonly body: Readable | null;
}

/** Connect timeout of Istio's clusters. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Idle connections are closed by the client side, well before any server does, so that no request meets a closing one. */
const IDLE_MS = 60_000;

/** The connections of one proxy to real ports of this machine, kept alive and reused. */
export class Upstreams {
  private readonly pools = new Map<number, Pool>();

  pool(port: number): Pool {
    let pool = this.pools.get(port);
    if (!pool) {
      pool = new Pool(`http://127.0.0.1:${port}`, {
        connections: null,
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: IDLE_MS,
        keepAliveMaxTimeout: IDLE_MS,
        maxHeaderSize: 64 * 1024,
        connect: { timeout: CONNECT_TIMEOUT_MS },
      });
      this.pools.set(port, pool);
    }
    return pool;
  }

  /** Gives up connections to ports that no endpoint uses any more; requests in flight end first. */
  retain(ports: ReadonlySet<number>): void {
    for (const [port, pool] of this.pools) {
      if (ports.has(port)) continue;
      this.pools.delete(port);
      pool.close().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    const pools = [...this.pools.values()];
    this.pools.clear();
    await Promise.allSettled(pools.map((pool) => pool.destroy()));
  }
}

/** One try of a request on one host. After `cancel`, or after onComplete or onFailure, no event follows. */
export class Attempt implements Dispatcher.DispatchHandler {
  private readonly events: AttemptEvents;
  private abort: ((error?: Error) => void) | undefined;
  private over = false;
  /** True as soon as a connection to the host stood. */
  connected = false;

  constructor(events: AttemptEvents) {
    this.events = events;
  }

  /** @param pool undefined: nothing listens at the host's address, which is a refused connection. */
  send(pool: Pool | undefined, request: AttemptRequest): void {
    if (!pool) {
      queueMicrotask(() => this.onError(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })));
      return;
    }
    pool.dispatch(request as Dispatcher.DispatchOptions, this);
  }

  /** Ends the attempt by closing its connection; the other side sees its client leave. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.abort?.(new Error('cancelled'));
  }

  onConnect(abort: (error?: Error) => void): void {
    this.connected = true;
    this.abort = abort;
    if (this.over) abort(new Error('cancelled'));
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
    if (this.over || status < 200) return true;
    return this.events.onHeaders(status, headers, resume);
  }

  onData(chunk: Buffer): boolean {
    return this.over || this.events.onData(chunk);
  }

  onComplete(): void {
    if (this.over) return;
    this.over = true;
    this.events.onComplete();
  }

  onError(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.events.onFailure(this.failureOf(error), error);
  }

  private failureOf(error: Error): UpstreamFailure {
    if (!this.connected) return 'UF';
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE' ? 'UPE' : 'UC';
  }
}

/** A handler for answers that nobody reads: mirror copies. */
export const discard = (onEnd: () => void): AttemptEvents => ({
  onHeaders: () => true,
  onData: () => true,
  onComplete: onEnd,
  onFailure: onEnd,
});
