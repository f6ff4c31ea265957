import type { Labels } from '../labels.js';
import type { Matcher } from '../matchers.js';
import type { Series } from '../series.js';
import type { Expr } from './ast.js';

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** When the sample was scraped, ms; only straight from a selector (`timestamp()` asks for it). */
  readonly timeMs?: number;
}

/** Samples of one series in a window, oldest first, stale markers left out. */
export interface Window {
  readonly labels: Labels;
  /** ms since the epoch. */
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** A scalar is a number, an instant vector a list of samples. */
export type Value = number | string | Sample[];

/** A valid query that cannot be computed (`execution`, HTTP 422). */
export class ExecutionError extends Error {}
/** The query ran longer than it may (`timeout`, HTTP 503). */
export class QueryTimeout extends Error {}

/**
 * How far back an instant selector looks, ms. Prometheus' default.
 */
export const LOOKBACK_MS = 5 * 60_000;
/** Step of a subquery without one: Prometheus' evaluation interval of the mesh add-ons. */
export const DEFAULT_SUBQUERY_STEP_MS = 60_000;
/**
 * Prometheus 2.x takes windows closed on both sides, [t-d, t], and the lookback likewise; 3.0 opened the left end. One more
 * sample is seen where a scrape falls exactly on the border.
 */
export const LEFT_CLOSED = true;

/** What one query may read: where its samples come from, and its budget. */
export interface QuerySource {
  /** Called for every selector and step; the answer may be remembered by the query. */
  select(matchers: readonly Matcher[]): readonly Series[];
  /** Throws when the query has used up its samples or its time. */
  spend(samples: number): void;
}

export interface QueryContext {
  readonly source: QuerySource;
  /** The query's own range (equal for an instant query), ms: what `@ start()` and `@ end()` mean. */
  readonly startMs: number;
  readonly endMs: number;
}

/** How a function gets the values of its arguments. */
export interface Evaluator {
  readonly value: (expr: Expr) => Value;
  readonly windows: (expr: Expr) => Window[];
  readonly context: QueryContext;
}
