import { dropMetricName, type Labels, labelKey } from '../labels.js';
import { aggregate } from './aggregate.js';
import type { Expr } from './ast.js';
import { scalarBinary, vectorBinary, vectorScalar } from './binary.js';
import { callFunction } from './call.js';
import {
  DEFAULT_SUBQUERY_STEP_MS,
  ExecutionError,
  type QueryContext,
  type Sample,
  type Value,
  type Window,
} from './context.js';
import { selectInstant, selectRange, subqueryTimes } from './select.js';
import { unique } from './unique.js';

/**
 * Evaluates a checked expression at one instant, ms since the epoch.
 * @throws ExecutionError, QueryTimeout
 */
export function evaluate(expr: Expr, timeMs: number, context: QueryContext): Value {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return expr.value;
    case 'paren':
      return evaluate(expr.inner, timeMs, context);
    case 'selector':
      return selectInstant(expr, timeMs, context);
    case 'matrix':
    case 'subquery':
      throw new ExecutionError('a range vector has no value of its own');
    case 'negate': {
      const inner = evaluate(expr.inner, timeMs, context);
      if (typeof inner === 'number') return -inner;
      return unique(asVector(inner).map(({ labels, value }) => ({ labels: dropMetricName(labels), value: -value })));
    }
    case 'aggregate': {
      const param = expr.param ? evaluate(expr.param, timeMs, context) : undefined;
      return aggregate(expr, asVector(evaluate(expr.inner, timeMs, context)), param as number | string | undefined);
    }
    case 'call':
      return callFunction(expr, timeMs, {
        value: (arg) => evaluate(arg, timeMs, context),
        windows: (arg) => evaluateRange(arg, timeMs, context),
        context,
      });
    case 'binary': {
      const left = evaluate(expr.left, timeMs, context);
      const right = evaluate(expr.right, timeMs, context);
      if (typeof left === 'number' && typeof right === 'number') return scalarBinary(expr.op, left, right);
      if (typeof left === 'number') return unique(vectorScalar(expr, asVector(right), left, true));
      if (typeof right === 'number') return unique(vectorScalar(expr, asVector(left), right, false));
      return unique(vectorBinary(expr, asVector(left), asVector(right)));
    }
  }
}

/** The windows of a range selector or subquery at one instant. */
export function evaluateRange(expr: Expr, timeMs: number, context: QueryContext): Window[] {
  if (expr.kind === 'paren') return evaluateRange(expr.inner, timeMs, context);
  if (expr.kind === 'matrix') return selectRange(expr.selector, expr.rangeMs, timeMs, context);
  if (expr.kind !== 'subquery') throw new ExecutionError('not a range vector');
  const rows = new Map<string, { labels: Labels; times: number[]; values: number[] }>();
  for (const at of subqueryTimes(expr, expr.stepMs ?? DEFAULT_SUBQUERY_STEP_MS, timeMs, context)) {
    for (const { labels, value } of asVector(evaluate(expr.inner, at, context))) {
      const key = labelKey(labels);
      const row = rows.get(key) ?? { labels, times: [], values: [] };
      rows.set(key, row);
      row.times.push(at);
      row.values.push(value);
    }
  }
  return [...rows.values()];
}

function asVector(value: Value): Sample[] {
  if (!Array.isArray(value)) throw new ExecutionError(`expected an instant vector, got ${typeof value}`);
  return value;
}
