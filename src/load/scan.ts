/** Looks for texts in a body that arrives in chunks, across chunk borders, keeping no more of it than the longest text less one byte. */
export class TextScanner {
  readonly #needles: readonly Buffer[];
  readonly #found: boolean[];
  readonly #overlap: number;
  #tail: Buffer = EMPTY;

  /** @param needles UTF-8 texts, none empty. */
  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
    this.#found = needles.map(() => false);
    this.#overlap = Math.max(0, ...needles.map((needle) => needle.length - 1));
  }

  /** By position in the needles. */
  get found(): readonly boolean[] {
    return this.#found;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0 || this.#needles.length === 0) return;
    // A text across the border starts in the tail and ends within `overlap` bytes of the chunk.
    const border = this.#tail.length === 0 ? EMPTY : Buffer.concat([this.#tail, chunk.subarray(0, this.#overlap)]);
    for (const [index, needle] of this.#needles.entries()) {
      if (!this.#found[index]) this.#found[index] = border.includes(needle) || chunk.includes(needle);
    }
    // Copied, because the chunk is a view of the socket's read buffer and would keep all of it alive.
    this.#tail =
      chunk.length >= this.#overlap
        ? Buffer.from(chunk.subarray(chunk.length - this.#overlap))
        : Buffer.concat([this.#tail, chunk]).subarray(-this.#overlap);
  }
}

const EMPTY = Buffer.alloc(0);
