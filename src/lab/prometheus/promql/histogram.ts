import { parseGoFloat } from '../exposition.js';
import { dropLabels, type Labels, labelKey, METRIC_NAME } from '../labels.js';
import type { Sample } from './context.js';

interface Bucket {
  readonly bound: number;
  readonly count: number;
}

/** The q-quantile of every classic histogram in the vector; buckets whose `le` is no number are left out. */
export function histogramQuantile(q: number, vector: readonly Sample[]): Sample[] {
  const dropped = new Set(['le', METRIC_NAME]);
  const histograms = new Map<string, { labels: Labels; buckets: Bucket[] }>();
  for (const { labels, value } of vector) {
    const bound = parseGoFloat(labels.get('le') ?? '');
    if (bound === undefined) continue;
    const own = dropLabels(labels, dropped);
    const key = labelKey(own);
    const histogram = histograms.get(key) ?? { labels: own, buckets: [] };
    histograms.set(key, histogram);
    histogram.buckets.push({ bound, count: value });
  }
  return [...histograms.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(q, buckets) }));
}

/**
 * Linear inside the bucket that holds the rank, the lowest one starting at 0 (if its bound is positive); a rank in +Inf gives
 * the highest finite bound; no observations give NaN.
 */
function bucketQuantile(q: number, unordered: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const sorted = [...unordered].sort((a, b) => (a.bound === b.bound ? 0 : a.bound < b.bound ? -1 : 1));
  if (sorted.at(-1)?.bound !== Number.POSITIVE_INFINITY) return Number.NaN;
  const buckets = monotonic(coalesce(sorted));
  const total = buckets.at(-1)?.count ?? 0;
  if (buckets.length < 2 || total === 0) return Number.NaN;

  const rank = q * total;
  const last = buckets.length - 1;
  let index = buckets.findIndex(({ count }) => count >= rank);
  if (index < 0) index = last;
  const found = buckets[index] as Bucket;
  const below = buckets[index - 1];
  if (index === last) return (buckets[last - 1] as Bucket).bound;
  if (!below) return found.bound <= 0 ? found.bound : found.bound * (rank / found.count);
  return below.bound + (found.bound - below.bound) * ((rank - below.count) / (found.count - below.count));
}

/** Buckets of one bound (`1` and `1.0`) are one. */
function coalesce(sorted: readonly Bucket[]): Bucket[] {
  const merged: Bucket[] = [];
  for (const bucket of sorted) {
    const last = merged.at(-1);
    if (last && last.bound === bucket.bound)
      merged[merged.length - 1] = { bound: last.bound, count: last.count + bucket.count };
    else merged.push(bucket);
  }
  return merged;
}

/** Cumulative counts never fall; scrapes of several targets at different instants can make it look so. */
function monotonic(buckets: readonly Bucket[]): Bucket[] {
  let highest = Number.NEGATIVE_INFINITY;
  return buckets.map(({ bound, count }) => {
    highest = Math.max(highest, count);
    return { bound, count: highest };
  });
}
