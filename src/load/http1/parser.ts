import { CR, HEX, LF, SEMICOLON, TEXT } from './bytes.js';
import { HeadReader } from './head.js';
import type { HeadMemo } from './headMemo.js';

/** 13 hexadecimal digits are the most that a double holds exactly. */
const CHUNK_DIGITS = 13;

/** What `feed` and `end` found. */
const MORE = 0;
export const DONE = 1;
export const FAULT = 2;
export type Progress = typeof MORE | typeof DONE | typeof FAULT;

/** Takes an answer's body, the chunked coding removed; the bytes are only valid during the call. */
export interface BodySink {
  body(buffer: Buffer, from: number, to: number): void;
}

const HEAD = 0;
const LENGTH_BODY = 1;
const CLOSE_BODY = 2;
const CHUNK_DATA = 3;
const CHUNK_START = 4;
const CHUNK_SIZE = 5;
const CHUNK_EXTENSION = 6;
const CHUNK_LF = 7;
const CHUNK_DATA_CR = 8;
const CHUNK_DATA_LF = 9;
const TRAILER = 10;
const ENDED = 11;

/**
 * Reads HTTP/1 answers (RFC 9112) from pieces cut anywhere, one answer after `start`. Strict: whatever leaves the end of an answer
 * in doubt is a fault, never a guess. Keeps no byte of it and allocates nothing.
 */
export class ResponseParser {
  /** The connection can take another request; valid after DONE. */
  keepAlive = false;
  /** What is wrong; valid after FAULT. */
  fault = '';
  /** In the last buffer: the first byte that does not belong to this answer; valid after DONE. */
  offset = 0;
  readonly #head = new HeadReader();
  #state = ENDED;
  /** The answer is to a HEAD request. */
  #toHead = false;
  /** Undefined once some of the answer has been read. */
  #memo: HeadMemo | undefined;
  /** Digits of a chunk size. */
  #digits = 0;
  /** Of the body or the chunk. */
  #remaining = 0;

  /** Of the final answer, interim ones are passed over; valid after DONE. */
  get status(): number {
    return this.#head.status;
  }

  /** Gets ready for the next answer. @param memo of earlier answers to the same request. */
  start(toHead: boolean, memo?: HeadMemo): void {
    this.#toHead = toHead;
    this.#memo = memo;
    this.#state = HEAD;
    this.#head.startAnswer();
  }

  /** Reads `buffer[from, to)`; after DONE and FAULT it must be started again. */
  feed(buffer: Buffer, from: number, to: number, sink: BodySink): Progress {
    let at = from;
    while (at < to) {
      const state = this.#state;
      if (state === HEAD || state === TRAILER) at = this.#headLines(buffer, at, to);
      else if (state === CLOSE_BODY) {
        sink.body(buffer, at, to);
        return MORE;
      } else if (state === LENGTH_BODY || state === CHUNK_DATA) {
        const end = Math.min(to, at + this.#remaining);
        sink.body(buffer, at, end);
        this.#remaining -= end - at;
        at = end;
        if (this.#remaining === 0) this.#state = state === CHUNK_DATA ? CHUNK_DATA_CR : ENDED;
      } else at = this.#chunkLine(buffer, at, to);
      if (at < 0) return FAULT;
      if (this.#state === ENDED) {
        this.offset = at;
        return DONE;
      }
    }
    return MORE;
  }

  /** The connection ended: DONE when that ends the answer, otherwise a FAULT. */
  end(): Progress {
    const complete = this.#state === CLOSE_BODY;
    this.#state = ENDED;
    if (complete) return DONE;
    this.fault = 'the connection ended inside the answer';
    return FAULT;
  }

  #refuse(fault: string): -1 {
    this.fault = fault;
    this.#state = ENDED;
    return -1;
  }

  #headLines(buffer: Buffer, from: number, to: number): number {
    const head = this.#head;
    const memo = this.#memo;
    this.#memo = undefined;
    let at = memo ? memo.recall(head, buffer, from, to) : -1;
    if (at < 0) {
      at = head.read(buffer, from, to);
      if (at < 0) return this.#refuse(head.fault);
      if (!head.complete) return at;
      if (memo) memo.keep(head, buffer, from, at);
    }
    if (this.#state === TRAILER) {
      this.#state = ENDED;
      return at;
    }
    const fault = this.#endHead();
    return fault === undefined ? at : this.#refuse(fault);
  }

  /** Decides what follows the head (RFC 9112, 6.3). @returns what is wrong with it. */
  #endHead(): string | undefined {
    const { status, minor, fields } = this.#head;
    const { contentLength, hasTransferEncoding, chunked, close, keepAlive } = fields;
    if (hasTransferEncoding && contentLength !== undefined) return 'both Content-Length and Transfer-Encoding';
    if (status === 101) return 'switches protocols unasked';
    if (status < 200) {
      this.#head.startHead();
      return undefined;
    }
    // Transfer codings came with HTTP/1.1: an older server that sends one may have been misread by a party in between.
    this.keepAlive = minor === 1 ? !close : keepAlive && !close && !hasTransferEncoding;
    if (this.#toHead || status === 204 || status === 304 || contentLength === 0) this.#state = ENDED;
    else if (chunked) this.#state = CHUNK_START;
    else if (contentLength !== undefined) {
      this.#remaining = contentLength;
      this.#state = LENGTH_BODY;
    } else {
      this.keepAlive = false;
      this.#state = CLOSE_BODY;
    }
    return undefined;
  }

  /** Reads what is around a chunk's data. @returns where it stopped, -1 after a fault. */
  #chunkLine(buffer: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const octet = buffer[at++] as number;
      const digit = HEX[octet] as number;
      switch (this.#state) {
        case CHUNK_START:
          if (digit === 255) return this.#refuse('no chunk size');
          this.#remaining = digit;
          this.#digits = 1;
          this.#state = CHUNK_SIZE;
          break;
        case CHUNK_SIZE:
          if (digit !== 255) {
            if (++this.#digits > CHUNK_DIGITS) return this.#refuse('chunk size too large');
            this.#remaining = this.#remaining * 16 + digit;
          } else if (octet === CR) this.#state = CHUNK_LF;
          else if (octet === SEMICOLON) {
            this.#head.endLine();
            this.#state = CHUNK_EXTENSION;
          } else return this.#refuse('no number as a chunk size');
          break;
        case CHUNK_EXTENSION:
          if (octet === CR) this.#state = CHUNK_LF;
          else if (TEXT[octet] !== 1) return this.#refuse('control character in a chunk extension');
          else if (!this.#head.spend(1)) return this.#refuse('chunk extensions too large');
          break;
        case CHUNK_LF:
          if (octet !== LF) return this.#refuse('CR without LF');
          if (this.#remaining > 0) this.#state = CHUNK_DATA;
          else {
            this.#head.startTrailer();
            this.#state = TRAILER;
          }
          return at;
        case CHUNK_DATA_CR:
          if (octet !== CR) return this.#refuse('no CRLF after a chunk');
          this.#state = CHUNK_DATA_LF;
          break;
        default:
          if (octet !== LF) return this.#refuse('no CRLF after a chunk');
          this.#state = CHUNK_START;
      }
    }
    return at;
  }
}
