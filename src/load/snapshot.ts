import { assessGenerator, mergeReadings } from './health.js';
import { LatencyHistogram } from './latency.js';
import type { HistogramData, LoadSnapshot, ResponseTimeData, TimedAnswersData } from './loadRun.js';
import type { ClientCounts, LoadSummary } from './types.js';

/** As if one load had been sent. @param parts at least one, of the same URI list */
export function mergeSnapshots(parts: readonly LoadSnapshot[]): LoadSnapshot {
  const most = parts[0]?.samples?.most;
  const samples = parts.flatMap((part) => part.samples?.list ?? []).sort((a, b) => a.atMs - b.atMs);
  return {
    counts: addCounts(parts.map(({ counts }) => counts)),
    inFlight: parts.reduce((sum, { inFlight }) => sum + inFlight, 0),
    seconds: Math.max(...parts.map(({ seconds }) => seconds)),
    responseTime: mergeHistograms(parts.map(({ responseTime }) => responseTime)),
    serviceTime: mergeHistograms(parts.map(({ serviceTime }) => serviceTime)),
    generator: mergeReadings(parts.map(({ generator }) => generator)),
    window: {
      responseTime: mergeHistograms(parts.map(({ window }) => window.responseTime)),
      responseTimes: mergeResponseTimes(parts.flatMap(({ window }) => window.responseTimes ?? [])),
      generator: mergeReadings(parts.map(({ window }) => window.generator)),
    },
    ...(most === undefined ? {} : { samples: { most, list: samples.slice(0, most) } }),
  };
}

export function summaryOf(snapshot: LoadSnapshot): LoadSummary {
  const { counts, seconds, responseTime, serviceTime, generator, samples } = snapshot;
  return {
    counts,
    seconds,
    requestsPerSecond: seconds > 0 ? counts.ended / seconds : 0,
    responseTime: LatencyHistogram.of(responseTime).summary(),
    serviceTime: LatencyHistogram.of(serviceTime).summary(),
    generator: assessGenerator(generator),
    ...(samples ? { samples: samples.list } : {}),
  };
}

export function mergeHistograms(parts: readonly HistogramData[]): HistogramData {
  const merged = new LatencyHistogram();
  for (const part of parts) merged.addData(part);
  return merged.data();
}

function mergeResponseTimes(parts: readonly ResponseTimeData[]): ResponseTimeData | undefined {
  const [first] = parts;
  if (!first) return undefined;
  const answers = (of: (part: ResponseTimeData) => TimedAnswersData | undefined): TimedAnswersData => {
    const found = parts.flatMap((part) => of(part) ?? []);
    return {
      over: first.limits.map((_, index) => found.reduce((sum, { over }) => sum + (over[index] ?? 0), 0)),
      histogram: mergeHistograms(found.map(({ histogram }) => histogram)),
    };
  };
  const pairs = (index: number, of: 'slower' | 'total') =>
    parts.reduce((sum, part) => sum + (part.pairs[index]?.[of] ?? 0), 0);
  return {
    limits: first.limits,
    all: answers(({ all }) => all),
    versions: Object.fromEntries(
      Object.keys(first.versions).map((version) => [version, answers(({ versions }) => versions[version])]),
    ),
    pairs: first.pairs.map((pair, index) => ({
      ...pair,
      slower: pairs(index, 'slower'),
      total: pairs(index, 'total'),
    })),
  };
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
