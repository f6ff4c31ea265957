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

  /** @param ms duration, negative counts as 0. */
  record(ms: number): void {
    const us = Math.min(HIGHEST_US, Math.max(0, Math.round(ms * 1000)));
    if (us > this.#maxUs) this.#maxUs = us;
    this.#histogram.recordValue(us);
  }

  reset(): void {
    this.#histogram.reset();
    this.#maxUs = 0;
  }

  /** All 0 and without buckets when nothing was recorded. */
  summary(): LatencySummary {
    const histogram = this.#histogram;
    const count = histogram.totalCount;
    // A bucket's upper end can lie above the largest value recorded in it.
    const percentile = (p: number) =>
      count === 0 ? 0 : Math.min(histogram.getValueAtPercentile(p), this.#maxUs) / 1000;
    return {
      count,
      mean: count === 0 ? 0 : histogram.mean / 1000,
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
      p999: percentile(99.9),
      max: this.#maxUs / 1000,
      buckets: this.#buckets(),
    };
  }

  #buckets(): { upTo: number; count: number }[] {
    const values = this.#histogram.recordedValuesIterator;
    const recorded: { upTo: number; count: number }[] = [];
    for (values.reset(); values.hasNext(); ) {
      const value = values.next();
      recorded.push({ upTo: Math.min(value.valueIteratedTo, this.#maxUs), count: value.countAtValueIteratedTo });
    }
    return mergeBuckets(recorded, MAX_BUCKETS).map(({ upTo, count }) => ({ upTo: upTo / 1000, count }));
  }
}

/** Joins neighbouring buckets into at most `limit`, equally wide on a logarithmic scale; each keeps its highest bound. */
export function mergeBuckets(
  buckets: readonly { upTo: number; count: number }[],
  limit: number,
): { upTo: number; count: number }[] {
  if (buckets.length <= limit) return [...buckets];
  const position = ({ upTo }: { upTo: number }) => Math.log(Math.max(upTo, 1));
  const low = position(buckets[0] as { upTo: number });
  const width = (position(buckets[buckets.length - 1] as { upTo: number }) - low) / limit;
  const merged = new Map<number, { upTo: number; count: number }>();
  for (const bucket of buckets) {
    const slot = Math.min(limit - 1, Math.floor((position(bucket) - low) / width));
    merged.set(slot, { upTo: bucket.upTo, count: (merged.get(slot)?.count ?? 0) + bucket.count });
  }
  return [...merged.values()];
}
