import { CompensatedSum } from './numbers.js';

type Reduce = (values: readonly number[]) => number;

function average(values: readonly number[]): number {
  const sum = new CompensatedSum();
  for (const [index, value] of values.entries()) {
    const raw = sum.raw;
    if (Math.abs(raw) === Number.POSITIVE_INFINITY && (value === raw || Number.isFinite(value))) continue;
    sum.add(value / (index + 1) - raw / (index + 1));
  }
  return sum.value;
}

/** Welford's variance with compensated mean and squares. */
function variance(values: readonly number[]): number {
  const mean = new CompensatedSum();
  const squares = new CompensatedSum();
  for (const [index, value] of values.entries()) {
    const delta = value - (mean.raw + mean.error);
    mean.add(delta / (index + 1));
    squares.add(delta * (value - (mean.raw + mean.error)));
  }
  return (squares.raw + squares.error) / values.length;
}

function count(values: readonly number[], differs: (now: number, before: number) => boolean): number {
  let found = 0;
  for (let i = 1; i < values.length; i++) if (differs(values[i] as number, values[i - 1] as number)) found += 1;
  return found;
}

/** What the `*_over_time` functions and their like make of the samples of one window (never empty). */
export const OVER_TIME: Readonly<Record<string, Reduce>> = {
  sum_over_time: (values) => {
    const sum = new CompensatedSum();
    for (const value of values) sum.add(value);
    return sum.value;
  },
  avg_over_time: average,
  min_over_time: (values) => values.reduce((low, value) => (value < low || Number.isNaN(low) ? value : low)),
  max_over_time: (values) => values.reduce((high, value) => (value > high || Number.isNaN(high) ? value : high)),
  count_over_time: (values) => values.length,
  present_over_time: () => 1,
  last_over_time: (values) => values.at(-1) as number,
  stddev_over_time: (values) => Math.sqrt(variance(values)),
  stdvar_over_time: variance,
  resets: (values) => count(values, (now, before) => now < before),
  changes: (values) => count(values, (now, before) => now !== before && !(Number.isNaN(now) && Number.isNaN(before))),
};
