import { observedShare } from '../judge/checks/share.js';
import {
  errorTally,
  goodObservation,
  mirrorTally,
  responseTimeTally,
  shareTally,
  type Tally,
} from '../judge/tallies.js';
import type { CheckResult, Look } from '../judge/types.js';
import { checkVersion, isAccount } from './format.js';
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

  /** A decided check keeps the numbers of its decision; the course goes on with what is seen, in the judge's own terms. */
  add(look: Look): void {
    const tally = tallyOf(this.#first, look);
    if (!tally || tally.total <= 0) return;
    const { share, low, high } = observedShare(tally, this.#first.errorRate);
    const point = { at: look.at, share, low, high };
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
    const { name, vantagePoint } = this.#first;
    const expected = isAccount(this.#first) ? {} : this.#first.expected;
    const kept = this.#points.at(-1);
    const points = this.#last && this.#last !== kept ? [...this.#points, this.#last] : [...this.#points];
    return { name, vantagePoint, expected, points };
  }
}

function tallyOf({ name, vantagePoint, expected }: CheckResult, look: Look): Tally | undefined {
  const version = checkVersion(name);
  if (name.startsWith('mirror:')) {
    const copies = mirrorTally(look, version);
    return copies && { count: Math.min(Math.max(0, copies.copies), copies.primaries), total: copies.primaries };
  }
  if (vantagePoint === 'config' || name.startsWith('proxies:')) return undefined;
  const counts = goodObservation(look, vantagePoint)?.counts;
  if (!counts) return undefined;
  const [kind = ''] = name.split(':');
  switch (kind) {
    case 'errors': {
      const of = counts.versions[version];
      return version === '' ? errorTally(counts) : of && { count: of.failed, total: of.total };
    }
    case 'drift':
      return version === 'errors' ? errorTally(counts) : shareTally(counts, version);
    case 'responseTime':
      return responseTimeTally(counts, version, expected);
    default:
      return shareTally(counts, version);
  }
}
