import type { Series } from '../series.js';
import type { Subquery, TimeShift, VectorSelector } from './ast.js';
import { LEFT_CLOSED, LOOKBACK_MS, type QueryContext, type Sample, type Window } from './context.js';

/** The time at which a selector looks when the query is at `timeMs`. */
export function shiftedTime(shift: TimeShift, timeMs: number, context: QueryContext): number {
  const at = shift.at === 'start' ? context.startMs : shift.at === 'end' ? context.endMs : shift.at;
  return (at ?? timeMs) - shift.offsetMs;
}

/** True where a window or the lookback that begins at `edgeMs` includes a sample at `timeMs`. */
const afterEdge = (timeMs: number, edgeMs: number) => (LEFT_CLOSED ? timeMs >= edgeMs : timeMs > edgeMs);

/** The newest sample of every series within the lookback; a series that ended with a stale marker has none. */
export function selectInstant(selector: VectorSelector, timeMs: number, context: QueryContext): Sample[] {
  const reference = shiftedTime(selector, timeMs, context);
  const found: Sample[] = [];
  const all = context.source.select(selector.matchers);
  context.source.spend(all.length);
  for (const series of all) {
    const index = series.indexAt(reference);
    if (index < 0 || series.isStale(index)) continue;
    const sampled = series.timeAt(index);
    if (afterEdge(sampled, reference - LOOKBACK_MS)) {
      found.push({ labels: series.labels, value: series.valueAt(index), timeMs: sampled });
    }
  }
  return found;
}

/** The samples of every series that has any in the window of `rangeMs` that ends at the selector's time. */
export function selectRange(
  selector: VectorSelector,
  rangeMs: number,
  timeMs: number,
  context: QueryContext,
): Window[] {
  const end = shiftedTime(selector, timeMs, context);
  const found: Window[] = [];
  for (const series of context.source.select(selector.matchers)) {
    const window = readWindow(series, end - rangeMs, end);
    context.source.spend(window.times.length);
    if (window.times.length > 0) found.push(window);
  }
  return found;
}

function readWindow(series: Series, startMs: number, endMs: number): Window {
  const times: number[] = [];
  const values: number[] = [];
  for (let index = series.indexAt(endMs); index >= 0; index--) {
    const time = series.timeAt(index);
    if (!afterEdge(time, startMs)) break;
    if (series.isStale(index)) continue;
    times.push(time);
    values.push(series.valueAt(index));
  }
  return { labels: series.labels, times: times.reverse(), values: values.reverse() };
}

/** The instants of a subquery: multiples of its step (in absolute time) within its window. */
export function subqueryTimes(subquery: Subquery, stepMs: number, timeMs: number, context: QueryContext): number[] {
  const end = shiftedTime(subquery, timeMs, context);
  const start = end - subquery.rangeMs;
  const times: number[] = [];
  for (let at = Math.ceil(start / stepMs) * stepMs; at <= end; at += stepMs) {
    if (!LEFT_CLOSED && at === start) continue;
    times.push(at);
    context.source.spend(1);
  }
  return times;
}
