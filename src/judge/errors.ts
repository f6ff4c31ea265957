import { cleanRequestsNeeded } from './dark.js';
import { ruleOf, type SequentialRule } from './gate.js';
import { insideUnit, lnLikelihoodRatio, logSumExp } from './numerics.js';

export interface CeilingOptions {
  /** Largest promised failure rate in [0,1). */
  readonly max: number;
  readonly alpha: number;
  readonly beta: number;
  /** What a promise of 0 certifies, in (0,1). */
  readonly absence: number;
}

/** The failure rate that must be caught: twice the promised one, or half-way to 1 where that does not exist. */
export const alarmRate = (max: number): number => (2 * max < 1 ? 2 * max : (1 + max) / 2);

/**
 * One-sided rule for "at most `max` fail". It fails when an average of likelihood ratios for higher rates against `max` reaches 1/alpha (each is
 * a supermartingale for every rate <= max), and passes when the ratio of `max` against twice it reaches 1/beta (a supermartingale for every
 * rate >= 2 max). max = 0: the first failure refutes, and clean requests certify less than `absence`.
 */
export function errorCeiling(options: CeilingOptions): SequentialRule {
  const { max, alpha, beta } = options;
  if (max === 0) return noErrors(options);
  const alarm = alarmRate(max);
  const alternatives = [
    { weight: 0.5, rate: alarm },
    { weight: 0.25, rate: insideUnit(Math.min(5 * max, (1 + max) / 2)) },
    { weight: 0.25, rate: (1 + max) / 2 },
  ];
  const lnEvidence = (k: number, n: number): number =>
    n === 0
      ? 0
      : logSumExp(alternatives.map(({ weight, rate }) => Math.log(weight) + lnLikelihoodRatio(k, n, rate, max)));
  const lnSupport = (k: number, n: number): number => lnLikelihoodRatio(k, n, max, alarm);
  // A service that keeps its promise mostly fails less than it may; then the verdict is nearer than at the maximum.
  const drift = (k: number, n: number) => lnLikelihoodRatio(n === 0 ? 0 : Math.min(max, k / n), 1, max, alarm);
  return {
    ...ruleOf(lnEvidence, lnSupport, -Math.log(alpha), -Math.log(beta), drift),
    promised: max,
    harmful: [alarm],
  };
}

function noErrors({ absence, beta }: CeilingOptions): SequentialRule {
  const needed = cleanRequestsNeeded(absence, beta);
  const fails = (k: number) => k > 0;
  const passes = (k: number, n: number) => k === 0 && n >= needed;
  return {
    fails,
    passes,
    decide: (k, n) => (fails(k) ? 'fail' : passes(k, n) ? 'pass' : 'continue'),
    lnEvidence: (k) => (k > 0 ? Number.POSITIVE_INFINITY : 0),
    lnSupport: (k, n) => (k > 0 ? Number.NEGATIVE_INFINITY : n * -Math.log1p(-absence)),
    progress: (k, n) => (k > 0 ? 0 : Math.min(1, n / needed)),
    need: (_k, n) => Math.max(1, needed - n),
    promised: 0,
    harmful: [absence],
  };
}
