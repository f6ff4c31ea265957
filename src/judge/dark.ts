import type { Decision } from './gate.js';

/**
 * Clean requests that certify "less than `absence`" with the probability of a mistake at most `beta`: the smallest n with
 * (1 - absence)^n <= beta. 1 % at 1e-4: 917. Looking in between is free, since nothing happens on which one could stop.
 * @param absence share that must be excluded, in (0,1); @param beta in (0,1).
 */
export function cleanRequestsNeeded(absence: number, beta: number): number {
  return Math.ceil(Math.log(beta) / Math.log1p(-absence));
}

/** What certifies 0 %: strata that must each be clean, such as the marker URIs at the client. */
export interface DarkTally {
  /** Requests that went where none may go, and all attributed requests, per stratum. */
  readonly strata: readonly { readonly name: string; readonly count: number; readonly total: number }[];
}

export interface DarkOutcome {
  readonly decision: Decision;
  readonly count: number;
  readonly total: number;
  /** Clean requests still missing, summed over the strata. */
  readonly need: number;
  readonly progress: number;
  /** The first stratum that is not clean, or the one with the fewest requests. */
  readonly decisive: string;
}

/** The dark rule: one attributed request is a refutation with certainty; a pass needs `needed` clean requests in every stratum. */
export function darkOutcome(tally: DarkTally, needed: number): DarkOutcome {
  const count = tally.strata.reduce((sum, stratum) => sum + stratum.count, 0);
  const total = tally.strata.reduce((sum, stratum) => sum + stratum.total, 0);
  const need = tally.strata.reduce((sum, stratum) => sum + Math.max(0, needed - stratum.total), 0);
  const sorted = [...tally.strata].sort((a, b) => Number(b.count > 0) - Number(a.count > 0) || a.total - b.total);
  const fewest = tally.strata.length === 0 ? 0 : Math.min(...tally.strata.map((stratum) => stratum.total));
  return {
    decision: count > 0 ? 'fail' : tally.strata.length > 0 && need === 0 ? 'pass' : 'continue',
    count,
    total,
    need,
    progress: count > 0 ? 0 : Math.min(1, fewest / needed),
    decisive: sorted[0]?.name ?? '',
  };
}
