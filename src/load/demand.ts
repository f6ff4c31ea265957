import { levelsOf, partsOf, peakLevel } from '../scenario/workload.js';
import type { Workload } from './types.js';
import type { WorkerShare } from './workload/types.js';

/** So few connections are opened fast enough when they are needed. */
const FEWEST_AHEAD = 5;

/** The models that run at once. */
export const modelsOf = (model: Workload) =>
  model.kind === 'replay' ? [model] : partsOf(model).map((part) => part.model);

/** More threads than users would have nothing to do, and requests that are counted off in advance would never be sent. */
export function mostSenders(model: Workload): number {
  return Math.min(...modelsOf(model).map((each) => (each.kind === 'closed' ? peakLevel(levelsOf(each)) : Infinity)));
}

/**
 * Connections that an open model will have in use at once from its start on: its arrivals of 10 ms. A connection costs ten requests, and the
 * first ones many more; were they opened when the first arrivals are due, those would be late, and each late one would open another.
 */
export function connectionsAhead(model: Workload, { of }: Pick<WorkerShare, 'of'> = { of: 1 }): number {
  const perSecond = modelsOf(model).reduce((sum, each) => sum + (each.kind === 'open' ? levelsOf(each).start : 0), 0);
  const count = Math.floor(Math.min(perSecond / 100, maxInFlight(model) ?? 0) / of);
  return count < FEWEST_AHEAD ? 0 : count;
}

/** The limit in flight of all open models together; undefined: there is none. */
export function maxInFlight(model: Workload): number | undefined {
  const limits = modelsOf(model).flatMap((each) => (each.kind === 'closed' ? [] : [each.maxInFlight]));
  return limits.length === 0 ? undefined : limits.reduce((sum, limit) => sum + limit, 0);
}
