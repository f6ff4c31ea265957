import { confidenceSequence } from '../confidence.js';
import { JEFFREYS, lnMixtureRatio } from '../numerics.js';

/** Probability that two independent draws agree when one version has share p: p^2 + (1-p)^2. */
export const agreementOf = (p: number): number => p * p + (1 - p) * (1 - p);

/**
 * ln of an e-process against "consecutive answers on a connection are independent draws of share p": a beta-binomial mixture on agreeing pairs
 * against p^2 + (1-p)^2. With every pair agreeing it reaches 1000 after 13 pairs at p = 0.5 and after 48 at p = 0.1.
 */
export function lnStickiness(agreeing: number, pairs: number, p: number): number {
  const expected = agreementOf(p);
  return pairs === 0 || agreeing / pairs <= expected ? 0 : lnMixtureRatio(agreeing, pairs, expected, JEFFREYS);
}

export interface Pairs {
  readonly pairs: number;
  readonly agreeing: number;
}

/**
 * Do answers on one connection stay with their version? The share is not known but bounded by its confidence sequence (half of alpha); `sticky`
 * when the agreeing pairs refute every share inside (the other half); `drawn` when they agree so seldom that at least half of the
 * draws on a connection are made anew.
 */
export function stickiness(
  { pairs, agreeing }: Pairs,
  seen: { readonly k: number; readonly n: number },
  alpha: number,
): { readonly verdict: 'sticky' | 'drawn' | 'unknown'; readonly most: number } {
  const { low, high } = confidenceSequence(seen.k, seen.n, alpha / 2);
  // The agreement is convex in p, so an end of the interval has the largest.
  const farthest = agreementOf(low) > agreementOf(high) ? low : high;
  const most = agreementOf(farthest);
  if (pairs === 0) return { verdict: 'unknown', most };
  if (most < 1 && lnStickiness(agreeing, pairs, farthest) >= Math.log(2 / alpha)) return { verdict: 'sticky', most };
  const { high: bound } = confidenceSequence(agreeing, pairs, alpha / 2);
  return { verdict: bound < (1 + most) / 2 && most < 1 ? 'drawn' : 'unknown', most };
}
