import type { Socket } from 'node:net';
import type { HttpRequest, ResponseHandler } from '../control/http1/connection.js';
import { type Call, HttpPool } from '../control/http1/pool.js';
import { connectTo, type Dial } from '../control/network.js';
import type { CookieJar } from './cookieJar.js';

/** Where a connection of this application's pod really goes: the sidecar, or what kube-proxy chooses. */
export type Connect = (host: string, port: number) => Dial | 'refused' | 'unknown-host' | Promise<Dial>;

export interface ClientResponse {
  readonly status: number;
  readonly body: string;
}

/** Largest answer that is read; a longer one is an error. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** An answer that takes longer is an error, as with .NET's HttpClient. */
const TIMEOUT_MS = 100_000;

/** The HTTP client of an application: keeps connections alive, cookies only in a jar that it is given, follows no redirects, retries nothing. */
export class AppClient {
  private readonly connect: Connect;
  private readonly pools = new Map<string, HttpPool>();
  private readonly sockets = new Set<Socket>();
  private readonly jar: CookieJar | undefined;
  private closed = false;

  constructor(connect: Connect, jar?: CookieJar) {
    this.connect = connect;
    this.jar = jar;
  }

  /**
   * Sends one request to `http://host:port`.
   * @param more name, value, name, value.
   * @throws when no answer could be read to its end.
   */
  request(
    host: string,
    port: number,
    method: string,
    path: string,
    body?: { readonly type: string; readonly text: string },
    more: readonly string[] = [],
  ): Promise<ClientResponse> {
    const headers = ['host', `${host}:${port}`, 'accept', '*/*', ...more];
    if (body) headers.push('content-type', body.type);
    const cookie = this.jar?.header(host);
    if (cookie && !more.includes('cookie')) headers.push('cookie', cookie);
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error('The client is closed.'));
      const keep = (received: readonly string[]) => this.jar?.keep(host, received);
      new Collector(resolve, reject, keep).send(this.pool(host, port), {
        method,
        path,
        headers,
        body: body?.text ?? null,
      });
    });
  }

  /** Opens a byte connection. @throws when the name does not resolve or nothing listens. */
  async open(host: string, port: number): Promise<Socket> {
    const target = await this.dial(host, port);
    if (this.closed) throw new Error('The client is closed.');
    const socket = connectTo(target);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(socket));
      socket.once('error', reject);
    });
  }

  close(): void {
    this.closed = true;
    for (const socket of this.sockets) socket.destroy();
    for (const pool of this.pools.values()) pool.close();
    this.pools.clear();
  }

  private dial(host: string, port: number): Dial | Promise<Dial> {
    const target = this.connect(host, port);
    if (typeof target !== 'string') return target;
    throw new Error(target === 'refused' ? `connect ECONNREFUSED ${host}:${port}` : `getaddrinfo ENOTFOUND ${host}`);
  }

  private pool(host: string, port: number): HttpPool {
    const key = `${host}:${port}`;
    let pool = this.pools.get(key);
    if (!pool) {
      pool = new HttpPool(() => this.dial(host, port));
      this.pools.set(key, pool);
    }
    return pool;
  }
}

/** Reads one answer to its end. */
class Collector implements ResponseHandler {
  private readonly resolve: (response: ClientResponse) => void;
  private readonly reject: (error: Error) => void;
  private readonly heard: (headers: readonly string[]) => void;
  private readonly patience: NodeJS.Timeout;
  private call: Call | undefined;
  private status = 0;
  private bytes = 0;
  private readonly chunks: Buffer[] = [];

  constructor(
    resolve: (response: ClientResponse) => void,
    reject: (error: Error) => void,
    heard: (headers: readonly string[]) => void,
  ) {
    this.resolve = resolve;
    this.reject = reject;
    this.heard = heard;
    this.patience = setTimeout(() => this.giveUp(`No answer after ${TIMEOUT_MS} ms.`), TIMEOUT_MS);
  }

  send(pool: HttpPool, request: HttpRequest): void {
    this.call = pool.request(request, this);
  }

  onHeaders(status: number, headers: readonly string[]): boolean {
    this.status = status;
    this.heard(headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    if (this.bytes > MAX_BODY_BYTES) this.giveUp(`The answer is longer than ${MAX_BODY_BYTES} bytes.`);
    else this.chunks.push(chunk);
    return true;
  }

  onComplete(): void {
    clearTimeout(this.patience);
    const [first] = this.chunks;
    const body = !first ? '' : this.chunks.length === 1 ? first.toString() : Buffer.concat(this.chunks).toString();
    this.resolve({ status: this.status, body });
  }

  onFailure(_failure: unknown, error: Error): void {
    clearTimeout(this.patience);
    this.reject(error);
  }

  private giveUp(reason: string): void {
    clearTimeout(this.patience);
    this.call?.cancel();
    this.reject(new Error(reason));
  }
}
