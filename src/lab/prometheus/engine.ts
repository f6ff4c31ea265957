import type { Clock } from '../../base/clock.js';
import { formatValue } from './format.js';
import { compareLabels, type Labels, labelKey } from './labels.js';
import type { Matcher } from './matchers.js';
import type { Expr, ValueType } from './promql/ast.js';
import { typeName, typeOf } from './promql/check.js';
import { ExecutionError, type QueryContext, type QuerySource, QueryTimeout } from './promql/context.js';
import { evaluate, evaluateRange } from './promql/evaluate.js';
import { parseQuery } from './promql/parse.js';
import type { Series } from './series.js';
import type { Storage } from './storage.js';

type Point = readonly [seconds: number, value: string];
export interface QueryResult {
  readonly resultType: ValueType;
  readonly result: unknown;
}

/** How long a range query may hold the event loop before it lets others run, ms. */
const SLICE_MS = 10;
const MAX_SAMPLES = 50_000_000;

const metric = (labels: Labels) => Object.fromEntries(labels);
const point = (timeMs: number, value: number): Point => [timeMs / 1000, formatValue(value)];

/** Evaluates PromQL over the storage, within Prometheus' limits on time and samples. */
export class QueryEngine {
  private readonly storage: Storage;
  private readonly clock: Clock;

  constructor(storage: Storage, clock: Clock) {
    this.storage = storage;
    this.clock = clock;
  }

  /**
   * @param timeMs ms since the epoch.
   * @throws ParseError, ExecutionError, QueryTimeout
   */
  instant(query: string, timeMs: number, timeoutMs: number): QueryResult {
    const expr = parseQuery(query);
    const context = this.context(timeMs, timeMs, timeoutMs);
    const resultType = typeOf(expr);
    if (resultType === 'matrix') {
      const rows = evaluateRange(expr, timeMs, context).map(({ labels, times, values }) => ({
        labels,
        points: times.map((time, index) => point(time, values[index] as number)),
      }));
      return { resultType, result: matrix(rows) };
    }
    const value = evaluate(expr, timeMs, context);
    if (typeof value === 'number') return { resultType, result: point(timeMs, value) };
    if (typeof value === 'string') return { resultType, result: [timeMs / 1000, value] };
    return {
      resultType,
      result: value.map(({ labels, value: each }) => ({ metric: metric(labels), value: point(timeMs, each) })),
    };
  }

  /** Evaluates at start, start + step ... end (all ms). Throws as `instant`. */
  async range(
    query: string,
    range: { startMs: number; endMs: number; stepMs: number },
    timeoutMs: number,
  ): Promise<QueryResult> {
    const { startMs, endMs, stepMs } = range;
    const expr = parseQuery(query);
    const type = typeOf(expr);
    if (type !== 'vector' && type !== 'scalar') {
      throw new RangeTypeError(
        `invalid expression type ${JSON.stringify(typeName(type))} for range query, must be Scalar or instant Vector`,
      );
    }
    const context = this.context(startMs, endMs, timeoutMs);
    const rows = new Map<string, { labels: Labels; points: Point[] }>();
    let sliceEnd = this.clock.now() + SLICE_MS;
    for (let at = startMs; at <= endMs; at += stepMs) {
      collect(rows, expr, at, context);
      if (this.clock.now() < sliceEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      sliceEnd = this.clock.now() + SLICE_MS;
    }
    return { resultType: 'matrix', result: matrix([...rows.values()]) };
  }

  private context(startMs: number, endMs: number, timeoutMs: number): QueryContext {
    return { source: this.source(timeoutMs), startMs, endMs };
  }

  /** Remembers which series a selector means for the length of one query, and counts what it reads. */
  private source(timeoutMs: number): QuerySource {
    const { storage, clock } = this;
    const deadline = clock.now() + timeoutMs;
    const selected = new Map<readonly Matcher[], readonly Series[]>();
    let left = MAX_SAMPLES;
    return {
      select(matchers) {
        let series = selected.get(matchers);
        if (!series) {
          series = storage.select(matchers);
          selected.set(matchers, series);
        }
        return series;
      },
      spend(samples) {
        left -= samples;
        if (left < 0)
          throw new ExecutionError('query processing would load too many samples into memory in query execution');
        if (clock.now() > deadline) throw new QueryTimeout('query timed out in expression evaluation');
      },
    };
  }
}

/** A query that has no value over a range (`bad_data`). */
export class RangeTypeError extends Error {}

function collect(
  rows: Map<string, { labels: Labels; points: Point[] }>,
  expr: Expr,
  at: number,
  context: QueryContext,
): void {
  const value = evaluate(expr, at, context);
  const samples = Array.isArray(value) ? value : [{ labels: new Map<string, string>(), value: Number(value) }];
  context.source.spend(samples.length);
  for (const sample of samples) {
    const key = labelKey(sample.labels);
    const row = rows.get(key) ?? { labels: sample.labels, points: [] };
    rows.set(key, row);
    row.points.push(point(at, sample.value));
  }
}

function matrix(rows: readonly { labels: Labels; points: readonly Point[] }[]): unknown {
  return [...rows]
    .sort((a, b) => compareLabels(a.labels, b.labels))
    .map(({ labels, points }) => ({ metric: metric(labels), values: points }));
}
