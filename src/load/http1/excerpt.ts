/** So much of an answer is kept: a head of the largest size that is usual, and then the start of the body; bytes. */
export const EXCERPT_BYTES = 20 * 1024;
/** Answers in several reads of which the start is kept at the same time, unless each is needed. */
const MOST_AT_ONCE = 64;

/** The start of an answer that arrives in several reads. */
export class Excerpt {
  #bytes = Buffer.allocUnsafeSlow(4096);
  #length = 0;

  add(buffer: Buffer, to: number): void {
    const more = Math.min(to, EXCERPT_BYTES - this.#length);
    if (more <= 0) return;
    if (this.#length + more > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(EXCERPT_BYTES);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += buffer.copy(this.#bytes, this.#length, 0, more);
  }

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what is kept and of `buffer[0, to)` after it. */
  with(buffer: Buffer, to: number): Buffer {
    const more = Math.min(to, EXCERPT_BYTES - this.#length);
    return Buffer.concat([this.#bytes.subarray(0, this.#length), buffer.subarray(0, more)]);
  }
}

/** Lends excerpts, while somebody wants them, and takes them back for the next answer. */
export class Excerpts {
  readonly #wanted: () => boolean;
  readonly #most: number;
  readonly #spare: Excerpt[] = [];
  #lent = 0;

  /** @param each no answer may go without one. */
  constructor(wanted: () => boolean, each: boolean) {
    this.#wanted = wanted;
    this.#most = each ? Number.POSITIVE_INFINITY : MOST_AT_ONCE;
  }

  /** Undefined: nobody wants one, or too many are lent. */
  lend(): Excerpt | undefined {
    if (this.#lent >= this.#most || !this.#wanted()) return undefined;
    this.#lent++;
    return this.#spare.pop() ?? new Excerpt();
  }

  takeBack(excerpt: Excerpt): void {
    this.#lent--;
    excerpt.clear();
    if (this.#spare.length < MOST_AT_ONCE) this.#spare.push(excerpt);
  }
}

const END_OF_HEAD = '\r\n\r\n';

/** The last head, those of interim answers passed over, and what follows it, as they were received. */
export function splitAnswer(received: Buffer): { readonly head: Buffer; readonly rest: Buffer } {
  let from = 0;
  let end = received.indexOf(END_OF_HEAD);
  while (end >= 0 && /^HTTP\/1\.[01] 1\d\d\b/.test(received.toString('latin1', from, from + 13))) {
    from = end + END_OF_HEAD.length;
    end = received.indexOf(END_OF_HEAD, from);
  }
  if (end < 0) return { head: received.subarray(from), rest: received.subarray(received.length) };
  return { head: received.subarray(from, end), rest: received.subarray(end + END_OF_HEAD.length) };
}
