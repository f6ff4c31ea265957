import { assessGenerator, type GeneratorReadings, mergeReadings } from './health.js';
import { type HistogramData, LatencyHistogram } from './latency.js';
import type { ClientCounts, FailureSample, LoadSummary } from './types.js';

/** Where a load stands, as it can be sent to another thread and added to that of others without loss. */
export interface LoadSnapshot {
  readonly counts: ClientCounts;
  readonly inFlight: number;
  /** Without pauses. */
  readonly seconds: number;
  /** Since the start; end minus intended start. */
  readonly responseTime: HistogramData;
  /** Since the start; end minus actual send. */
  readonly serviceTime: HistogramData;
  readonly generator: GeneratorReadings;
  readonly window: WindowSnapshot;
  /** Undefined: none were asked for. */
  readonly samples?: { readonly most: number; readonly list: readonly FailureSample[] };
}

/** Since the window began. */
interface WindowSnapshot {
  readonly responseTime: HistogramData;
  readonly generator: GeneratorReadings;
}

/** The summary of a load that was sent in parts. @param parts at least one */
export function summaryOf(parts: readonly LoadSnapshot[]): LoadSummary {
  const counts = addCounts(parts.map((part) => part.counts));
  const seconds = Math.max(...parts.map((part) => part.seconds));
  const most = parts[0]?.samples?.most;
  const samples = parts.flatMap((part) => part.samples?.list ?? []).sort((a, b) => a.atMs - b.atMs);
  return {
    counts,
    seconds,
    requestsPerSecond: seconds > 0 ? counts.ended / seconds : 0,
    responseTime: mergeHistograms(parts.map((part) => part.responseTime)).summary(),
    serviceTime: mergeHistograms(parts.map((part) => part.serviceTime)).summary(),
    generator: assessGenerator(mergeReadings(parts.map((part) => part.generator))),
    ...(most === undefined ? {} : { samples: samples.slice(0, most) }),
  };
}

export function mergeHistograms(parts: readonly HistogramData[]): LatencyHistogram {
  const merged = new LatencyHistogram();
  for (const part of parts) merged.addData(part);
  return merged;
}

/** The books of several as one. @param parts at least one, of the same URI list */
export function addCounts(parts: readonly ClientCounts[]): ClientCounts {
  return parts.reduce((sum, part) => addUp(sum, part) as ClientCounts);
}

/** Adds numbers wherever they stand; keys that only one has are kept, and what is no number is the same in both. */
function addUp(one: unknown, other: unknown): unknown {
  if (one === undefined) return other;
  if (other === undefined) return one;
  if (typeof one === 'number' && typeof other === 'number') return one + other;
  if (Array.isArray(one) && Array.isArray(other)) return one.map((value, index) => addUp(value, other[index]));
  if (isRecord(one) && isRecord(other)) {
    return Object.fromEntries(Object.keys({ ...one, ...other }).map((key) => [key, addUp(one[key], other[key])]));
  }
  return one;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
