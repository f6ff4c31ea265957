import { formatValue } from '../format.js';
import { dropLabels, groupKey, keepLabels, type Labels, labelKey, METRIC_NAME, makeLabels } from '../labels.js';
import type { Expr } from './ast.js';
import { ExecutionError, type Sample } from './context.js';
import { ascending, quantile } from './numbers.js';
import { best } from './topk.js';

type Aggregate = Extract<Expr, { kind: 'aggregate' }>;

/** Groups a vector and reduces every group, as Prometheus' aggregation operators do. @param param of topk, bottomk, quantile, count_values. */
export function aggregate(expr: Aggregate, vector: readonly Sample[], param: number | string | undefined): Sample[] {
  if (expr.op === 'count_values') return countValues(expr, vector, String(param));
  const groups = grouped(expr, vector, (labels) => labels);
  if (expr.op === 'topk' || expr.op === 'bottomk') {
    const size = countOf(Number(param));
    return groups.flatMap((group) => best(group.samples, size, expr.op === 'topk'));
  }
  return groups.map(({ labels, samples }) => ({
    labels,
    value: reduce(
      expr.op,
      samples.map((sample) => sample.value),
      Number(param),
    ),
  }));
}

interface Group {
  readonly labels: Labels;
  readonly samples: Sample[];
}

function grouped(
  expr: Aggregate,
  vector: readonly Sample[],
  extend: (labels: Labels, sample: Sample) => Labels,
): Group[] {
  const names = [...new Set(expr.labels)];
  const kept = new Set(names);
  const dropped = new Set([...names, METRIC_NAME]);
  const groups = new Map<string, Group>();
  for (const sample of vector) {
    const rest = expr.without ? dropLabels(sample.labels, dropped) : undefined;
    const own = extend(rest ?? new Map(), sample);
    const key = rest ? labelKey(own) : `${groupKey(sample.labels, names)}${labelKey(own)}`;
    const group = groups.get(key);
    if (group) group.samples.push(sample);
    else
      groups.set(key, {
        labels: rest ? own : makeLabels([...keepLabels(sample.labels, kept), ...own]),
        samples: [sample],
      });
  }
  return [...groups.values()];
}

function countValues(expr: Aggregate, vector: readonly Sample[], label: string): Sample[] {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw new ExecutionError(`invalid label name ${JSON.stringify(label)}`);
  const withValue = (labels: Labels, sample: Sample) => makeLabels([...labels, [label, formatValue(sample.value)]]);
  return grouped(expr, vector, withValue).map(({ labels, samples }) => ({ labels, value: samples.length }));
}

function countOf(param: number): number {
  if (!(Math.abs(param) < 2 ** 63)) throw new ExecutionError(`Scalar value ${formatValue(param)} overflows int64`);
  return Math.max(0, Math.trunc(param));
}

function reduce(op: Aggregate['op'], values: readonly number[], param: number): number {
  switch (op) {
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0);
    case 'count':
      return values.length;
    case 'group':
      return 1;
    case 'min':
      return values.reduce((low, value) => (value < low || Number.isNaN(low) ? value : low));
    case 'max':
      return values.reduce((high, value) => (value > high || Number.isNaN(high) ? value : high));
    case 'avg':
      return mean(values);
    case 'stddev':
      return Math.sqrt(variance(values));
    case 'stdvar':
      return variance(values);
    case 'quantile':
      return quantile(param, ascending(values));
    default:
      throw new ExecutionError(`unknown aggregation ${op}`);
  }
}

/** Running mean in Prometheus' order of operations, so that the last digit agrees and sums cannot overflow. */
function mean(values: readonly number[]): number {
  let average = values[0] ?? Number.NaN;
  for (let count = 2; count <= values.length; count++) {
    const value = values[count - 1] as number;
    if (Math.abs(average) === Number.POSITIVE_INFINITY && (value === average || Number.isFinite(value))) continue;
    average += value / count - average / count;
  }
  return average;
}

/** Welford's population variance. It starts at the first value, so that one value alone varies by 0 even when it is infinite. */
function variance(values: readonly number[]): number {
  let average = values[0] ?? Number.NaN;
  let squares = 0;
  for (let count = 2; count <= values.length; count++) {
    const value = values[count - 1] as number;
    const delta = value - average;
    average += delta / count;
    squares += delta * (value - average);
  }
  return squares / values.length;
}
