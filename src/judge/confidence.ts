import { type BetaPrior, JEFFREYS, lnBeta, lnMixtureRatio } from './numerics.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Confidence sequence for the share behind k of n: the probability that it ever, at any of all looks, fails to hold the true share is at most
 * alpha. It is `{p : ln E_n(p) < ln(1/alpha)}` of the beta-binomial mixture (Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021).
 * @param alpha in (0,1); n = 0 gives [0, 1].
 */
export function confidenceSequence(k: number, n: number, alpha: number, prior: BetaPrior = JEFFREYS): Interval {
  if (n <= 0) return { low: 0, high: 1 };
  const threshold = -Math.log(alpha);
  const lnBetaOfPrior = lnBeta(prior.a, prior.b);
  const excluded = (p: number) => p <= 0 || p >= 1 || lnMixtureRatio(k, n, p, prior, lnBetaOfPrior) >= threshold;
  const best = k / n;
  return {
    low: k <= 0 ? 0 : bisect(0, best, excluded),
    high: k >= n ? 1 : bisect(1, best, excluded),
  };
}

/** The point between an excluded and an included share where exclusion ends; the ratio is convex in p, so there is one. */
function bisect(outside: number, inside: number, excluded: (p: number) => boolean): number {
  let out = outside;
  let kept = inside;
  for (let step = 0; step < 80; step++) {
    const middle = (out + kept) / 2;
    if (middle === out || middle === kept) break;
    if (excluded(middle)) out = middle;
    else kept = middle;
  }
  return out;
}

/** Anytime-valid p-value of an e-process whose largest logarithm so far is `maxLnE`: min(1, 1/max E). */
export const anytimePValue = (maxLnE: number): number => Math.min(1, Math.exp(-maxLnE));
