import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { connectTo, type Dial } from '../network.js';
import { type FlatHeaders, MalformedResponse, type ResponseHead } from './responseHead.js';
import { ResponseReader } from './responseReader.js';

/** connect: no connection stood; closed: it ended before the response did; malformed: what came was no HTTP. */
export type Failure = 'connect' | 'closed' | 'malformed';

export interface ResponseHandler {
  /** @returns false to pause the body until `resume` is called. */
  onHeaders(status: number, headers: FlatHeaders, resume: () => void): boolean;
  /** @returns false to pause. */
  onData(chunk: Buffer): boolean;
  onComplete(): void;
  onFailure(failure: Failure, error: Error): void;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** End-to-end headers with `host`; without `transfer-encoding`, which follows from the body. */
  readonly headers: FlatHeaders;
  /** A stream is sent chunked unless the headers give a length. */
  readonly body: Readable | string | null;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** One HTTP/1.1 client connection, one request at a time. */
export class Connection {
  readonly socket: Socket;
  /** True once the connection stands. */
  connected = false;
  private readonly reader: ResponseReader;
  private readonly release: (connection: Connection) => void;
  private readonly gone: (connection: Connection) => void;
  private handler: ResponseHandler | undefined;
  private body: Readable | undefined;
  private reusable = true;

  /**
   * @param release called when the connection is free for another request.
   * @param gone called once when it has ended.
   */
  constructor(dial: Dial, release: Connection['release'], gone: Connection['gone']) {
    this.release = release;
    this.gone = gone;
    this.reader = new ResponseReader({
      onHead: (head) => this.onHead(head),
      onData: (chunk) => {
        if (this.handler && !this.handler.onData(chunk)) this.socket.pause();
      },
      onEnd: (clean) => this.onEnd(clean),
    });
    this.socket = connectTo(dial);
    const patience = setTimeout(() => this.socket.destroy(new Error('connect timeout')), CONNECT_TIMEOUT_MS);
    this.socket.once('connect', () => {
      this.connected = true;
      clearTimeout(patience);
    });
    this.socket.on('data', (chunk: Buffer) => this.onData(chunk));
    this.socket.on('end', () => this.onSocketEnd());
    this.socket.on('error', (error) => this.fail(this.connected ? 'closed' : 'connect', error));
    this.socket.on('close', () => {
      clearTimeout(patience);
      this.onSocketEnd();
      this.gone(this);
    });
  }

  get usable(): boolean {
    return this.reusable && !this.socket.destroyed && !this.socket.readableEnded;
  }

  /** Sends a request; the handler hears of its response, or of its failure, exactly once. */
  send(request: HttpRequest, handler: ResponseHandler): void {
    this.handler = handler;
    this.reader.expect(request.method);
    const { body } = request;
    let head = `${request.method} ${request.path} HTTP/1.1\r\n`;
    let hasLength = false;
    for (let i = 0; i + 1 < request.headers.length; i += 2) {
      const name = request.headers[i] ?? '';
      if (name === 'content-length') {
        hasLength = true;
        if (typeof body === 'string') continue;
      }
      head += `${name}: ${request.headers[i + 1]}\r\n`;
    }
    if (body === null) this.socket.write(`${head}\r\n`, 'latin1');
    else if (typeof body === 'string') {
      this.socket.cork();
      this.socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n`, 'latin1');
      this.socket.write(body);
      this.socket.uncork();
    } else {
      this.socket.write(`${head}${hasLength ? '' : 'transfer-encoding: chunked\r\n'}\r\n`, 'latin1');
      this.sendBody(body, hasLength);
    }
  }

  serves(handler: ResponseHandler): boolean {
    return this.handler === handler;
  }

  /** Ends the connection; the present handler hears nothing more. */
  destroy(): void {
    this.handler = undefined;
    this.body?.destroy();
    this.socket.destroy();
  }

  private readonly resume = (): void => {
    this.socket.resume();
  };

  private sendBody(body: Readable, hasLength: boolean): void {
    this.body = body;
    const { socket } = this;
    const drained = () => body.resume();
    socket.on('drain', drained);
    body.on('data', (chunk: Buffer) => {
      let more: boolean;
      if (hasLength) more = socket.write(chunk);
      else {
        socket.cork();
        socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
        socket.write(chunk);
        more = socket.write('\r\n', 'latin1');
        socket.uncork();
      }
      if (!more) body.pause();
    });
    body.on('end', () => {
      if (!hasLength && !socket.destroyed) socket.write('0\r\n\r\n', 'latin1');
      this.body = undefined;
    });
    body.on('error', () => this.socket.destroy());
    body.on('close', () => socket.off('drain', drained));
  }

  private onData(chunk: Buffer): void {
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof MalformedResponse)) throw error;
      this.fail('malformed', error);
      this.socket.destroy();
    }
  }

  private onHead(head: ResponseHead): void {
    this.reusable &&= head.keepAlive;
    if (this.handler && !this.handler.onHeaders(head.status, head.headers, this.resume)) this.socket.pause();
  }

  private onEnd(clean: boolean): void {
    const { handler } = this;
    this.handler = undefined;
    this.reusable &&= clean;
    // An answer that came before its request was sent leaves the rest of the request on the wire.
    const complete = this.body === undefined;
    if (!complete) this.body?.destroy();
    if (!complete || !this.reusable) {
      this.reusable = false;
      this.socket.destroySoon();
    } else {
      if (this.socket.isPaused()) this.socket.resume();
      this.release(this);
    }
    handler?.onComplete();
  }

  private onSocketEnd(): void {
    this.reusable = false;
    if (this.reader.close()) {
      this.handler = undefined;
      this.socket.destroySoon();
      return;
    }
    this.fail(this.connected ? 'closed' : 'connect', new Error('The connection was closed before the response ended.'));
    this.socket.destroy();
  }

  private fail(failure: Failure, error: Error): void {
    const { handler } = this;
    this.handler = undefined;
    this.reusable = false;
    this.body?.destroy();
    handler?.onFailure(failure, error);
  }
}
