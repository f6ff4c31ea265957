import { confidenceSequence } from './confidence.js';
import { cleanRequestsNeeded } from './dark.js';
import { ruleFor } from './requirements.js';
import type { Verdict } from './types.js';
import { amount, percent } from './words.js';

export interface CountsPromise {
  /** Promised share, 0..1; 0 and 1 are judged by the dark rule. */
  readonly share: number;
  /** Largest harmless deviation, > 0. */
  readonly margin: number;
  /** Probability of a wrong verdict, either way, over all looks. */
  readonly errorRate: number;
  /** What 0 % (or 100 %) certifies. */
  readonly absence: number;
}

export interface CountsVerdict {
  readonly verdict: Exclude<Verdict, 'not-applicable'>;
  readonly share: { readonly observed: number; readonly low: number; readonly high: number };
  readonly reason: string;
}

/** Judges cumulative counts from anywhere, k of n, against one promised share. */
export function judgeCounts({
  share,
  margin,
  errorRate,
  absence,
}: CountsPromise): (k: number, n: number) => CountsVerdict {
  const certain = share === 0 || share === 1;
  const needed = cleanRequestsNeeded(absence, errorRate);
  const gate = certain ? undefined : ruleFor({ kind: 'gate', share, margin, alpha: errorRate, beta: errorRate });
  const promise = certain ? percent(share) : `${percent(share)} ± ${percent(margin)}`;
  const decide = (k: number, n: number) => {
    const astray = share === 0 ? k : n - k;
    if (gate) return gate.decide(k, n);
    return astray > 0 ? 'fail' : n >= needed ? 'pass' : 'continue';
  };
  return (k, n) => {
    const interval = confidenceSequence(k, n, errorRate);
    const seen = { observed: n === 0 ? 0 : k / n, ...interval };
    if (n === 0) return { verdict: 'no-data', share: seen, reason: 'No request was counted.' };
    const counted = `${amount(k)} of ${amount(n)}: ${percent(seen.observed)} (between ${percent(interval.low)} and ${percent(interval.high)})`;
    const certified = certain
      ? `${percent(absence)} or more going astray is excluded`
      : 'shares beyond the margin are excluded';
    switch (decide(k, n)) {
      case 'pass':
        return {
          verdict: 'pass',
          share: seen,
          reason: `${counted}; ${promise} was promised, and ${certified} at error rate ${percent(errorRate)}.`,
        };
      case 'fail':
        return {
          verdict: 'fail',
          share: seen,
          reason: `${counted}; ${promise} was promised and is refuted at error rate ${percent(errorRate)}.`,
        };
      case 'continue': {
        const more = gate ? `about ${amount(gate.need(k, n))}` : amount(needed - n);
        return {
          verdict: 'inconclusive',
          share: seen,
          reason: `${counted}; that neither confirms nor refutes ${promise}; ${more} more requests are needed.`,
        };
      }
    }
  };
}
