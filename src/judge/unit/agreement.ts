import { confidenceSequence } from '../confidence.js';
import { JEFFREYS, lnMixtureRatio } from '../numerics.js';

/** Probability that two independent draws agree when one version has share p: p^2 + (1-p)^2. */
export const agreementOf = (p: number): number => p * p + (1 - p) * (1 - p);

/**
 * ln of an e-process against "consecutive answers on a connection agree with probability `expected` at most": a beta-binomial mixture on agreeing
 * pairs. With every pair agreeing it reaches 1000 after 13 pairs against independent draws of 50 % (0.5), and after 48 of 10 % (0.82).
 */
export function lnStickiness(agreeing: number, pairs: number, expected: number): number {
  return pairs === 0 || agreeing / pairs <= expected ? 0 : lnMixtureRatio(agreeing, pairs, expected, JEFFREYS);
}

export interface Pairs {
  readonly pairs: number;
  readonly agreeing: number;
}

/**
 * Do answers on one connection stay with their version? The share is not known but bounded by its confidence sequence (half of alpha); `sticky`
 * when the agreeing pairs refute that at least half of the answers are drawn anew, for every share inside (the other half); `drawn` when they
 * refute that fewer are. Half, because connections that end at several proxies of different shares agree a little too often as well.
 */
export function stickiness(
  { pairs, agreeing }: Pairs,
  seen: { readonly k: number; readonly n: number },
  alpha: number,
): { readonly verdict: 'sticky' | 'drawn' | 'unknown'; readonly most: number } {
  const { low, high } = confidenceSequence(seen.k, seen.n, alpha / 2);
  // The agreement is convex in p, so an end of the interval has the largest.
  const most = Math.max(agreementOf(low), agreementOf(high));
  const half = (1 + most) / 2;
  if (pairs === 0 || half >= 1) return { verdict: 'unknown', most };
  if (lnStickiness(agreeing, pairs, half) >= Math.log(2 / alpha)) return { verdict: 'sticky', most };
  const { high: bound } = confidenceSequence(agreeing, pairs, alpha / 2);
  return { verdict: bound < half ? 'drawn' : 'unknown', most };
}
