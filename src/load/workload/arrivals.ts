import type { Random } from '../../base/random.js';
import type { LoadLevels } from '../../scenario/types.js';
import { ArrivalClock } from './levels.js';

/** The due times of an open model, in ms since the start, one after the other. */
export interface Arrivals {
  /** Of the present arrival; Infinity: there is none any more. */
  readonly due: number;
  /** Goes on to the arrival that comes `count` later. */
  advance(count: number): void;
}

/** Arrival i comes when the integral of the rate is i: evenly spaced where the rate is constant. Derived from i, so that no rounding error adds up. */
export class EvenArrivals implements Arrivals {
  readonly #clock: ArrivalClock;
  #index = 0;
  due: number;

  constructor(levels: LoadLevels) {
    this.#clock = new ArrivalClock(levels);
    this.due = this.#clock.at(0);
  }

  advance(count: number): void {
    this.#index += count;
    this.due = this.#clock.at(this.#index);
  }
}

/**
 * A Poisson process whose rate follows the levels: exponential gaps of mean 1, -ln(1 - u), are laid along the integral of the rate
 * (change of time). Their sum runs over drawn gaps only, never over measured delays, so that a late generator does not lower the rate.
 */
export class PoissonArrivals implements Arrivals {
  readonly #clock: ArrivalClock;
  readonly #random: Random;
  #sum = 0;
  due = 0;

  constructor(levels: LoadLevels, random: Random) {
    this.#clock = new ArrivalClock(levels);
    this.#random = random;
    this.advance(1);
  }

  advance(count: number): void {
    for (let gap = 0; gap < count; gap++) this.#sum -= Math.log1p(-this.#random());
    this.due = this.#clock.at(this.#sum);
  }
}

/** Recorded times, in ms since the first and in their order, played `speed` times as fast. */
export class ReplayedArrivals implements Arrivals {
  readonly #times: Float64Array;
  readonly #speed: number;
  #index = 0;
  due: number;

  constructor(times: Float64Array, speed: number) {
    this.#times = times;
    this.#speed = speed;
    this.due = this.#at(0);
  }

  advance(count: number): void {
    this.#index += count;
    this.due = this.#at(this.#index);
  }

  #at(index: number): number {
    return (this.#times[index] ?? Number.POSITIVE_INFINITY) / this.#speed;
  }
}
