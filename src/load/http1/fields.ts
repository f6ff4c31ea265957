import { COMMA, HTAB, LOWER, SP } from './bytes.js';

const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const CONNECTION = Buffer.from('connection');
const CHUNKED = Buffer.from('chunked');
const CLOSE = Buffer.from('close');
const KEEP_ALIVE = Buffer.from('keep-alive');
const NOTHING = Buffer.alloc(0);

/** `content-length` and `connection` part ways here. */
const FORK = 3;
const T = 116;

/** Where in a Content-Length value the reader is. */
const BEFORE = 0;
const DIGITS = 1;
const AFTER = 2;

/**
 * The three fields that decide where an answer ends, read octet by octet: names are compared as they pass, so nothing of a head is kept.
 * Framing rules: RFC 9112, 6.
 */
export class FramingFields {
  /** Undefined: no Content-Length. */
  contentLength: number | undefined;
  hasTransferEncoding = false;
  /** The last transfer coding is `chunked`. */
  chunked = false;
  close = false;
  keepAlive = false;
  /** What is wrong, once something is. */
  fault: string | undefined;
  /** What the name may still be. */
  #name: Buffer = NOTHING;
  #at = 0;
  /** List members are matched against two words; -1: no longer a match. */
  #first = 0;
  #second = 0;
  #blank = true;
  /** A blank inside a member: more text makes it another word. */
  #gap = false;
  #phase = BEFORE;
  #length = 0;

  reset(): void {
    this.contentLength = undefined;
    this.hasTransferEncoding = false;
    this.chunked = false;
    this.close = false;
    this.keepAlive = false;
    this.fault = undefined;
  }

  /** A whole field name. @returns as `endName`. */
  wholeName(buffer: Buffer, from: number, to: number): boolean {
    const length = to - from;
    if (length !== CONNECTION.length && length !== CONTENT_LENGTH.length && length !== TRANSFER_ENCODING.length) {
      return false;
    }
    this.startName(buffer[from] as number);
    for (let at = from + 1; at < to && this.#name !== NOTHING; at++) this.nameOctet(buffer[at] as number);
    return this.endName();
  }

  /** @param octet the first of a field name that arrives in pieces. */
  startName(octet: number): void {
    const lower = LOWER[octet];
    this.#name = lower === 99 ? CONNECTION : lower === 116 ? TRANSFER_ENCODING : NOTHING;
    this.#at = 1;
  }

  nameOctet(octet: number): void {
    const lower = LOWER[octet];
    const at = this.#at++;
    if (lower === this.#name[at]) return;
    this.#name = at === FORK && lower === T && this.#name === CONNECTION ? CONTENT_LENGTH : NOTHING;
  }

  /** @returns whether the value matters: each of its octets is to be given to `valueOctet`. */
  endName(): boolean {
    if (this.#at !== this.#name.length || this.#name === NOTHING) {
      this.#name = NOTHING;
      return false;
    }
    if (this.#name === CONTENT_LENGTH) {
      if (this.contentLength !== undefined) this.fault = 'more than one Content-Length';
      this.#phase = BEFORE;
      this.#length = 0;
    } else {
      if (this.#name === TRANSFER_ENCODING) this.hasTransferEncoding = true;
      this.#startMember();
    }
    return true;
  }

  valueOctet(octet: number): void {
    if (this.#name === CONTENT_LENGTH) this.#lengthOctet(octet);
    else if (octet === COMMA) this.#endMember();
    else this.#memberOctet(octet);
  }

  endValue(): void {
    if (this.#name !== CONTENT_LENGTH) this.#endMember();
    else if (this.#phase === BEFORE) this.fault = 'Content-Length without a number';
    else this.contentLength = this.#length;
  }

  #lengthOctet(octet: number): void {
    if (octet === SP || octet === HTAB) {
      if (this.#phase === DIGITS) this.#phase = AFTER;
    } else if (octet < 48 || octet > 57 || this.#phase === AFTER) {
      this.fault = 'Content-Length is no number';
    } else {
      this.#phase = DIGITS;
      this.#length = this.#length * 10 + (octet - 48);
      if (this.#length > Number.MAX_SAFE_INTEGER) this.fault = 'Content-Length is too large';
    }
  }

  #startMember(): void {
    this.#first = 0;
    this.#second = 0;
    this.#blank = true;
    this.#gap = false;
  }

  #memberOctet(octet: number): void {
    if (octet === SP || octet === HTAB) {
      if (!this.#blank) this.#gap = true;
      return;
    }
    this.#blank = false;
    const lower = LOWER[octet];
    const first = this.#name === CONNECTION ? CLOSE : CHUNKED;
    this.#first = this.#matches(first, this.#first, lower);
    this.#second = this.#matches(KEEP_ALIVE, this.#second, lower);
  }

  /** @returns how many octets of the word have matched with this one, -1 when it is another word. */
  #matches(word: Buffer, matched: number, lower: number | undefined): number {
    return !this.#gap && matched >= 0 && matched < word.length && lower === word[matched] ? matched + 1 : -1;
  }

  #endMember(): void {
    if (!this.#blank) {
      if (this.#name === CONNECTION) {
        if (this.#first === CLOSE.length) this.close = true;
        else if (this.#second === KEEP_ALIVE.length) this.keepAlive = true;
      } else {
        const chunked = this.#first === CHUNKED.length;
        if (chunked && this.chunked) this.fault = 'chunked twice';
        // Codings after chunked leave the end of the answer to the end of the connection.
        this.chunked = chunked;
      }
    }
    this.#startMember();
  }
}
