import type { CheckResult } from '../judge/types.js';
import type { CheckSeries, SeriesPoint } from './types.js';

/** Of one series, so that a report does not grow with the run. */
export const MAX_POINTS = 600;

/**
 * The course of one check in bounded memory: every `stride`-th look and always the newest one; whenever the series is full,
 * every second point goes and the stride doubles.
 */
export class SeriesBuilder {
  readonly #first: CheckResult;
  #points: SeriesPoint[] = [];
  #last: SeriesPoint | undefined;
  #stride = 1;
  #seen = 0;

  constructor(first: CheckResult) {
    this.#first = first;
  }

  add(at: number, { observed }: CheckResult): void {
    if (!observed) return;
    const { share, low, high } = observed;
    const point = { at, share, low, high };
    this.#last = point;
    if (this.#seen++ % this.#stride !== 0) return;
    this.#points.push(point);
    // One place stays free for the newest point.
    if (this.#points.length >= MAX_POINTS) {
      this.#points = this.#points.filter((_, index) => index % 2 === 0);
      this.#stride *= 2;
    }
  }

  series(): CheckSeries {
    const { name, vantagePoint, expected } = this.#first;
    const kept = this.#points.at(-1);
    const points = this.#last && this.#last !== kept ? [...this.#points, this.#last] : [...this.#points];
    return { name, vantagePoint, expected, points };
  }
}
