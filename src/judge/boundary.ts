import type { Decision, SequentialRule } from './gate.js';
import { divergence, lnLikelihoodRatio, logSumExp } from './numerics.js';

export interface BoundaryOptions {
  /** Largest promised share in (0,1) of what must not happen. */
  readonly bound: number;
  /** Probability of a fail although the share is at most `bound`, over all looks. */
  readonly alpha: number;
  /** Probability of a pass although the share is `bound` or more, over all looks. */
  readonly beta: number;
}

/** Odds of the alternatives, as factors of the bound's; their likelihood ratios are averaged. Upwards as they are, downwards as their inverse. */
const FACTORS = [1.1, 1.3, 2, 4, 12, 60];
/** The odds that a plan assumes of a promise that is kept, and of one that is broken: half and twice the bound's. */
const PLANNED_FACTOR = 2;

/** The share whose odds are `factor` times those of `share`. */
export const atOdds = (share: number, factor: number): number => (share * factor) / (1 - share + share * factor);

/**
 * Rule for "less than `bound` of all", without an indifference zone: it fails when an average of likelihood ratios for larger shares against
 * the bound reaches 1/alpha, and passes when one for smaller shares reaches 1/beta. Each ratio is a nonnegative supermartingale on its side of
 * the bound, so both verdicts hold at every look (Ville's inequality). A share that is the bound itself is never decided.
 */
export function boundaryRule({ bound, alpha, beta }: BoundaryOptions): SequentialRule {
  const above = FACTORS.map((factor) => atOdds(bound, factor));
  const below = FACTORS.map((factor) => atOdds(bound, 1 / factor));
  const mixed = (shares: readonly number[], k: number, n: number) =>
    n === 0 ? 0 : logSumExp(shares.map((share) => lnLikelihoodRatio(k, n, share, bound))) - Math.log(shares.length);
  const failAt = -Math.log(alpha);
  const passAt = -Math.log(beta);
  const lnEvidence = (k: number, n: number) => mixed(above, k, n);
  const lnSupport = (k: number, n: number) => mixed(below, k, n);
  const fails = (k: number, n: number) => lnEvidence(k, n) >= failAt;
  const passes = (k: number, n: number) => lnSupport(k, n) >= passAt;
  const promised = atOdds(bound, 1 / PLANNED_FACTOR);
  return {
    lnEvidence,
    lnSupport,
    fails,
    passes,
    decide: (k, n): Decision => (fails(k, n) ? 'fail' : passes(k, n) ? 'pass' : 'continue'),
    progress: (k, n) => Math.min(1, Math.max(0, lnSupport(k, n) / passAt)),
    need(k, n) {
      const seen = n === 0 ? promised : k / n;
      const [alternatives, missing] =
        seen < bound ? [below, passAt - lnSupport(k, n)] : [above, failAt - lnEvidence(k, n)];
      // Of the mixture the alternative that fits best grows fastest, and soon alone.
      const growth = Math.max(0, ...alternatives.map((share) => divergence(seen, bound) - divergence(seen, share)));
      return Math.max(1, Math.ceil(Math.min(missing / growth, Number.MAX_SAFE_INTEGER)));
    },
    promised,
    harmful: [atOdds(bound, PLANNED_FACTOR)],
  };
}

/** Ranks, from 1 for the smallest of n values, between which a quantile lies; 0 and n + 1 stand for no bound. */
export interface Ranks {
  readonly low: number;
  readonly high: number;
}

/**
 * Confidence sequence for a quantile by rank inversion: the quantile lies between the values of these ranks, at every look, but for the
 * probability alpha + beta of the rule. A limit is passed by the rule exactly when the upper value is not above it, and refuted exactly when
 * the lower value is (Howard and Ramdas 2022, section 3, with the rule's own boundary instead of theirs).
 * @param rule `boundaryRule` with bound 1 - q for the q-quantile.
 */
export function quantileRanks(rule: SequentialRule, n: number): Ranks {
  // Refuted from so many values above the limit on, passed up to so many; both monotone in the count.
  const refuted = firstTrue(n + 1, (k) => rule.fails(k, n));
  const passed = firstTrue(n + 1, (k) => !rule.passes(k, n)) - 1;
  return { low: refuted > n ? 0 : n - refuted + 1, high: passed < 0 ? n + 1 : n - passed };
}

/** The smallest k in 0..end for which the monotone condition holds; `end` when for none. */
function firstTrue(end: number, holds: (k: number) => boolean): number {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
