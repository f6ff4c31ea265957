import { dropMetricName } from '../labels.js';
import { absentLabels } from './absent.js';
import type { Expr } from './ast.js';
import type { Evaluator, Sample, Window } from './context.js';
import { ascending, CompensatedSum, quantile } from './numbers.js';
import { OVER_TIME } from './overtime.js';
import { extrapolatedIncrease, instantChange } from './rate.js';
import { shiftedTime } from './select.js';

type Call = Extract<Expr, { kind: 'call' }>;

/** The functions over range vectors; undefined when the call is none of them. */
export function rangeFunction(call: Call, timeMs: number, evaluator: Evaluator): Sample[] | undefined {
  const [first, second] = call.args;
  if (!first) return undefined;
  const overTime = Object.hasOwn(OVER_TIME, call.name) ? OVER_TIME[call.name] : undefined;
  if (overTime) {
    return evaluator.windows(first).map((window) => ({
      labels: call.name === 'last_over_time' ? window.labels : dropMetricName(window.labels),
      value: overTime(window.values),
    }));
  }
  const each = (range: Expr, reduce: (window: Window) => number | undefined): Sample[] =>
    evaluator.windows(range).flatMap((window) => {
      const value = reduce(window);
      return value === undefined ? [] : [{ labels: dropMetricName(window.labels), value }];
    });
  switch (call.name) {
    case 'rate':
    case 'increase':
    case 'delta': {
      const { startMs, endMs } = borders(first, timeMs, evaluator);
      const perSeconds = call.name === 'rate' ? (endMs - startMs) / 1000 : 1;
      return each(first, (window) => extrapolatedIncrease(window, startMs, endMs, call.name !== 'delta', perSeconds));
    }
    case 'irate':
    case 'idelta':
      return each(first, (window) => instantChange(window, call.name === 'irate'));
    case 'deriv':
      return each(first, (window) => regression(window, window.times[0] as number)?.slope);
    case 'predict_linear': {
      const ahead = evaluator.value(second as Expr) as number;
      return each(first, (window) => {
        const line = regression(window, timeMs);
        return line && line.slope * ahead + line.intercept;
      });
    }
    case 'quantile_over_time': {
      const q = evaluator.value(first) as number;
      return each(second as Expr, (window) => quantile(q, ascending(window.values)));
    }
    case 'absent_over_time':
      return evaluator.windows(first).length > 0 ? [] : [{ labels: absentLabels(first), value: 1 }];
    default:
      return undefined;
  }
}

function borders(range: Expr, timeMs: number, evaluator: Evaluator): { startMs: number; endMs: number } {
  if (range.kind === 'paren') return borders(range.inner, timeMs, evaluator);
  if (range.kind !== 'matrix' && range.kind !== 'subquery') return { startMs: timeMs, endMs: timeMs };
  const endMs = shiftedTime(range.kind === 'matrix' ? range.selector : range, timeMs, evaluator.context);
  return { startMs: endMs - range.rangeMs, endMs };
}

/** Least squares over seconds from `originMs`; undefined for fewer than two samples. */
function regression(window: Window, originMs: number): { slope: number; intercept: number } | undefined {
  const { times, values } = window;
  const count = values.length;
  if (count < 2) return undefined;
  if (values.every((value) => value === values[0])) {
    const constant = values[0] as number;
    return Number.isFinite(constant) ? { slope: 0, intercept: constant } : { slope: Number.NaN, intercept: Number.NaN };
  }
  const [x, y, xy, xx] = Array.from({ length: 4 }, () => new CompensatedSum()) as [
    CompensatedSum,
    CompensatedSum,
    CompensatedSum,
    CompensatedSum,
  ];
  for (const [index, value] of values.entries()) {
    const seconds = ((times[index] as number) - originMs) / 1000;
    x.add(seconds);
    y.add(value);
    xy.add(seconds * value);
    xx.add(seconds * seconds);
  }
  const covariance = xy.value - (x.value * y.value) / count;
  const variance = xx.value - (x.value * x.value) / count;
  const slope = covariance / variance;
  return { slope, intercept: y.value / count - (slope * x.value) / count };
}
