import type { ValueType } from './ast.js';

export interface Signature {
  readonly args: readonly ValueType[];
  /** How many of the last arguments may be left out; 'many': the last one may also repeat. */
  readonly optional?: number | 'many';
  readonly returns: ValueType;
}

const of = (returns: ValueType, ...args: ValueType[]): Signature => ({ returns, args });
const optional = (signature: Signature, count: number | 'many'): Signature => ({ ...signature, optional: count });

const perSample = of('vector', 'vector');
const overTime = of('vector', 'matrix');
const calendar = optional(of('vector', 'vector'), 1);

/** Functions of Prometheus 2.42 that this server knows, with the types of their arguments. */
export const FUNCTIONS: Readonly<Record<string, Signature>> = {
  ...Object.fromEntries(
    [
      'abs',
      'ceil',
      'floor',
      'exp',
      'ln',
      'log2',
      'log10',
      'sqrt',
      'sgn',
      'deg',
      'rad',
      'sin',
      'cos',
      'tan',
      'asin',
      'acos',
      'atan',
      'sinh',
      'cosh',
      'tanh',
      'asinh',
      'acosh',
      'atanh',
      'sort',
      'sort_desc',
      'timestamp',
      'absent',
    ].map((name) => [name, perSample]),
  ),
  ...Object.fromEntries(
    [
      'rate',
      'increase',
      'irate',
      'delta',
      'idelta',
      'deriv',
      'resets',
      'changes',
      'last_over_time',
      'sum_over_time',
      'avg_over_time',
      'min_over_time',
      'max_over_time',
      'count_over_time',
      'stddev_over_time',
      'stdvar_over_time',
      'present_over_time',
      'absent_over_time',
    ].map((name) => [name, overTime]),
  ),
  ...Object.fromEntries(
    ['minute', 'hour', 'day_of_week', 'day_of_month', 'day_of_year', 'days_in_month', 'month', 'year'].map((name) => [
      name,
      calendar,
    ]),
  ),
  quantile_over_time: of('vector', 'scalar', 'matrix'),
  predict_linear: of('vector', 'matrix', 'scalar'),
  histogram_quantile: of('vector', 'scalar', 'vector'),
  round: optional(of('vector', 'vector', 'scalar'), 1),
  clamp: of('vector', 'vector', 'scalar', 'scalar'),
  clamp_min: of('vector', 'vector', 'scalar'),
  clamp_max: of('vector', 'vector', 'scalar'),
  label_replace: of('vector', 'vector', 'string', 'string', 'string', 'string'),
  label_join: optional(of('vector', 'vector', 'string', 'string', 'string'), 'many'),
  vector: of('vector', 'scalar'),
  scalar: of('scalar', 'vector'),
  time: of('scalar'),
  pi: of('scalar'),
};
