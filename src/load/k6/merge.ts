import type { ClientCounts, UriCounts } from '../types.js';
import { differences } from './books.js';
import { METRICS, UNKNOWN, UNMARKED } from './contract.js';
import type { K6EndOfTest } from './summary.js';

/** One series of the runners, as Prometheus shows it. */
export interface RunnerSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const total = (metric: string): string => `k6_${metric}_total`;
const SERIES = {
  requests: total(METRICS.requests),
  answers: total(METRICS.answers),
  late: total(METRICS.late),
  dropped: total('dropped_iterations'),
  received: total('data_received'),
} as const;

/**
 * PromQL: the last value of each of the runners' counters. Over the whole run, because k6 writes a series only when something was counted: one
 * that has been silent for five minutes is no longer seen by a plain selector. Counters add up exactly, so nothing is lost by that.
 * @param seconds since before the start
 */
export const runnersQuery = (runId: string, seconds: number): string =>
  `last_over_time({__name__=~"${Object.values(SERIES).join('|')}",testid="${runId}"}[${Math.ceil(seconds)}s])`;

/** What one runner has written, as far as it tells as much itself. */
type RunnerCounts = Omit<K6EndOfTest, 'iterations' | 'responseTime'>;

export interface MergedCounts {
  readonly counts: ClientCounts;
  /** Requests that a runner sent more than 50 ms after they were due. */
  readonly late: number;
  /** By k6's tag `instance_id`. */
  readonly runners: ReadonlyMap<number, RunnerCounts>;
}

const nothing = () => ({
  requests: 0,
  answers: 0,
  failed: 0,
  versions: {} as Record<string, number>,
  late: 0,
  dropped: 0,
});

/**
 * Adds the counters of all runners up.
 * @param uris names of the requests, in the order of the URI list.
 */
export function mergeRunners(samples: readonly RunnerSample[], uris: readonly string[]): MergedCounts {
  const byUri = new Map(uris.map((uri) => [uri, { uri, versions: {}, unmarked: 0, failed: 0 } as Writable<UriCounts>]));
  const sums = { sent: 0, ended: 0, unmarked: 0, failed: 0, dropped: 0, bytesReceived: 0, late: 0 };
  const versions: Record<string, number> = {};
  const status: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const runners = new Map<number, ReturnType<typeof nothing>>();
  const add = (into: Record<string, number>, key: string, value: number) => {
    into[key] = (into[key] ?? 0) + value;
  };
  for (const { labels, value } of samples) {
    const index = Number(labels.instance_id ?? 1);
    const runner = runners.get(index) ?? nothing();
    runners.set(index, runner);
    switch (labels.__name__) {
      case SERIES.requests:
        sums.sent += value;
        runner.requests += value;
        break;
      case SERIES.late:
        sums.late += value;
        runner.late += value;
        break;
      case SERIES.dropped:
        sums.dropped += value;
        runner.dropped += value;
        break;
      case SERIES.received:
        sums.bytesReceived += value;
        break;
      case SERIES.answers: {
        const { uri = '', version = UNKNOWN, outcome, status: code = '0', error = 'other' } = labels;
        const row = byUri.get(uri) ?? { uri, versions: {}, unmarked: 0, failed: 0 };
        byUri.set(uri, row);
        sums.ended += value;
        runner.answers += value;
        add(runner.versions, version, value);
        if (code !== '0') add(status, code, value);
        if (outcome === 'failed') {
          sums.failed += value;
          runner.failed += value;
          row.failed += value;
          add(errors, error, value);
        } else if (version === UNMARKED) {
          sums.unmarked += value;
          row.unmarked += value;
        } else {
          add(versions, version, value);
          add(row.versions as Record<string, number>, version, value);
        }
      }
    }
  }
  const { late, ...rest } = sums;
  return { counts: { ...rest, versions, status, errors, byUri: [...byUri.values()] }, late, runners };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** In what Prometheus does not hold what a runner counted itself; none: it holds all. */
export const missing = (merged: MergedCounts, index: number, own: K6EndOfTest): string[] =>
  differences(merged.runners.get(index) ?? nothing(), own, 'Prometheus');

/** Percentiles of k6's summary by the names of `LatencySummary`. */
const PERCENTILES = { p50: 'med', p90: 'p(90)', p99: 'p(99)', p999: 'p(99.9)' } as const;

export interface TimeBounds {
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  /** ms; the percentile of all runners together lies between these two. */
  readonly percentiles: Readonly<Record<keyof typeof PERCENTILES, readonly [atLeast: number, atMost: number]>>;
}

/**
 * Response times of all runners. Percentiles do not add up, but one of a mixture lies between the least and the largest of its parts; count,
 * mean and maximum are exact.
 * @returns undefined when no runner told any
 */
export function timeBounds(summaries: readonly K6EndOfTest[]): TimeBounds | undefined {
  const parts = summaries.map(({ responseTime }) => responseTime).filter(({ count = 0 }) => count > 0);
  if (parts.length === 0) return undefined;
  const values = (key: string) => parts.map((part) => part[key] ?? 0);
  const count = values('count').reduce((sum, each) => sum + each, 0);
  const bounds = (key: string): readonly [number, number] => [Math.min(...values(key)), Math.max(...values(key))];
  return {
    count,
    mean: parts.reduce((sum, part) => sum + (part.count ?? 0) * (part.avg ?? 0), 0) / count,
    max: Math.max(...values('max')),
    percentiles: {
      p50: bounds(PERCENTILES.p50),
      p90: bounds(PERCENTILES.p90),
      p99: bounds(PERCENTILES.p99),
      p999: bounds(PERCENTILES.p999),
    },
  };
}
