import { COLON, CR, HEX, HTAB, LF, SEMICOLON, SP, TEXT, TOKEN } from './bytes.js';
import { FramingFields } from './fields.js';

/** Of one line of a head or trailer, or of a chunk's size line; bytes. */
export const LONGEST_LINE = 16 * 1024;
/** Of everything that is not body in one answer, interim answers and chunk extensions included; bytes. */
export const LONGEST_HEAD = 64 * 1024;
/** 13 hexadecimal digits are the most that a double holds exactly. */
const CHUNK_DIGITS = 13;

/** What `feed` and `end` found. */
export const MORE = 0;
export const DONE = 1;
export const FAULT = 2;
export type Progress = typeof MORE | typeof DONE | typeof FAULT;

/** Takes an answer's body, transfer codings removed; the bytes are only valid during the call. */
export interface BodySink {
  body(buffer: Buffer, from: number, to: number): void;
}

/** `HTTP/1.`; what follows is told apart by its own states. */
const VERSION = Buffer.from('HTTP/1.');

const VERSION_TEXT = 0;
const VERSION_MINOR = 1;
const STATUS_SPACE = 2;
const STATUS_DIGITS = 3;
const STATUS_END = 4;
const REASON = 5;
const REASON_LF = 6;
const FIELD_START = 7;
const FIELD_NAME = 8;
const FIELD_VALUE = 9;
const FRAMING_VALUE = 10;
const FIELD_LF = 11;
const HEAD_LF = 12;
const LENGTH_BODY = 13;
const CLOSE_BODY = 14;
const CHUNK_START = 15;
const CHUNK_SIZE = 16;
const CHUNK_EXTENSION = 17;
const CHUNK_LF = 18;
const CHUNK_DATA = 19;
const CHUNK_DATA_CR = 20;
const CHUNK_DATA_LF = 21;
const ENDED = 22;

/**
 * Reads HTTP/1 answers (RFC 9112) from pieces cut anywhere, one answer after `start`. Strict: whatever leaves the end of an answer
 * in doubt is a fault, never a guess. Keeps no byte of it and allocates nothing.
 */
export class ResponseParser {
  /** Of the last head that was read; interim answers are passed over. */
  status = 0;
  /** The connection can take another request; valid after DONE. */
  keepAlive = false;
  /** What is wrong; valid after FAULT. */
  fault = '';
  /** Of the last buffer: the first byte that does not belong to this answer; valid after DONE. */
  offset = 0;
  readonly #fields = new FramingFields();
  #state = ENDED;
  /** The answer is to a HEAD request. */
  #toHead = false;
  #minor = 0;
  /** Position in the version text, the status digits or a chunk size. */
  #count = 0;
  #inTrailer = false;
  /** Of the body or the chunk. */
  #remaining = 0;
  #lineBytes = 0;
  #headBytes = 0;

  /** Gets ready for the next answer. */
  start(toHead: boolean): void {
    this.#toHead = toHead;
    this.#headBytes = 0;
    this.#startHead();
  }

  /** Some of the answer has been read. */
  get begun(): boolean {
    return this.#state !== VERSION_TEXT || this.#count > 0 || this.#headBytes > 0;
  }

  /** Reads `buffer[from, to)`; after DONE and FAULT it must be started again. */
  feed(buffer: Buffer, from: number, to: number, sink: BodySink): Progress {
    let at = from;
    while (at < to) {
      const state = this.#state;
      if (state < LENGTH_BODY) at = this.#head(buffer, at, to);
      else if (state >= CHUNK_START && state !== CHUNK_DATA) at = this.#chunkLine(buffer, at, to);
      else if (state === CLOSE_BODY) {
        sink.body(buffer, at, to);
        return MORE;
      } else {
        const end = Math.min(to, at + this.#remaining);
        sink.body(buffer, at, end);
        this.#remaining -= end - at;
        at = end;
        if (this.#remaining === 0) this.#state = state === CHUNK_DATA ? CHUNK_DATA_CR : ENDED;
      }
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
    if (this.#state === CLOSE_BODY) {
      this.#state = ENDED;
      return DONE;
    }
    this.fault = 'the connection ended inside the answer';
    return FAULT;
  }

  #startHead(): void {
    this.#state = VERSION_TEXT;
    this.#count = 0;
    this.#lineBytes = 0;
    this.#inTrailer = false;
    this.status = 0;
    this.#fields.reset();
  }

  #refuse(fault: string): -1 {
    this.fault = fault;
    this.#state = ENDED;
    return -1;
  }

  /** Counts bytes outside of the body against both limits. */
  #spend(bytes: number): boolean {
    this.#lineBytes += bytes;
    this.#headBytes += bytes;
    return this.#lineBytes <= LONGEST_LINE && this.#headBytes <= LONGEST_HEAD;
  }

  /** Reads lines of a head or trailer as far as they go. @returns where it stopped, -1 after a fault. */
  #head(buffer: Buffer, from: number, to: number): number {
    const fields = this.#fields;
    let state = this.#state;
    let lineFrom = from;
    let at = from;
    while (at < to) {
      const octet = buffer[at++] as number;
      switch (state) {
        case FIELD_VALUE:
          if (TEXT[octet] === 1) {
            while (at < to && TEXT[buffer[at] as number] === 1) at++;
          } else if (octet === CR) state = FIELD_LF;
          else return this.#refuse('control character in a field value');
          break;
        case FIELD_NAME:
          if (octet === COLON) {
            state = !this.#inTrailer && fields.endName() ? FRAMING_VALUE : FIELD_VALUE;
          } else if (TOKEN[octet] === 1) {
            if (fields.nameOpen) fields.nameOctet(octet);
            else while (at < to && TOKEN[buffer[at] as number] === 1) at++;
          } else return this.#refuse('no field name before a colon');
          break;
        case FRAMING_VALUE:
          if (TEXT[octet] === 1) fields.valueOctet(octet);
          else if (octet === CR) {
            fields.endValue();
            state = FIELD_LF;
          } else return this.#refuse('control character in a field value');
          if (fields.fault !== undefined) return this.#refuse(fields.fault);
          break;
        case FIELD_LF:
        case REASON_LF:
          if (octet !== LF) return this.#refuse('CR without LF');
          if (!this.#spend(at - lineFrom)) return this.#refuse('head too large');
          lineFrom = at;
          this.#lineBytes = 0;
          state = FIELD_START;
          break;
        case FIELD_START:
          if (octet === CR) state = HEAD_LF;
          else if (TOKEN[octet] === 1) {
            fields.startName(octet);
            state = FIELD_NAME;
          } else return this.#refuse(octet === SP || octet === HTAB ? 'folded field' : 'no field name');
          break;
        case HEAD_LF:
          if (octet !== LF) return this.#refuse('CR without LF');
          if (!this.#spend(at - lineFrom)) return this.#refuse('head too large');
          if (this.#inTrailer) this.#state = ENDED;
          else if (!this.#endHead()) return -1;
          return at;
        case REASON:
          if (octet === CR) state = REASON_LF;
          else if (TEXT[octet] !== 1) return this.#refuse('control character in the reason phrase');
          break;
        case STATUS_DIGITS:
          if (octet < 48 || octet > 57) return this.#refuse('no status code');
          this.status = this.status * 10 + (octet - 48);
          if (++this.#count === 3) state = STATUS_END;
          break;
        case STATUS_END:
          if (this.status < 100) return this.#refuse('status code below 100');
          if (octet === SP) state = REASON;
          else if (octet === CR) state = REASON_LF;
          else return this.#refuse('no blank after the status code');
          break;
        case STATUS_SPACE:
          if (octet !== SP) return this.#refuse('no blank after the version');
          this.#count = 0;
          state = STATUS_DIGITS;
          break;
        case VERSION_MINOR:
          if (octet !== 48 && octet !== 49) return this.#refuse('neither HTTP/1.0 nor HTTP/1.1');
          this.#minor = octet - 48;
          state = STATUS_SPACE;
          break;
        default:
          if (octet !== VERSION[this.#count]) return this.#refuse('no HTTP/1 status line');
          if (++this.#count === VERSION.length) state = VERSION_MINOR;
      }
    }
    this.#state = state;
    return this.#spend(at - lineFrom) ? at : this.#refuse('head too large');
  }

  /** Decides what follows the head (RFC 9112, 6.3). */
  #endHead(): boolean {
    const { contentLength, hasTransferEncoding, chunked, close, keepAlive } = this.#fields;
    const { status } = this;
    const unclear =
      status === 101
        ? 'switches protocols unasked'
        : hasTransferEncoding && contentLength !== undefined
          ? 'both Content-Length and Transfer-Encoding'
          : undefined;
    if (unclear !== undefined) {
      this.#refuse(unclear);
      return false;
    }
    if (status < 200) {
      this.#startHead();
      return true;
    }
    // Transfer codings came with HTTP/1.1: behind an older version there is a party that may have misread the message.
    this.keepAlive = this.#minor === 1 ? !close : keepAlive && !close && !hasTransferEncoding;
    if (this.#toHead || status === 204 || status === 304 || contentLength === 0) this.#state = ENDED;
    else if (chunked) {
      this.#state = CHUNK_START;
      this.#lineBytes = 0;
    } else if (contentLength !== undefined) {
      this.#remaining = contentLength;
      this.#state = LENGTH_BODY;
    } else {
      this.keepAlive = false;
      this.#state = CLOSE_BODY;
    }
    return true;
  }

  /** Reads what is around a chunk's data. @returns where it stopped, -1 after a fault. */
  #chunkLine(buffer: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const octet = buffer[at++] as number;
      switch (this.#state) {
        case CHUNK_START:
          if (HEX[octet] === 255) return this.#refuse('no chunk size');
          this.#remaining = HEX[octet] as number;
          this.#count = 1;
          this.#state = CHUNK_SIZE;
          break;
        case CHUNK_SIZE:
          if (HEX[octet] !== 255) {
            if (++this.#count > CHUNK_DIGITS) return this.#refuse('chunk size too large');
            this.#remaining = this.#remaining * 16 + (HEX[octet] as number);
          } else if (octet === CR) this.#state = CHUNK_LF;
          else if (octet === SEMICOLON) this.#state = CHUNK_EXTENSION;
          else return this.#refuse('bad chunk size');
          break;
        case CHUNK_EXTENSION:
          if (octet === CR) this.#state = CHUNK_LF;
          else if (TEXT[octet] !== 1) return this.#refuse('control character in a chunk extension');
          else if (!this.#spend(1)) return this.#refuse('chunk extensions too large');
          break;
        case CHUNK_LF:
          if (octet !== LF) return this.#refuse('CR without LF');
          this.#lineBytes = 0;
          if (this.#remaining > 0) this.#state = CHUNK_DATA;
          else {
            this.#inTrailer = true;
            this.#state = FIELD_START;
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
