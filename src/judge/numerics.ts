/** Log-domain special functions. All logarithms are natural. */

const HALF_LN_2PI = 0.5 * Math.log(2 * Math.PI);

/**
 * What Stirling's formula leaves out: `lnGamma(x) = (x - 1/2) ln x - x + ln(2 pi)/2 + stirlingError(x)`, x > 0.
 * Six terms of the Bernoulli series from x = 10 on; below, the recurrence of the gamma function shifts x up.
 */
export function stirlingError(x: number): number {
  let shifted = x;
  let sum = 0;
  while (shifted < 10) {
    sum += (shifted + 0.5) * Math.log1p(1 / shifted) - 1;
    shifted++;
  }
  const r = 1 / (shifted * shifted);
  return (
    sum + (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))) / shifted
  );
}

/** ln of the gamma function, x > 0; relative error below 1e-14. */
export function lnGamma(x: number): number {
  return (x - 0.5) * Math.log(x) - x + HALF_LN_2PI + stirlingError(x);
}

/** ln of the beta function B(x, y), x and y > 0, without the cancellation of three large lnGamma. */
export function lnBeta(x: number, y: number): number {
  const sum = x + y;
  return (
    x * Math.log(x / sum) +
    y * Math.log(y / sum) -
    0.5 * Math.log((x / sum) * y) +
    HALF_LN_2PI +
    stirlingError(x) +
    stirlingError(y) -
    stirlingError(sum)
  );
}

/** ln of n over k, 0 <= k <= n. */
export const lnChoose = (n: number, k: number): number => -Math.log(n + 1) - lnBeta(n - k + 1, k + 1);

/**
 * `x ln(x/m) + m - x` for x, m > 0, exact also where x is close to m.
 * Source: C. Loader, Fast and Accurate Computation of Binomial Probabilities (2000), function bd0.
 */
export function devianceTerm(x: number, m: number): number {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = (x - m) / (x + m);
  let sum = (x - m) * v;
  let power = 2 * x * v;
  for (let odd = 3; ; odd += 2) {
    power *= v * v;
    const next = sum + power / odd;
    if (next === sum) return sum;
    sum = next;
  }
}

/** ln(sum of exp) of the terms; -Infinity for none. */
export function logSumExp(terms: readonly number[]): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const term of terms) if (term > max) max = term;
  if (max === Number.NEGATIVE_INFINITY || max === Number.POSITIVE_INFINITY) return max;
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - max);
  return max + Math.log(sum);
}

/** Parameters of a Beta distribution. */
export interface BetaPrior {
  readonly a: number;
  readonly b: number;
}

/** Jeffreys' prior: reacts to any wrong share. */
export const JEFFREYS: BetaPrior = { a: 0.5, b: 0.5 };

/**
 * ln of the beta-binomial mixture likelihood ratio against the share p in (0,1):
 * `lnB(a+k, b+n-k) - lnB(a,b) - k ln p - (n-k) ln(1-p)` (Robbins 1970), written as a deviance so that it stays exact for n = 1e9.
 */
export function lnMixtureRatio(k: number, n: number, p: number, prior: BetaPrior, lnBetaOfPrior?: number): number {
  const x = prior.a + k;
  const y = prior.b + n - k;
  const m = x + y;
  return (
    devianceTerm(x, m * p) +
    devianceTerm(y, m * (1 - p)) +
    prior.a * Math.log(p) +
    prior.b * Math.log1p(-p) -
    0.5 * Math.log((x / m) * y) +
    HALF_LN_2PI +
    stirlingError(x) +
    stirlingError(y) -
    stirlingError(m) -
    (lnBetaOfPrior ?? lnBeta(prior.a, prior.b))
  );
}

/** ln likelihood ratio of share q against share b for k of n, both in (0,1). */
export function lnLikelihoodRatio(k: number, n: number, q: number, b: number): number {
  return k * Math.log(q / b) + (n - k) * (Math.log1p(-q) - Math.log1p(-b));
}

/** Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), in nats a request: the mean growth of `lnLikelihoodRatio(p : q)` under p. */
export function divergence(p: number, q: number): number {
  const one = p > 0 ? p * Math.log(p / q) : 0;
  const zero = p < 1 ? (1 - p) * (Math.log1p(-p) - Math.log1p(-q)) : 0;
  return one + zero;
}

const EDGE = 1e-9;
/** Alternatives outside (0,1) are moved inside: 1e-9 stands for "nothing at all". */
export const insideUnit = (p: number): number => Math.min(1 - EDGE, Math.max(EDGE, p));
