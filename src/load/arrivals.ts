import type { Random } from '../base/random.js';

/** The due times of an open model, in ms since the start, one after the other. */
export interface Arrivals {
  /** The due time that `advance` moves past. */
  due(): number;
  advance(): void;
}

/** Evenly spaced: arrival i is due at i / rate, derived from i so that no rounding error adds up. */
export function constantArrivals(ratePerSecond: number): Arrivals {
  let index = 0;
  return {
    due: () => (index * 1000) / ratePerSecond,
    advance() {
      index++;
    },
  };
}

/**
 * A Poisson process: exponential gaps with mean 1 / rate, drawn by inversion, -ln(1 - u) / rate.
 * The sum runs over drawn gaps only, never over measured delays, so that a late generator does not lower the rate.
 */
export function poissonArrivals(ratePerSecond: number, random: Random): Arrivals {
  const gap = () => (-Math.log1p(-random()) * 1000) / ratePerSecond;
  let due = gap();
  return {
    due: () => due,
    advance() {
      due += gap();
    },
  };
}
