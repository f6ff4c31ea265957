import type { Interval } from './confidence.js';
import { devianceTerm, lnGamma, stirlingError } from './numerics.js';

const HALF_LN_2PI = 0.5 * Math.log(2 * Math.PI);
/** Jeffreys' prior: half a request of each version. */
const PRIOR = 0.5;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** ln B(a, ..., a) of `n` versions. */
const lnBetaOfPrior = (n: number): number => n * lnGamma(PRIOR) - lnGamma(n * PRIOR);

/**
 * ln of the Dirichlet-multinomial mixture likelihood ratio against fixed shares, an e-process against them: `lnB(a + S) - lnB(a) - sum S_j ln p_j`
 * with Jeffreys' prior (the beta-binomial mixture of Robbins 1970 for more than two versions), written as deviances so that it stays exact for 1e9
 * requests.
 * @param counts requests per version, >= 0; @param shares in (0,1), together 1, in the same order.
 */
export function lnDirichletRatio(counts: readonly number[], shares: readonly number[]): number {
  const x = counts.map((count) => count + PRIOR);
  const m = sum(x);
  let ln = 0.5 * Math.log(m) + (x.length - 1) * HALF_LN_2PI - stirlingError(m) - lnBetaOfPrior(x.length);
  x.forEach((each, j) => {
    const share = shares[j] as number;
    ln += devianceTerm(each, m * share) + PRIOR * Math.log(share) - 0.5 * Math.log(each) + stirlingError(each);
  });
  return ln;
}

/**
 * Simultaneous confidence sequences for the shares behind the counts: the probability that any of them ever, at any of all looks, fails to hold
 * its true share is at most alpha. They are the shadows of the set `{p : ln E(p) < ln(1/alpha)}` on each version: with one share fixed, the
 * others explain the counts best in the proportions seen.
 * @param alpha in (0,1); without requests every interval is [0, 1].
 */
export function shareIntervals(counts: readonly number[], alpha: number): Interval[] {
  const n = sum(counts);
  if (n === 0) return counts.map(() => ({ low: 0, high: 1 }));
  const threshold = -Math.log(alpha);
  const best = lnAtBest(counts, n);
  return counts.map((k) => {
    // ln E at share p is that at the shares seen, and what p loses against k/n.
    const excluded = (p: number) =>
      p <= 0 || p >= 1 || best + devianceTermOr(k, n * p) + devianceTermOr(n - k, n * (1 - p)) >= threshold;
    return { low: k === 0 ? 0 : edge(0, k / n, excluded), high: k === n ? 1 : edge(1, k / n, excluded) };
  });
}

/** `devianceTerm`, and its limit m for no request. */
const devianceTermOr = (x: number, m: number): number => (x === 0 ? m : devianceTerm(x, m));

/** ln E against the shares seen, the smallest there is; versions without requests have none. */
function lnAtBest(counts: readonly number[], n: number): number {
  const x = counts.map((count) => count + PRIOR);
  const m = sum(x);
  let ln = 0.5 * Math.log(m) + (x.length - 1) * HALF_LN_2PI - stirlingError(m) - lnBetaOfPrior(x.length);
  x.forEach((each, j) => {
    const count = counts[j] as number;
    ln += each * Math.log(each / m) - 0.5 * Math.log(each) + stirlingError(each);
    if (count > 0) ln -= count * Math.log(count / n);
  });
  return ln;
}

/** The point between an excluded and an included share where exclusion ends. */
function edge(outside: number, inside: number, excluded: (p: number) => boolean): number {
  let [out, kept] = [outside, inside];
  for (let step = 0; step < 80; step++) {
    const middle = (out + kept) / 2;
    if (middle === out || middle === kept) break;
    if (excluded(middle)) out = middle;
    else kept = middle;
  }
  return out;
}
