const EMPTY = Buffer.alloc(0);

/**
 * Looks for texts in a body that arrives in chunks, across chunk borders, keeping no more of it than the longest text less one byte.
 * Used again for the next body after `reset`; allocates nothing after its creation.
 */
export class TextScanner {
  readonly #needles: readonly Needle[];
  readonly #found: boolean[];
  readonly #overlap: number;
  /** The end of what has been seen, then room for the start of the next chunk. */
  readonly #border: Buffer;
  #tail = 0;
  #open: number;

  /** @param needles UTF-8 texts, none empty. */
  constructor(needles: readonly Buffer[]) {
    this.#needles = needles.map((text) => ({ text, skips: skipTable(text) }));
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
    for (let index = 0; index < this.#needles.length; index++) {
      if (this.#found[index] || !holds(bytes, from, to, this.#needles[index] as Needle)) continue;
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

interface Needle {
  readonly text: Buffer;
  /** By octet under the text's end: how far the text can move without missing a match. */
  readonly skips: Uint32Array;
}

function skipTable(text: Buffer): Uint32Array {
  const skips = new Uint32Array(256).fill(text.length);
  for (let at = 0; at < text.length - 1; at++) skips[text[at] as number] = text.length - 1 - at;
  return skips;
}

/** Boyer-Moore-Horspool over a range: `Buffer.indexOf` has no end and would need a view of every chunk. */
function holds(bytes: Buffer, from: number, to: number, { text, skips }: Needle): boolean {
  const last = text.length - 1;
  for (let end = from + last; end < to; end += skips[bytes[end] as number] as number) {
    let back = 0;
    while (back <= last && bytes[end - back] === text[last - back]) back++;
    if (back > last) return true;
  }
  return false;
}
