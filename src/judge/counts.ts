import { anytimePValue, confidenceSequence } from './confidence.js';
import { cleanRequestsNeeded } from './dark.js';
import { ruleFor } from './requirements.js';
import type { Verdict } from './types.js';
import { amount, percent } from './words.js';

export interface CountsPromise {
  /** Promised share, 0..1; 0 and 1 are judged by the dark rule. */
  readonly share: number;
  /** Largest harmless deviation, > 0. */
  readonly margin: number;
  /** Deviation that must not alarm either, below the margin; default 0. */
  readonly quiet?: number;
  /** Probability of a wrong verdict, either way, over all looks. */
  readonly errorRate: number;
  /** What 0 % (or 100 %) certifies. */
  readonly absence: number;
}

export interface CountsVerdict {
  readonly verdict: Exclude<Verdict, 'not-applicable'>;
  readonly share: { readonly observed: number; readonly low: number; readonly high: number };
  /** Anytime-valid p-value of the promise at these counts (its smallest over all looks is one too): below errorRate the promise is refuted. */
  readonly pValue: number;
  readonly reason: string;
}

/**
 * Judges cumulative counts from anywhere, k of n, against one promised share: the gate, or for 0 and 1 the dark rule. The returned function keeps
 * no memory; ask it at any looks, and stop at the first verdict.
 *
 * @example
 * judgeCounts({ share: 0.1, margin: 0.03, errorRate: 1e-4, absence: 0.01 })(402, 1601).verdict; // 'fail'
 */
export function judgeCounts({
  share,
  margin,
  quiet = 0,
  errorRate,
  absence,
}: CountsPromise): (k: number, n: number) => CountsVerdict {
  const certain = share === 0 || share === 1;
  const needed = cleanRequestsNeeded(absence, errorRate);
  const gate = certain ? undefined : ruleFor({ kind: 'gate', share, margin, quiet, alpha: errorRate, beta: errorRate });
  const promise = certain ? percent(share) : `${percent(share)} ± ${percent(margin)}`;
  const decide = (k: number, n: number) => {
    const astray = share === 0 ? k : n - k;
    if (gate) return gate.decide(k, n);
    return astray > 0 ? 'fail' : n >= needed ? 'pass' : 'continue';
  };
  return (k, n) => {
    const interval = confidenceSequence(k, n, errorRate);
    const seen = { observed: n === 0 ? 0 : k / n, ...interval };
    if (n === 0) return { verdict: 'no-data', share: seen, pValue: 1, reason: 'No request was counted.' };
    const counted = `${amount(k)} of ${amount(n)}: ${percent(seen.observed)} (between ${percent(interval.low)} and ${percent(interval.high)})`;
    const certified = certain
      ? `${percent(absence)} or more going astray is excluded`
      : 'shares beyond the margin are excluded';
    const pValue = gate ? anytimePValue(gate.lnEvidence(k, n)) : k === share * n ? 1 : 0;
    switch (decide(k, n)) {
      case 'pass':
        return {
          verdict: 'pass',
          share: seen,
          pValue,
          reason: `${counted}; ${promise} was promised, and ${certified} at error rate ${percent(errorRate)}.`,
        };
      case 'fail':
        return {
          verdict: 'fail',
          share: seen,
          pValue,
          reason: `${counted}; ${promise} was promised and is refuted at error rate ${percent(errorRate)}.`,
        };
      case 'continue': {
        const more = gate ? `about ${amount(gate.need(k, n))}` : amount(needed - n);
        return {
          verdict: 'inconclusive',
          share: seen,
          pValue,
          reason: `${counted}; that neither confirms nor refutes ${promise}; ${more} more requests are needed.`,
        };
      }
    }
  };
}
