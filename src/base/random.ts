/** A deterministic generator of doubles in [0, 1). */
export type Random = () => number;

/** SplitMix32 step; used to spread one seed over many independent streams. */
function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/**
 * Many independent generators side by side, 16 bytes each: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, passes BigCrush.
 * A generator depends on the seed and its own stream number only, so that adding one changes nobody else's sequence.
 */
export class RandomStreams {
  readonly #state: Int32Array;

  /**
   * @param seed any integer; the same seed and stream give the same sequence on every platform.
   * @param streams the stream number of each generator, 0..2^32-1; different numbers give different sequences.
   */
  constructor(seed: number, streams: ArrayLike<number>) {
    this.#state = new Int32Array(4 * streams.length);
    const first = mix(seed);
    for (let index = 0; index < streams.length; index++) {
      const second = mix(first ^ mix(streams[index] as number));
      const at = 4 * index;
      this.#state[at] = first;
      this.#state[at + 1] = second;
      this.#state[at + 2] = mix(second ^ 0x1b873593);
      this.#state[at + 3] = 1;
      for (let round = 0; round < 12; round++) this.next(index);
    }
  }

  /** The next double in [0, 1) of one generator; a multiple of 2^-32. */
  next(index: number): number {
    const state = this.#state;
    const at = 4 * index;
    const b = state[at + 1] as number;
    const c = state[at + 2] as number;
    const counter = state[at + 3] as number;
    const t = ((((state[at] as number) + b) | 0) + counter) | 0;
    state[at] = b ^ (b >>> 9);
    state[at + 1] = (c + (c << 3)) | 0;
    state[at + 2] = (((c << 21) | (c >>> 11)) + t) | 0;
    state[at + 3] = (counter + 1) | 0;
    return (t >>> 0) / 4294967296;
  }
}

/** One generator of `RandomStreams`. */
export function seededRandom(seed: number, stream = 0): Random {
  const streams = new RandomStreams(seed, [stream]);
  return () => streams.next(0);
}
