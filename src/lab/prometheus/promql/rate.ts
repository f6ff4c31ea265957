import type { Window } from './context.js';

/**
 * The increase over a window, extrapolated to its borders as Prometheus 2.42 does it (promql/functions.go, extrapolatedRate).
 * A border nearer than 1.1 average intervals is extrapolated to, else half an interval is added. For counters the way to the
 * left ends where the slope would cross zero, and in this version that clamp comes before the comparison (from 2.51 after it).
 *
 * @param startMs,endMs borders of the window.
 * @param perSeconds what the increase is divided by: the window's length for `rate`, 1 for `increase` and `delta`.
 * @returns undefined for fewer than two samples.
 */
export function extrapolatedIncrease(
  window: Window,
  startMs: number,
  endMs: number,
  isCounter: boolean,
  perSeconds = 1,
): number | undefined {
  const { times, values } = window;
  const last = values.length - 1;
  if (last < 1) return undefined;
  const first = values[0] as number;
  let increase = (values[last] as number) - first;
  if (isCounter) increase += resetCorrection(values);

  const sampledSeconds = ((times[last] as number) - (times[0] as number)) / 1000;
  const averageSeconds = sampledSeconds / last;
  const threshold = averageSeconds * 1.1;
  let toStart = ((times[0] as number) - startMs) / 1000;
  const toEnd = (endMs - (times[last] as number)) / 1000;
  if (isCounter && increase > 0 && first >= 0) toStart = Math.min(toStart, sampledSeconds * (first / increase));
  const covered =
    sampledSeconds +
    (toStart < threshold ? toStart : averageSeconds / 2) +
    (toEnd < threshold ? toEnd : averageSeconds / 2);
  // In this order of operations the last digit is Prometheus' own.
  return increase * (covered / sampledSeconds / perSeconds);
}

/** A counter that fell was restarted: everything before counts in full. */
function resetCorrection(values: readonly number[]): number {
  let lost = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) < (values[i - 1] as number)) lost += values[i - 1] as number;
  }
  return lost;
}

/** irate and idelta: between the last two samples only. @returns undefined for fewer than two samples. */
export function instantChange(window: Window, isRate: boolean): number | undefined {
  const last = window.values.length - 1;
  if (last < 1) return undefined;
  const now = window.values[last] as number;
  const before = window.values[last - 1] as number;
  const change = isRate && now < before ? now : now - before;
  const seconds = ((window.times[last] as number) - (window.times[last - 1] as number)) / 1000;
  return isRate ? change / seconds : change;
}
