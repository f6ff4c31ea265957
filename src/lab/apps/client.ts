import { connect as connectTcp, type Socket } from 'node:net';
import { type Dispatcher, Pool } from 'undici';

/** Where a connection of this application's pod really goes: the sidecar, or what kube-proxy chooses. */
export type Connect = (host: string, port: number) => number | 'refused' | 'unknown-host' | Promise<number>;

export interface ClientResponse {
  readonly status: number;
  readonly body: string;
}

/** Largest answer that is read; a longer one is an error. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** An answer that takes longer is an error, as with .NET's HttpClient. */
const TIMEOUT_MS = 100_000;

/** The HTTP client of an application: keeps connections alive, follows no redirects, retries nothing. */
export class AppClient {
  private readonly connect: Connect;
  private readonly pools = new Map<string, Pool>();
  private readonly sockets = new Set<Socket>();

  constructor(connect: Connect) {
    this.connect = connect;
  }

  /**
   * Sends one request to `http://host:port`.
   * @throws when no answer could be read to its end.
   */
  request(
    host: string,
    port: number,
    method: string,
    path: string,
    body?: { readonly type: string; readonly text: string },
  ): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      const headers = ['host', `${host}:${port}`, 'accept', '*/*'];
      if (body) headers.push('content-type', body.type);
      this.pool(host, port).dispatch(
        { method: method as Dispatcher.HttpMethod, path, headers, body: body?.text ?? null },
        new Collector(resolve, reject),
      );
    });
  }

  /** Opens a byte connection. @throws when the name does not resolve or nothing listens. */
  async open(host: string, port: number): Promise<Socket> {
    const target = await this.connect(host, port);
    if (typeof target !== 'number') throw new Error(`connect ${target} ${host}:${port}`);
    const socket = connectTcp({ host: '127.0.0.1', port: target, noDelay: true });
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(socket));
      socket.once('error', reject);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const pools = [...this.pools.values()];
    this.pools.clear();
    await Promise.allSettled(pools.map((pool) => pool.destroy()));
  }

  private pool(host: string, port: number): Pool {
    const key = `${host}:${port}`;
    let pool = this.pools.get(key);
    if (!pool) {
      pool = new Pool(`http://${key}`, {
        connections: null,
        pipelining: 1,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        keepAliveTimeout: 60_000,
        keepAliveMaxTimeout: 60_000,
        connect: (_options, callback) => {
          this.open(host, port).then(
            (socket) => callback(null, socket),
            (error: Error) => callback(error, null),
          );
        },
      });
      this.pools.set(key, pool);
    }
    return pool;
  }
}

class Collector implements Dispatcher.DispatchHandler {
  private readonly resolve: (response: ClientResponse) => void;
  private readonly reject: (error: Error) => void;
  private abort: ((error?: Error) => void) | undefined;
  private status = 0;
  private bytes = 0;
  private readonly chunks: Buffer[] = [];

  constructor(resolve: (response: ClientResponse) => void, reject: (error: Error) => void) {
    this.resolve = resolve;
    this.reject = reject;
  }

  onConnect(abort: (error?: Error) => void): void {
    this.abort = abort;
  }

  onHeaders(status: number): boolean {
    this.status = status;
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    if (this.bytes > MAX_BODY_BYTES) this.abort?.(new Error(`The answer is longer than ${MAX_BODY_BYTES} bytes.`));
    else this.chunks.push(chunk);
    return true;
  }

  onComplete(): void {
    const [first] = this.chunks;
    const body = !first ? '' : this.chunks.length === 1 ? first.toString() : Buffer.concat(this.chunks).toString();
    this.resolve({ status: this.status, body });
  }

  onError(error: Error): void {
    this.reject(error);
  }
}
