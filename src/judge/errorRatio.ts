import type { Interval } from './confidence.js';
import { lnChoose, logSumExp } from './numerics.js';

/** Requests and failures of two versions since the look before. */
export interface ErrorBlock {
  readonly baseline: { readonly total: number; readonly failed: number };
  readonly candidate: { readonly total: number; readonly failed: number };
}

export interface ErrorRatioOptions {
  /** Largest harmless ratio of the candidate's odds of failing to the baseline's, > 0; at failure rates of a few percent odds and rates are the same. */
  readonly ratio: number;
  /** Probability of refuting although the ratio is kept, over all looks. */
  readonly alpha: number;
  /** Probability of confirming although the ratio is `ALARM_FACTOR` times as large, over all looks. */
  readonly beta: number;
}

/** A candidate that fails so many times as often as it may must be caught. */
export const ALARM_FACTOR = 2;

/** Ratios on which the likelihood is kept: the promised one times 2^(j/4), j = -REACH..REACH. */
const REACH = 24;
const STEPS = Array.from({ length: 2 * REACH + 1 }, (_, index) => 2 ** ((index - REACH) / 4));
const at = (step: number) => step + REACH;
const ALARM_STEP = 4 * Math.log2(ALARM_FACTOR);
/** Steps whose likelihoods are averaged: higher than promised; as promised or lower. */
const HIGHER = [2, 4, 6, 9, 13];
const LOWER = [0, 0, -4, -12];

/**
 * Does a candidate fail more often than a baseline? Given how many requests of a block failed, and how many each version had, the
 * candidate's part of them follows Fisher's noncentral hypergeometric distribution with the ratio of the odds as its parameter, whatever the
 * common rate of failures does over time: an outage that hits both says nothing. Likelihood ratios of it multiply to e-processes, one for each
 * ratio of a grid (Ville's inequality; the idea of conditioning: Lindon and Malek, NeurIPS 2022). Exact for every failure rate, also when
 * all fail. Memory O(1); an update takes O(square root of the failures in the block).
 */
export class ErrorRatio {
  readonly options: ErrorRatioOptions;
  private readonly lnLikelihood = new Float64Array(STEPS.length);

  constructor(options: ErrorRatioOptions) {
    this.options = options;
  }

  /** Takes in the requests since the look before. A block that counts backwards (a proxy restarted) is passed over. */
  add({ baseline, candidate }: ErrorBlock): void {
    const failed = baseline.failed + candidate.failed;
    const counts = [baseline.total, baseline.failed, candidate.total, candidate.failed];
    if (counts.some((count) => !(count >= 0)) || failed === 0) return;
    if (baseline.failed > baseline.total || candidate.failed > candidate.total) return;
    for (const [index, step] of STEPS.entries()) {
      const lnOdds = Math.log(this.options.ratio * step);
      const lnNorm = lnNormalizer(candidate.total, baseline.total, failed, lnOdds);
      this.lnLikelihood[index] = (this.lnLikelihood[index] as number) + candidate.failed * lnOdds - lnNorm;
    }
  }

  /** ln of the e-process against "at most `ratio` times". */
  lnEvidence(): number {
    return this.average(HIGHER) - (this.lnLikelihood[at(0)] as number);
  }

  /** ln of the e-process against "`ALARM_FACTOR` times `ratio` or more". */
  lnSupport(): number {
    return this.average(LOWER) - (this.lnLikelihood[at(ALARM_STEP)] as number);
  }

  fails(): boolean {
    return this.lnEvidence() >= -Math.log(this.options.alpha);
  }

  passes(): boolean {
    return this.lnSupport() >= -Math.log(this.options.beta);
  }

  /**
   * Confidence sequence of the ratio: the probability that it ever fails to hold the true one is at most alpha. It holds the ratios against
   * which the evenly mixed likelihood is below 1/alpha, widened by one step of the grid (the likelihood is log-concave between steps).
   * @returns high Infinity and low 0 where the grid ends.
   */
  interval(alpha: number): Interval {
    const mixed = this.average(STEPS.map((_, index) => index - REACH));
    const kept = STEPS.map((_, index) => mixed - (this.lnLikelihood[index] as number) < -Math.log(alpha));
    const first = kept.indexOf(true) - 1;
    const last = kept.lastIndexOf(true) + 1;
    const { ratio } = this.options;
    return {
      low: first < 0 ? 0 : ratio * (STEPS[first] as number),
      high: last >= STEPS.length ? Number.POSITIVE_INFINITY : ratio * (STEPS[last] as number),
    };
  }

  private average(steps: readonly number[]): number {
    return logSumExp(steps.map((step) => this.lnLikelihood[at(step)] as number)) - Math.log(steps.length);
  }
}

/** Terms below this part of the largest are left out of a sum. */
const NEGLIGIBLE = 1e-20;

/**
 * ln of the sum over x of C(m, x) C(n, e - x) odds^x: what normalises Fisher's noncentral hypergeometric distribution. The terms are
 * log-concave in x, so they are summed outwards from the largest.
 */
export function lnNormalizer(m: number, n: number, e: number, lnOdds: number): number {
  const lowest = Math.max(0, e - n);
  const highest = Math.min(e, m);
  const odds = Math.exp(lnOdds);
  /** The term of x + 1 over the term of x. */
  const growth = (x: number) => (odds * (m - x) * (e - x)) / ((x + 1) * (n - e + x + 1));
  let [mode, above] = [lowest, highest];
  while (mode < above) {
    const middle = (mode + above) >> 1;
    if (growth(middle) > 1) mode = middle + 1;
    else above = middle;
  }
  let sum = 1;
  for (let x = mode, term = 1; x < highest && term > NEGLIGIBLE; x++) {
    term *= growth(x);
    sum += term;
  }
  for (let x = mode, term = 1; x > lowest && term > NEGLIGIBLE; x--) {
    term /= growth(x - 1);
    sum += term;
  }
  return lnChoose(m, mode) + lnChoose(n, e - mode) + mode * lnOdds + Math.log(sum);
}
