import { lnBeta } from '../../src/judge/numerics.js';

/** P(X >= x) of a binomial count of n draws with probability p, 0 < p < 1; exact, summed from its largest terms down. */
export function upperTail(x: number, n: number, p: number): number {
  if (x <= 0) return 1;
  let sum = 0;
  for (let k = x; k <= n; k++) {
    const term = Math.exp(-Math.log(n + 1) - lnBeta(k + 1, n - k + 1) + k * Math.log(p) + (n - k) * Math.log1p(-p));
    sum += term;
    if (k > n * p && term < 1e-18 * sum) break;
  }
  return Math.min(1, sum);
}

/** Twice the smaller tail: how unusual the count is if the probability is p. */
export function twoSided(x: number, n: number, p: number): number {
  if (p <= 0) return x === 0 ? 1 : 0;
  const lower = 1 - upperTail(x + 1, n, p);
  return Math.min(1, 2 * Math.min(upperTail(x, n, p), lower));
}
