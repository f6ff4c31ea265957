import { METRICS, UNKNOWN, UNMARKED } from './contract.js';

/** Totals at the end of a test, as one k6 process tells them itself. */
export interface K6EndOfTest {
  readonly requests: number;
  readonly answers: number;
  /** Of the answers. */
  readonly failed: number;
  /** Version, `unmarked` or `unknown` -> answers. */
  readonly versions: Readonly<Record<string, number>>;
  readonly late: number;
  /** Arrivals for which k6 had no user. */
  readonly dropped: number;
  /** Iterations that were interrupted or ended, whatever came of them. */
  readonly iterations: number;
  /** ms, by the plan's `summaryTrendStats`; empty when nothing was measured. */
  readonly responseTime: Readonly<Record<string, number>>;
}

/** The part of k6's `handleSummary` data that is read; metrics without a sample are absent from it. */
interface K6SummaryData {
  readonly metrics: Readonly<Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>>;
}

/** k6 tells a metric by its tags at the end only where a threshold names them; these are never crossed. */
export function thresholdsFor(versions: readonly string[]): Record<string, string[]> {
  const always = ['count>=0'];
  return Object.fromEntries([
    [`${METRICS.answers}{outcome:failed}`, always],
    ...[...versions, UNMARKED, UNKNOWN].map((version) => [`${METRICS.answers}{version:${version}}`, always]),
  ]);
}

/** What the scripts hand over at the end. */
export function summaryOf({ metrics }: K6SummaryData): K6EndOfTest {
  const count = (name: string) => metrics[name]?.values.count ?? 0;
  const prefix = `${METRICS.answers}{version:`;
  return {
    requests: count(METRICS.requests),
    answers: count(METRICS.answers),
    failed: count(`${METRICS.answers}{outcome:failed}`),
    versions: Object.fromEntries(
      Object.keys(metrics)
        .filter((name) => name.startsWith(prefix))
        .map((name) => [name.slice(prefix.length, -1), count(name)]),
    ),
    late: count(METRICS.late),
    dropped: count('dropped_iterations'),
    iterations: count('iterations'),
    responseTime: metrics[METRICS.responseTime]?.values ?? {},
  };
}
