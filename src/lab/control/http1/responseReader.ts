import { type Framing, MalformedResponse, parseResponseHead, type ResponseHead } from './responseHead.js';

const MAX_HEAD_BYTES = 64 * 1024;
/** A chunk-size line with its extensions, or all trailers together. */
const MAX_LINE_BYTES = 8 * 1024;

export interface ResponseEvents {
  onHead(head: ResponseHead): void;
  onData(chunk: Buffer): void;
  /**
   * The response is complete.
   * @param clean false when the connection ended with it or went on with bytes that belong to nothing.
   */
  onEnd(clean: boolean): void;
}

type State = 'head' | 'length' | 'until-close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'done';

/** Reads one HTTP/1 response after the other from the bytes of a connection; informational ones are skipped. */
export class ResponseReader {
  private readonly events: ResponseEvents;
  private method = 'GET';
  private state: State = 'done';
  private rest: Buffer | undefined;
  private left = 0;
  private ended = false;

  constructor(events: ResponseEvents) {
    this.events = events;
  }

  /** Expects the response to a request of this method. */
  expect(method: string): void {
    this.method = method;
    this.state = 'head';
  }

  /** @throws MalformedResponse; the connection is of no use then. */
  push(chunk: Buffer): void {
    let data = chunk;
    if (this.rest) {
      data = Buffer.concat([this.rest, chunk]);
      this.rest = undefined;
    }
    let at = 0;
    while (at < data.length) {
      const next = this.step(data, at);
      if (next < 0) {
        this.rest = at === 0 ? data : data.subarray(at);
        return;
      }
      at = next;
      if (this.ended) {
        this.ended = false;
        this.events.onEnd(at === data.length);
        return;
      }
    }
  }

  /** The connection has ended. @returns false when a response was cut off. */
  close(): boolean {
    if (this.state === 'until-close') {
      this.state = 'done';
      this.events.onEnd(false);
    }
    return this.state === 'done';
  }

  /** @returns the index behind what was consumed, or -1 when more bytes are needed. */
  private step(data: Buffer, at: number): number {
    switch (this.state) {
      case 'head':
        return this.head(data, at);
      case 'length':
      case 'chunk-data':
        return this.body(data, at);
      case 'until-close':
        this.events.onData(at === 0 ? data : data.subarray(at));
        return data.length;
      case 'chunk-size':
        return this.chunkSize(data, at);
      case 'chunk-end':
        if (data.length - at < 2) return -1;
        if (data[at] !== 13 || data[at + 1] !== 10) throw new MalformedResponse('A chunk has no end.');
        this.state = 'chunk-size';
        return at + 2;
      case 'trailers':
        return this.trailers(data, at);
      case 'done':
        throw new MalformedResponse('Bytes after the end of the response.');
    }
  }

  private head(data: Buffer, at: number): number {
    const end = data.indexOf('\r\n\r\n', at, 'latin1');
    if (end < 0) {
      if (data.length - at > MAX_HEAD_BYTES)
        throw new MalformedResponse(`A head of more than ${MAX_HEAD_BYTES} bytes.`);
      // Whatever does not begin like HTTP is told at once instead of being waited for.
      const start = data.toString('latin1', at, Math.min(at + 5, data.length));
      if (!'HTTP/'.startsWith(start)) throw new MalformedResponse('No HTTP/1 status line.');
      return -1;
    }
    const head = parseResponseHead(data.toString('latin1', at, end), this.method);
    if (head.status >= 200) {
      this.enter(head.framing);
      this.events.onHead(head);
      if (head.framing.kind === 'none') this.end();
    } else if (head.status === 101) throw new MalformedResponse('101 without a request for it.');
    return end + 4;
  }

  private enter(framing: Framing): void {
    if (framing.kind === 'length') this.left = framing.bytes;
    this.state = framing.kind === 'chunked' ? 'chunk-size' : framing.kind === 'none' ? 'done' : framing.kind;
  }

  private body(data: Buffer, at: number): number {
    const end = Math.min(data.length, at + this.left);
    this.left -= end - at;
    const chunk = at === 0 && end === data.length ? data : data.subarray(at, end);
    const last = this.left === 0;
    if (last && this.state === 'chunk-data') this.state = 'chunk-end';
    this.events.onData(chunk);
    if (last && this.state === 'length') this.end();
    return end;
  }

  private chunkSize(data: Buffer, at: number): number {
    const end = data.indexOf('\r\n', at, 'latin1');
    if (end < 0) {
      if (data.length - at > MAX_LINE_BYTES) throw new MalformedResponse('An endless chunk size.');
      return -1;
    }
    const size = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(data.toString('latin1', at, end))?.[1];
    if (size === undefined) throw new MalformedResponse('A chunk has no size.');
    this.left = Number.parseInt(size, 16);
    this.state = this.left === 0 ? 'trailers' : 'chunk-data';
    return end + 2;
  }

  private trailers(data: Buffer, at: number): number {
    const end = data.indexOf('\r\n', at, 'latin1');
    if (end < 0) {
      if (data.length - at > MAX_LINE_BYTES) throw new MalformedResponse('Endless trailers.');
      return -1;
    }
    if (end === at) this.end();
    return end + 2;
  }

  private end(): void {
    this.state = 'done';
    this.ended = true;
  }
}
