import type { LoadLevels } from '../../scenario/types.js';

/** The corners of a level that is linear between them and stays after the last: times in ms, levels in users or arrivals per second. */
interface Corners {
  readonly at: readonly number[];
  readonly level: readonly number[];
}

function cornersOf({ start, stages }: LoadLevels): Corners {
  const at = [0];
  const level = [start];
  for (const { ms, to } of stages) {
    at.push((at[at.length - 1] as number) + ms);
    level.push(to);
  }
  return { at, level };
}

/** Which users are there at which time: user u (0, 1, ...) is there while the level is above u. So those who came last leave first. */
export class Presence {
  readonly #at: readonly number[];
  readonly #level: readonly number[];

  constructor(levels: LoadLevels) {
    const { at, level } = cornersOf(levels);
    this.#at = at;
    this.#level = level;
  }

  /** The earliest time >= `ms` at which a user is there; Infinity: never again. */
  from(user: number, ms: number): number {
    const last = this.#at.length - 1;
    for (let corner = 0; corner < last; corner++) {
      const begin = this.#at[corner] as number;
      const end = this.#at[corner + 1] as number;
      if (ms >= end || begin === end) continue;
      const low = this.#level[corner] as number;
      const high = this.#level[corner + 1] as number;
      const since = Math.max(ms, begin);
      if (low + ((high - low) * (since - begin)) / (end - begin) > user) return since;
      // Not there now; on the way up he comes where the line crosses his number.
      if (high > user) return Math.max(since, begin + ((user - low) * (end - begin)) / (high - low));
    }
    return (this.#level[last] as number) > user ? Math.max(ms, this.#at[last] as number) : Number.POSITIVE_INFINITY;
  }
}

/**
 * When so many arrivals are to have come: the inverse of the integral of the rate, in closed form for every linear piece.
 * Where nothing comes for a while, it is the end of that while.
 */
export class ArrivalClock {
  readonly #at: readonly number[];
  readonly #rate: readonly number[];
  /** Arrivals up to each corner. */
  readonly #sum: readonly number[];
  #corner = 0;

  constructor(levels: LoadLevels) {
    const { at, level } = cornersOf(levels);
    this.#at = at;
    this.#rate = level;
    const sum = [0];
    for (let corner = 1; corner < at.length; corner++) {
      const seconds = ((at[corner] as number) - (at[corner - 1] as number)) / 1000;
      const mean = ((level[corner] as number) + (level[corner - 1] as number)) / 2;
      sum.push((sum[corner - 1] as number) + mean * seconds);
    }
    this.#sum = sum;
  }

  /**
   * The time in ms at which the integral of the rate passes `arrivals`, which must not be less than in the call before; Infinity: never.
   * From r0 t + s t^2 / 2 = y follows t = 2 y / (r0 + sqrt(r0^2 + 2 s y)), which loses no digits where the slope s is small.
   */
  at(arrivals: number): number {
    const last = this.#at.length - 1;
    while (this.#corner < last && arrivals >= (this.#sum[this.#corner + 1] as number)) this.#corner++;
    const corner = this.#corner;
    const begin = this.#at[corner] as number;
    const rate = this.#rate[corner] as number;
    const rest = arrivals - (this.#sum[corner] as number);
    if (corner === last) return rate === 0 ? Number.POSITIVE_INFINITY : begin + (rest * 1000) / rate;
    if (rest === 0) return begin;
    const seconds = ((this.#at[corner + 1] as number) - begin) / 1000;
    const slope = ((this.#rate[corner + 1] as number) - rate) / seconds;
    return begin + (2000 * rest) / (rate + Math.sqrt(Math.max(0, rate * rate + 2 * slope * rest)));
  }
}
