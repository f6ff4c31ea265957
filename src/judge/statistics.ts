import { ALLOWANCE } from './bunching.js';
import { cleanNeeded, specOf } from './checkPlan.js';
import type { ErrorRatio } from './errorRatio.js';
import { alarmRate } from './errors.js';
import type { SequentialRule } from './gate.js';
import { type RuleSpec, ruleFor } from './requirements.js';
import type { CheckPlan, CheckResult } from './types.js';
import { amount, counted, percent, probability, UNITS } from './words.js';

/**
 * The second sentence of a check, for who wants to know how it was decided: method, evidence (an e-value, of which 1/alpha refutes, by Ville's
 * inequality), anytime p-value, error rates, number of requests. @returns undefined where nothing was counted, or nothing is decided by counts.
 */
export function statisticsOf(
  plan: CheckPlan,
  observed: CheckResult['observed'],
  pValue: number | undefined,
): string | undefined {
  if (!observed) return undefined;
  const { total } = observed;
  const count = Math.min(observed.count, total);
  const spec = specOf(plan);
  if (plan.rule === 'account') return `${n(plan, total)}; compared with the source proxy's counts, decides nothing.`;
  if (spec && spec.kind !== 'limit')
    return `${n(plan, total)}; ${ruleText(plan, spec, count, total, pValue)} ${INTERVAL(plan)}`;
  if (plan.rule === 'dark' || plan.rule === 'copies' || plan.rule === 'ceiling') {
    const absence = plan.expected.absence ?? 0.01;
    return `${n(plan, total)}; one request astray refutes with certainty; (1 - ${probability(absence)})^n is at most beta = ${probability(plan.beta)} from n = ${amount(cleanNeeded(plan))} on. ${INTERVAL(plan)}`;
  }
  return undefined;
}

const n = (plan: CheckPlan, total: number) => `n = ${counted(total, plan.counted ?? UNITS[plan.vantagePoint])}`;

const INTERVAL = ({ alpha }: CheckPlan) =>
  `Interval: beta-binomial confidence sequence (Jeffreys' prior) at ${probability(alpha)}, valid at every look.`;

function ruleText(
  plan: CheckPlan,
  spec: Exclude<RuleSpec, { kind: 'limit' }>,
  k: number,
  total: number,
  pValue: number | undefined,
): string {
  const rule = ruleFor(spec);
  const [method, against, promise, rival] =
    spec.kind === 'gate'
      ? [
          ...(spec.quiet
            ? ['average of likelihood ratios', `every share within ${percent(spec.quiet)} of ${percent(spec.share)}`]
            : ['average of beta-binomial mixtures and likelihood ratios', percent(spec.share)]),
          percent(spec.share),
          `the nearer of ${percent(Math.max(0, spec.share - spec.margin))} and ${percent(Math.min(1, spec.share + spec.margin))}`,
        ]
      : [
          'average of likelihood ratios for higher rates',
          percent(spec.max),
          percent(spec.max),
          percent(alarmRate(spec.max)),
        ];
  return `${method} against ${against}: ${evidenceText(rule.lnEvidence(k, total), plan.alpha, pValue)}; likelihood ratio of ${promise} over ${rival}: ${eValue(rule.lnSupport(k, total))}, beta = ${probability(plan.beta)}.`;
}

const evidence = (rule: SequentialRule, alpha: number, k: number, total: number): string =>
  evidenceText(rule.lnEvidence(k, total), alpha);

/** `E = 3.1e4 (refutes from 5e4), anytime p = 3.2e-5` */
const evidenceText = (lnE: number, alpha: number, pValue = Math.min(1, Math.exp(-lnE))): string =>
  `E = ${eValue(lnE)} (refutes from ${eValue(-Math.log(alpha))}), anytime p = ${probability(pValue)}`;

/** `3.1e4` of its logarithm, which may be out of a number's range. */
function eValue(ln: number): string {
  if (!Number.isFinite(ln)) return ln > 0 ? 'infinite' : '0';
  if (Math.abs(ln) < Math.log(1000)) return String(Number(Math.exp(ln).toPrecision(2)));
  // A mantissa that would round up to 10 belongs to the next power.
  const exponent = Math.floor(ln / Math.LN10 + 0.003);
  return `${Number(Math.exp(ln - exponent * Math.LN10).toFixed(1))}e${exponent}`;
}

/** Of a percentile's limit, or of pairs. @param factor answers that count as one, where they depend on each other. */
export function boundaryStatistics(
  plan: CheckPlan,
  rule: SequentialRule,
  k: number,
  total: number,
  factor?: number,
): string {
  const { percentile, max = 0.5 } = plan.expected;
  const unit = percentile ? 'answers' : 'pairs of neighbouring answers';
  const interval = percentile
    ? `Interval: ranks at which the same rule decides, on bounds of histogram buckets, at ${probability(plan.alpha + plan.beta)}, valid at every look.`
    : 'Under "no slower by more than the margin" either of two answers was equally likely to be the slower one.';
  const waves =
    factor === undefined
      ? ''
      : ` Counts vary from look to look as if ${factor.toPrecision(2)} answers were one (batch means, with an allowance of ${ALLOWANCE}), so k and n are divided by that; no theorem holds for queues, and error rates of 1 % were measured under them (docs/calibration.md).`;
  return `n = ${counted(total, unit)}, k = ${amount(k)};${waves ? `${waves} Averages` : ' averages'} of likelihood ratios against a share of ${percent(max)}: above, ${evidence(rule, plan.alpha, k, total)}; below, E = ${eValue(rule.lnSupport(k, total))} (confirms from ${eValue(-Math.log(plan.beta))}). ${interval}`;
}

/** Of failures compared between two versions. */
export function ratioStatistics(plan: CheckPlan, comparison: ErrorRatio, failures: number): string {
  const { ratio = 1 } = plan.expected;
  const { beta } = comparison.options;
  return `${counted(failures, 'failures')} of both; their split given the calls is noncentral hypergeometric in the odds ratio; mixture over higher ratios against ${ratio}: ${evidenceText(comparison.lnEvidence(), plan.alpha)}; against ${2 * ratio} or more: E = ${eValue(comparison.lnSupport())} (confirms from ${eValue(-Math.log(beta))}). Interval of the ratio: confidence sequence at ${probability(plan.alpha)}, valid at every look.`;
}
