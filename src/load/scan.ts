const EMPTY = Buffer.alloc(0);

/**
 * Looks for texts in a body that arrives in chunks, across chunk borders, keeping no more of it than the longest text less one byte.
 * Used again for the next body after `reset`.
 */
export class TextScanner {
  readonly #needles: readonly Buffer[];
  readonly #found: boolean[];
  readonly #overlap: number;
  /** The end of what has been seen, then room for the start of the next chunk. */
  readonly #border: Buffer;
  #tail = 0;
  #open: number;

  /** @param needles UTF-8 texts, none empty. */
  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
    this.#found = needles.map(() => false);
    this.#overlap = Math.max(0, ...needles.map((needle) => needle.length - 1));
    this.#border = this.#overlap === 0 ? EMPTY : Buffer.alloc(2 * this.#overlap);
    this.#open = needles.length;
  }

  /** By position in the needles; valid until `reset`. */
  get found(): readonly boolean[] {
    return this.#found;
  }

  /** Forgets the body. */
  reset(): void {
    if (this.#open < this.#found.length) this.#found.fill(false);
    this.#open = this.#found.length;
    this.#tail = 0;
  }

  /** Looks at `chunk[from, to)`. */
  push(chunk: Buffer, from = 0, to = chunk.length): void {
    if (from === to || this.#open === 0) return;
    if (this.#tail > 0) {
      // A text across the border starts in the tail and ends within `overlap` bytes of the chunk.
      const head = Math.min(this.#overlap, to - from);
      chunk.copy(this.#border, this.#tail, from, from + head);
      this.#search(this.#border, 0, this.#tail + head);
    }
    this.#search(chunk, from, to);
    this.#keepTail(chunk, from, to);
  }

  #search(bytes: Buffer, from: number, to: number): void {
    // A view costs less than searching in JavaScript: the native search is several times as fast, but knows no end.
    const view = bytes.subarray(from, to);
    for (let index = 0; index < this.#needles.length; index++) {
      if (this.#found[index] || !view.includes(this.#needles[index] as Buffer)) continue;
      this.#found[index] = true;
      this.#open--;
    }
  }

  #keepTail(chunk: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length >= this.#overlap) {
      chunk.copy(this.#border, 0, to - this.#overlap, to);
      this.#tail = this.#overlap;
      return;
    }
    const all = this.#tail + length;
    chunk.copy(this.#border, this.#tail, from, to);
    this.#tail = Math.min(all, this.#overlap);
    this.#border.copyWithin(0, all - this.#tail, all);
  }
}
