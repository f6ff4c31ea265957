import type { HeadReader } from './head.js';

/** Longer heads are read anew each time; bytes. */
const LONGEST = 1024;
/** After so many different heads in a row they all are (a request id, a clock in milliseconds): looking costs more than it saves. */
const MOST_MISSES = 100;

/** The last head of one URI. Most servers send the same bytes again until their Date changes: comparing them costs a quarter of reading them. */
export class HeadMemo {
  readonly #bytes = Buffer.allocUnsafeSlow(LONGEST);
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
    if (this.#length === 0 || end > to || buffer.compare(this.#bytes, 0, this.#length, from, end) !== 0) return -1;
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
}
