import { build, type JsHistogram } from 'hdr-histogram-js';
import type { LatencySummary } from './types.js';

const HIGHEST_US = 3_600_000_000;
const MAX_BUCKETS = 120;

/** A histogram of durations in constant memory (HDR, 3 significant digits, 1 us to 1 h; longer ones count as 1 h). */
export class LatencyHistogram {
  // The 32-bit form records in 40 ns; the packed default takes ten times as long.
  readonly #histogram = build({
    bitBucketSize: 32,
    numberOfSignificantValueDigits: 3,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    useWebAssembly: false,
  }) as JsHistogram;
  #maxUs = 0;
  #sumUs = 0;

  /** @param ms duration, negative counts as 0. */
  record(ms: number): void {
    const us = Math.min(HIGHEST_US, Math.max(0, Math.round(ms * 1000)));
    if (us > this.#maxUs) this.#maxUs = us;
    this.#sumUs += us;
    this.#histogram.recordValue(us);
  }

  reset(): void {
    this.#histogram.reset();
    this.#maxUs = 0;
    this.#sumUs = 0;
  }

  /** All 0 and without buckets when nothing was recorded. */
  summary(): LatencySummary {
    const recorded = this.#recorded();
    const count = recorded.reduce((total, bucket) => total + bucket.count, 0);
    const percentile = (p: number) => valueAtRank(recorded, Math.max(1, Math.ceil(p * count))) / 1000;
    return {
      count,
      mean: count === 0 ? 0 : this.#sumUs / count / 1000,
      p50: percentile(0.5),
      p90: percentile(0.9),
      p99: percentile(0.99),
      p999: percentile(0.999),
      max: this.#maxUs / 1000,
      buckets: mergeBuckets(recorded, MAX_BUCKETS).map(({ upTo, count: values }) => ({
        upTo: upTo / 1000,
        count: values,
      })),
    };
  }

  /** Non-empty buckets, rising. One pass over the counts: the library's own iterators take ten times as long, while the load runs. */
  #recorded(): Bucket[] {
    const histogram = this.#histogram;
    const found: Bucket[] = [];
    const last = histogram.countsArrayIndex(this.#maxUs);
    for (let index = 0; index <= last; index++) {
      const count = histogram.getCountAtIndex(index);
      // A bucket's upper end can lie above the largest value recorded in it.
      if (count > 0) {
        found.push({
          upTo: Math.min(histogram.highestEquivalentValue(histogram.valueFromIndex(index)), this.#maxUs),
          count,
        });
      }
    }
    return found;
  }
}

interface Bucket {
  readonly upTo: number;
  readonly count: number;
}

/** The bound of the bucket that holds the value of this rank, from 1; 0 when there is none. */
function valueAtRank(buckets: readonly Bucket[], rank: number): number {
  let seen = 0;
  for (const { upTo, count } of buckets) {
    seen += count;
    if (seen >= rank) return upTo;
  }
  return 0;
}

/** Joins neighbouring buckets into at most `limit`, equally wide on a logarithmic scale; each keeps its highest bound. */
export function mergeBuckets(buckets: readonly Bucket[], limit: number): Bucket[] {
  if (buckets.length <= limit) return [...buckets];
  const position = ({ upTo }: Bucket) => Math.log(Math.max(upTo, 1));
  const low = position(buckets[0] as Bucket);
  const width = (position(buckets[buckets.length - 1] as Bucket) - low) / limit;
  const merged = new Map<number, Bucket>();
  for (const bucket of buckets) {
    const slot = Math.min(limit - 1, Math.floor((position(bucket) - low) / width));
    merged.set(slot, { upTo: bucket.upTo, count: (merged.get(slot)?.count ?? 0) + bucket.count });
  }
  return [...merged.values()];
}
