import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.js';
import type { FlatHeaders } from '../control/http1/responseHead.js';
import { hasBody, headerValue, inspect } from './headers.js';
import { RequestBody } from './requestBody.js';

/** What a finished request looked like to the proxy that served it. */
export interface Finished {
  /** 0: the client left before a response began. */
  readonly code: number;
  /** Envoy's response flags in the order in which they were raised; empty: none. */
  readonly flags: string;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** The client's side of a request, as those who answer it see it. */
export interface Downstream {
  /** The response is complete, cut, or the client left. */
  readonly finished: boolean;
  /** The response head has been sent. */
  readonly started: boolean;
  flag(flag: string): void;
  begin(status: number, headers: FlatHeaders): void;
  send(chunk: Buffer, resume: () => void): boolean;
  end(): void;
  reply(status: number, text: string, headers?: FlatHeaders): void;
  cut(): void;
}

/**
 * The downstream half of one proxied request. Exactly one of `end`, `cut` and the client's leaving finishes it, and it
 * is counted then, once.
 */
export abstract class Exchange implements Downstream {
  protected readonly request: IncomingMessage;
  protected readonly response: ServerResponse;
  protected readonly clock: Clock;
  /** End-to-end headers of the request. */
  protected headers: FlatHeaders;
  /** Peer metadata that came with the request. */
  protected readonly toldPeer: string | undefined;
  protected readonly body: RequestBody | undefined;
  /** True once the whole request has arrived. */
  protected requestComplete: boolean;
  finished = false;
  private readonly startedAt: number;
  private readonly headBytes: number;
  private readonly flags: string[] = [];
  private responseBytes = 0;
  private status = 0;

  constructor(request: IncomingMessage, response: ServerResponse, clock: Clock) {
    this.request = request;
    this.response = response;
    this.clock = clock;
    this.startedAt = clock.now();
    const { headers, peer, bytes } = inspect(request.rawHeaders);
    this.headers = headers;
    this.toldPeer = peer;
    this.headBytes = bytes + (request.method?.length ?? 0) + (request.url?.length ?? 0) + 12;
    response.sendDate = false;
    if (hasBody(request)) {
      this.requestComplete = false;
      this.body = new RequestBody(request, () => {
        this.requestComplete = true;
        this.onRequestComplete();
      });
    } else {
      this.requestComplete = true;
      this.body = undefined;
    }
    response.on('close', () => this.left());
    response.on('error', () => undefined);
    request.on('error', () => undefined);
  }

  /** The client left: whatever is under way upstream must end. */
  protected abstract onLeft(): void;
  /** A body has arrived completely. */
  protected abstract onRequestComplete(): void;
  /** Called once per request. */
  protected abstract record(result: Finished): void;

  flag(flag: string): void {
    if (!this.flags.includes(flag)) this.flags.push(flag);
  }

  get started(): boolean {
    return this.status !== 0;
  }

  /** gRPC is told by its content type. */
  protected get isGrpc(): boolean {
    return this.request.headers['content-type']?.startsWith('application/grpc') === true;
  }

  /** Sends the response head. */
  begin(status: number, headers: FlatHeaders): void {
    this.status = status;
    this.responseBytes += 19;
    for (const text of headers) this.responseBytes += text.length + 2;
    this.response.writeHead(status, headers);
  }

  /** @returns false when the client reads slower than the upstream sends; `resume` is called when it has caught up. */
  send(chunk: Buffer, resume: () => void): boolean {
    this.responseBytes += chunk.length;
    if (this.response.write(chunk)) return true;
    this.response.once('drain', resume);
    return false;
  }

  /** Completes the response. It is counted before its last byte leaves, so that nobody sees an uncounted answer. */
  end(): void {
    if (this.finished) return;
    this.finish();
    this.response.end();
  }

  /** Answers in the proxy's own name. */
  reply(status: number, text: string, headers: FlatHeaders = []): void {
    if (this.finished) return;
    const body = Buffer.from(text);
    const type = text === '' ? [] : ['content-type', headerValue(headers, 'content-type') ?? 'text/plain'];
    const rest = headers.filter((_part, i) => headers[i - (i % 2)] !== 'content-type');
    this.begin(status, [
      ...rest,
      ...type,
      'content-length',
      String(body.length),
      'date',
      new Date(this.clock.wallMs()).toUTCString(),
    ]);
    this.responseBytes += body.length;
    this.finish();
    this.response.end(body);
  }

  /** Ends a response that cannot be completed any more by closing the connection. */
  cut(): void {
    if (this.finished) return;
    this.finish();
    this.response.destroy();
  }

  private left(): void {
    if (this.finished) return;
    this.flag('DC');
    this.finish();
    this.onLeft();
    this.body?.fail(new Error('the client left'));
  }

  private finish(): void {
    this.finished = true;
    this.record({
      code: this.status,
      flags: this.flags.length === 0 ? '' : this.flags.join(','),
      durationMs: this.clock.now() - this.startedAt,
      requestBytes: this.headBytes + (this.body?.bytes ?? 0),
      responseBytes: this.responseBytes,
    });
  }
}
