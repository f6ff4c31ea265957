import type { HeadReader } from './head.js';

/** Longer heads are read anew each time; bytes. */
const LONGEST = 1024;
/** After so many different heads in a row they all are (a request id, a clock in milliseconds): looking costs more than it saves. */
const MOST_MISSES = 100;

/** What is compared comes from one read buffer, so its view is made once. */
let viewed: Buffer | undefined;
let view: DataView;

function viewOf(buffer: Buffer): DataView {
  if (buffer !== viewed) {
    viewed = buffer;
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }
  return view;
}

/** The last head of one URI. Most servers send the same bytes again until their Date changes: comparing them costs a tenth of reading them. */
export class HeadMemo {
  readonly #bytes = Buffer.allocUnsafeSlow(LONGEST);
  readonly #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #misses = 0;
  #status = 0;
  #minor = 0;
  #contentLength: number | undefined;
  #hasTransferEncoding = false;
  #chunked = false;
  #close = false;
  #keepAlive = false;

  /** When `buffer[from, to)` begins with the head that was kept, sets the reader to what it read then. @returns where the head ends, -1: read it. */
  recall(head: HeadReader, buffer: Buffer, from: number, to: number): number {
    const end = from + this.#length;
    if (this.#length === 0 || end > to || !this.#startsAt(buffer, from)) return -1;
    this.#misses = 0;
    const { fields } = head;
    head.status = this.#status;
    head.minor = this.#minor;
    fields.contentLength = this.#contentLength;
    fields.hasTransferEncoding = this.#hasTransferEncoding;
    fields.chunked = this.#chunked;
    fields.close = this.#close;
    fields.keepAlive = this.#keepAlive;
    return end;
  }

  /** Keeps a head that was read in one piece, `buffer[from, to)`. */
  keep(head: HeadReader, buffer: Buffer, from: number, to: number): void {
    if (this.#misses > MOST_MISSES) return;
    this.#length = 0;
    if (++this.#misses > MOST_MISSES || to - from > LONGEST) return;
    const { fields } = head;
    this.#status = head.status;
    this.#minor = head.minor;
    this.#contentLength = fields.contentLength;
    this.#hasTransferEncoding = fields.hasTransferEncoding;
    this.#chunked = fields.chunked;
    this.#close = fields.close;
    this.#keepAlive = fields.keepAlive;
    this.#length = buffer.copy(this.#bytes, 0, from, to);
  }

  /**
   * Eight octets at a time, as doubles: Buffer's own comparison spends five times that on checking its arguments. A head that was read
   * holds no octet 0, so none of its doubles is 0, which would equal another one, -0; a NaN equals nothing, and the head is read anew.
   */
  #startsAt(buffer: Buffer, from: number): boolean {
    const length = this.#length;
    const kept = this.#view;
    const seen = viewOf(buffer);
    let at = 0;
    for (; at + 8 <= length; at += 8) if (seen.getFloat64(from + at, true) !== kept.getFloat64(at, true)) return false;
    for (; at < length; at++) if (seen.getUint8(from + at) !== kept.getUint8(at)) return false;
    return true;
  }
}
