import type { Stage } from '../scenario/types.js';
import { attributed, type GoodObservation, versionFailed, versionTotal } from './tallies.js';
import type { LedgerPart, Look } from './types.js';

/** What made the requests that a version's own proxies received. */
export interface Arrivals {
  readonly received: number;
  /** Calls of the source proxy. */
  readonly calls: number;
  /** Attempts that failed at the destination and were repeated by the source proxy. */
  readonly retries: LedgerPart;
  /** Calls that failed before they arrived. */
  readonly neverReached: LedgerPart;
  /** Undefined: the stage promises none. */
  readonly copies: LedgerPart | undefined;
  /** What nothing explains. */
  readonly residual: number;
}

/**
 * received = calls + retries - never reached + copies. Every attempt that failed at the destination was either repeated (a retry) or is the one
 * that the source proxy reports as failed; every call that the source proxy reports as failed either was answered so or never arrived. So with
 * a failures seen on both sides, 0 <= a <= both: retries = failed there - a, never reached = failed here - a. The counts are the smallest, the
 * intervals all that is possible.
 */
export function arrivalsOf(
  stage: Stage,
  source: GoodObservation,
  destination: GoodObservation,
  version: string,
): Arrivals {
  const received = versionTotal(destination.counts, version);
  const calls = versionTotal(source.counts, version);
  const failedHere = versionFailed(source.counts, version);
  const failedThere = versionFailed(destination.counts, version);
  const surplus = received - calls;
  const promised = stage.expect.mirror?.[version];
  // Copies fail unseen: where there are some, failures at the destination need not be attempts.
  const retried = Math.max(0, failedThere - failedHere);
  const retries = {
    what: 'retries',
    count: promised === undefined ? Math.min(Math.max(0, surplus), retried) : 0,
    low: promised === undefined ? Math.min(Math.max(0, surplus), retried) : 0,
    high: calls > 0 ? failedThere : 0,
  } as const;
  const lost = promised === undefined ? Math.min(Math.max(0, -surplus), Math.max(0, failedHere - failedThere)) : 0;
  const neverReached = { what: 'never reached', count: lost, low: lost, high: failedHere } as const;
  if (promised === undefined) {
    return { received, calls, retries, neverReached, copies: undefined, residual: surplus - retries.count + lost };
  }
  const primaries = attributed(source.counts);
  // A partial mirror is drawn by chance: between none and all nothing is left over.
  const residual = promised === 1 ? surplus - primaries : Math.min(0, surplus) + Math.max(0, surplus - primaries);
  const copies = {
    what: 'mirror copies',
    count: surplus,
    low: Math.max(0, surplus - retries.high),
    high: Math.max(0, surplus + neverReached.high),
  } as const;
  return { received, calls, retries, neverReached, copies, residual };
}

/**
 * What the edges of an open window can hide, in ms of traffic: proxies are scraped at different moments, 15 s apart as a rule, so each side's
 * counts lag by up to one interval.
 */
export const EDGES_MS = 30_000;

/** Requests of `count` that may be in flight or not yet scraped; 0 at the settled look. */
export const unsettled = (look: Look, count: number): number =>
  look.settled ? 0 : Math.ceil(count * Math.min(1, EDGES_MS / Math.max(1, look.at)));
