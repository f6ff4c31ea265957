import type { HistogramData } from './loadRun.js';
import type { LatencySummary } from './types.js';

const HIGHEST_US = 3_600_000_000;
const MAX_BUCKETS = 120;

/** Values below this have a bucket each; above, every doubling has half as many buckets, so that a bucket is at most 1/1024 of its values wide. */
const EXACT = 2048;
const EXACT_BITS = 11;
const HALF_BITS = EXACT_BITS - 1;
const BUCKETS = bucketOf(HIGHEST_US) + 1;

/** @param us whole number below 2^32. */
function bucketOf(us: number): number {
  if (us < EXACT) return us;
  const shift = 32 - EXACT_BITS - Math.clz32(us);
  return (shift << HALF_BITS) + (us >>> shift);
}

/** The largest value in a bucket. */
function highestIn(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const shift = (bucket >> HALF_BITS) - 1;
  return (bucket - (shift << HALF_BITS) + 1) * 2 ** shift - 1;
}

/** A histogram of durations in constant memory (buckets of the HDR layout, 3 significant digits, 1 us to 1 h; longer ones count as 1 h). */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #maxUs = 0;
  #sumUs = 0;

  static of(data: HistogramData): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.addData(data);
    return histogram;
  }

  /** @param ms duration, negative counts as 0. */
  record(ms: number): void {
    const us = ms > 0 ? Math.round(Math.min(ms * 1000, HIGHEST_US)) : 0;
    if (us > this.#maxUs) this.#maxUs = us;
    this.#sumUs += us;
    const bucket = bucketOf(us);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
  }

  /** Takes in what another has recorded, without loss: the same as if all had been recorded here. */
  add(other: LatencyHistogram): void {
    this.addData({ counts: other.#counts, maxUs: other.#maxUs, sumUs: other.#sumUs });
  }

  /** As `add`, of one that another thread has sent. */
  addData({ counts, maxUs, sumUs }: HistogramData): void {
    const last = bucketOf(maxUs);
    for (let bucket = 0; bucket <= last; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (counts[bucket] ?? 0);
    }
    this.#maxUs = Math.max(this.#maxUs, maxUs);
    this.#sumUs += sumUs;
  }

  /** A copy of what was recorded. */
  data(): HistogramData {
    return { counts: this.#counts.slice(0, bucketOf(this.#maxUs) + 1), maxUs: this.#maxUs, sumUs: this.#sumUs };
  }

  /** What was recorded between two readings of one histogram. The maximum is that of its bucket. */
  static between(before: HistogramData, after: HistogramData): LatencyHistogram {
    const counts = after.counts.map((count, bucket) => count - (before.counts[bucket] ?? 0));
    const last = counts.findLastIndex((count) => count > 0);
    return LatencyHistogram.of({
      counts,
      maxUs: last < 0 ? 0 : Math.min(highestIn(last), after.maxUs),
      sumUs: after.sumUs - before.sumUs,
    });
  }

  reset(): void {
    this.#counts.fill(0);
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

  /** Non-empty buckets, rising. */
  #recorded(): Bucket[] {
    const found: Bucket[] = [];
    const last = bucketOf(this.#maxUs);
    for (let bucket = 0; bucket <= last; bucket++) {
      const count = this.#counts[bucket] as number;
      // A bucket's upper end can lie above the largest value recorded in it.
      if (count > 0) found.push({ upTo: Math.min(highestIn(bucket), this.#maxUs), count });
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
