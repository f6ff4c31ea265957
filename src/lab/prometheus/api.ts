import type { QueryEngine } from './engine.js';
import { RangeTypeError } from './engine.js';
import type { MetricMetadata } from './exposition.js';
import { METRIC_NAME } from './labels.js';
import { ApiError, durationParam, rangeParams, timeParam } from './params.js';
import { type Expr, ParseError } from './promql/ast.js';
import { ExecutionError, QueryTimeout } from './promql/context.js';
import { parseQuery } from './promql/parse.js';
import type { Series } from './series.js';
import type { Storage } from './storage.js';

export interface ApiContext {
  readonly storage: Storage;
  readonly engine: QueryEngine;
  readonly metadata: ReadonlyMap<string, MetricMetadata>;
  readonly wallMs: () => number;
  /** `data` of targets and status pages, by the last part of the path. */
  readonly pages: Readonly<Record<string, (params: URLSearchParams) => unknown>>;
}

const QUERY_TIMEOUT_MS = 120_000;

/**
 * Answers `/api/v1/<path>`.
 * @returns the `data` of the envelope, or undefined when there is no such path.
 * @throws ApiError
 */
export async function answerApi(path: string, params: URLSearchParams, context: ApiContext): Promise<unknown> {
  const label = /^label\/([^/]+)\/values$/.exec(path)?.[1];
  if (label !== undefined) return labelValues(label, params, context);
  const page = Object.hasOwn(context.pages, path) ? context.pages[path] : undefined;
  if (page) return page(params);
  switch (path) {
    case 'query': {
      const timeMs = timeParam(params, 'time', Math.round(context.wallMs()));
      return evaluated('invalid parameter "query": ', () =>
        context.engine.instant(params.get('query') ?? '', timeMs, queryTimeout(params)),
      );
    }
    case 'query_range': {
      const range = rangeParams(params);
      // 2.42 leaves the prefix out here.
      return evaluated('', () => context.engine.range(params.get('query') ?? '', range, queryTimeout(params)));
    }
    case 'series':
      if (!params.has('match[]')) throw new ApiError('bad_data', 'no match[] parameter provided');
      return selected(params, context).map((series) => Object.fromEntries(series.labels));
    case 'labels':
      return [...new Set(selected(params, context).flatMap((series) => [...series.labels.keys()]))].sort();
    case 'metadata':
      return metadata(params, context);
    case 'rules':
      return { groups: [] };
    case 'alerts':
      return { alerts: [] };
    default:
      return undefined;
  }
}

const queryTimeout = (params: URLSearchParams) =>
  Math.min(QUERY_TIMEOUT_MS, durationParam(params, 'timeout', QUERY_TIMEOUT_MS));

/** @param place what comes before the reason of a query that cannot be read. */
async function evaluated(place: string, query: () => unknown): Promise<unknown> {
  try {
    return await query();
  } catch (error) {
    if (error instanceof ParseError) throw new ApiError('bad_data', place + error.message);
    if (error instanceof RangeTypeError) throw new ApiError('bad_data', error.message);
    if (error instanceof ExecutionError) throw new ApiError('execution', error.message);
    if (error instanceof QueryTimeout) throw new ApiError('timeout', error.message);
    throw error;
  }
}

/** Series that any `match[]` selects (all without one) and that have samples in start..end. */
function selected(params: URLSearchParams, { storage }: ApiContext): Series[] {
  const startMs = timeParam(params, 'start', Number.NEGATIVE_INFINITY);
  const endMs = timeParam(params, 'end', Number.POSITIVE_INFINITY);
  if (endMs < startMs)
    throw new ApiError('bad_data', 'invalid parameter "end": end timestamp must not be before start time');
  const found = new Set<Series>();
  const selectors = params.getAll('match[]');
  if (selectors.length === 0) for (const series of storage.all()) found.add(series);
  for (const selector of selectors) for (const series of storage.select(matchersOf(selector))) found.add(series);
  return [...found].filter((series) => {
    const newest = series.indexAt(endMs);
    return newest >= 0 && series.timeAt(newest) >= startMs;
  });
}

function matchersOf(selector: string) {
  let expr: Expr;
  try {
    expr = parseQuery(selector);
  } catch (error) {
    throw new ApiError('bad_data', `invalid parameter "match[]": ${error instanceof Error ? error.message : error}`);
  }
  if (expr.kind !== 'selector')
    throw new ApiError('bad_data', 'invalid parameter "match[]": 1:1: parse error: expected a metric selector');
  return expr.matchers;
}

function labelValues(name: string, params: URLSearchParams, context: ApiContext): string[] {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
    throw new ApiError('bad_data', `invalid label name: ${JSON.stringify(name)}`);
  const values = selected(params, context).flatMap((series) => series.labels.get(name) ?? []);
  return [...new Set(values)].sort();
}

function metadata(params: URLSearchParams, context: ApiContext): Record<string, unknown> {
  const limit = params.get('limit') ?? '-1';
  if (!/^-?\d+$/.test(limit)) throw new ApiError('bad_data', 'limit must be a number');
  const wanted = params.get('metric');
  const known = [...context.metadata].filter(([name]) => !wanted || name === wanted);
  const shown = Number(limit) >= 0 ? known.slice(0, Number(limit)) : known;
  return Object.fromEntries(shown.map(([name, { type, help }]) => [name, [{ type, help, unit: '' }]]));
}

/** Counts for the TSDB page: how many series each metric has, the most first. */
export function seriesByName(storage: Storage): { name: string; value: number }[] {
  const counts = new Map<string, number>();
  for (const { labels } of storage.all()) {
    const name = labels.get(METRIC_NAME) ?? '';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => b.value - a.value)
    .slice(0, 10);
}
