import { boundaryRule } from '../boundary.js';
import { ALARM_FACTOR, ErrorRatio } from '../errorRatio.js';
import { closedOutcome, decidedOutcome, type Outcome, openOutcome } from '../outcome.js';
import { ratioStatistics } from '../statistics.js';
import { goodObservation } from '../tallies.js';
import type { CheckPlan, CheckResult, Look } from '../types.js';
import { amount, counted, percent } from '../words.js';
import { observedShare } from './share.js';

interface Failures {
  readonly total: number;
  readonly failed: number;
}

const NONE: Failures = { total: 0, failed: 0 };

/**
 * A version fails at most `ratio` times as often as another. It passes when twice that is excluded, or when so few of its calls fail at all that
 * the comparison cannot matter (less than `absence`, each at half the probability of a miss).
 */
export function errorRatioCheck(plan: CheckPlan): (look: Look) => Outcome | undefined {
  const { ratio = 1, than = '', absence = 0.01 } = plan.expected;
  const version = plan.version as string;
  const beta = plan.beta / 2;
  const comparison = new ErrorRatio({ ratio, alpha: plan.alpha, beta });
  const rare = boundaryRule({ bound: absence, alpha: beta, beta });
  let last = { baseline: NONE, candidate: NONE };
  return (look) => {
    const versions = goodObservation(look, 'source')?.counts.versions;
    const candidate = versions?.[version] ?? NONE;
    const baseline = versions?.[than] ?? NONE;
    comparison.add({ baseline: since(baseline, last.baseline), candidate: since(candidate, last.candidate) });
    last = { baseline, candidate };
    if (candidate.total === 0) return undefined;
    const { low, high } = comparison.interval(plan.alpha);
    const observed: NonNullable<CheckResult['observed']> = {
      ...observedShare({ count: candidate.failed, total: candidate.total }, plan.alpha),
      ratio: { low, high: Number.isFinite(high) ? high : null },
    };
    const statistics = ratioStatistics(plan, comparison, candidate.failed + baseline.failed);
    const times = ratio === 1 ? `no more often than ${than}` : `at most ${ratio} times as often as ${than}`;
    const sentence = `${failuresText(version, candidate)}, ${failuresText(than, baseline)}`;
    const decided = (verdict: 'pass' | 'fail', why: string): Outcome => ({
      ...decidedOutcome(verdict, `${sentence}; ${why}.`, observed),
      statistics,
    });
    if (comparison.fails()) {
      const proven = Math.max(low, ratio);
      return decided(
        'fail',
        `${version} was to fail ${times}, and fails ${proven > ratio ? `at least ${digits(proven)} times as often` : 'more often'}`,
      );
    }
    if (comparison.passes())
      return decided('pass', `${ALARM_FACTOR * ratio} times as often is excluded at error rate ${percent(plan.beta)}`);
    if (rare.passes(candidate.failed, candidate.total)) {
      return decided(
        'pass',
        `that ${version} fails ${percent(absence)} of its calls or more is excluded at error rate ${percent(plan.beta)}, too few to compare`,
      );
    }
    const need = needed(candidate, baseline, rare.need(candidate.failed, candidate.total), comparison, beta);
    const bounds =
      high === Number.POSITIVE_INFINITY ? `${digits(low)} times or more` : `${digits(low)} to ${digits(high)} times`;
    const open = openOutcome(
      `${sentence}; it was to fail ${times}, and the truth lies at ${bounds}; about ${amount(need)} more calls are needed.`,
      observed,
      Math.min(
        1,
        Math.max(rare.progress(candidate.failed, candidate.total), comparison.lnSupport() / -Math.log(beta), 0),
      ),
      need,
    );
    return { ...(look.settled ? closedOutcome(open) : open), statistics };
  };
}

const since = (now: Failures, before: Failures): Failures => ({
  total: now.total - before.total,
  failed: now.failed - before.failed,
});

const failuresText = (version: string, { total, failed }: Failures): string =>
  `${version} failed ${amount(failed)} of ${counted(total, 'calls')}${total === 0 ? '' : ` (${percent(failed / total)})`}`;

const digits = (value: number): string => String(Number(value.toPrecision(2)));

/** Calls of both versions until the nearest verdict, if evidence goes on to grow as it has so far. */
function needed(candidate: Failures, baseline: Failures, rare: number, comparison: ErrorRatio, beta: number): number {
  const calls = candidate.total + baseline.total;
  const growing = (ln: number, threshold: number) =>
    ln > 0 ? (calls * (threshold - ln)) / ln : Number.POSITIVE_INFINITY;
  const ways = [
    (rare * calls) / candidate.total,
    growing(comparison.lnSupport(), -Math.log(beta)),
    growing(comparison.lnEvidence(), -Math.log(comparison.options.alpha)),
  ];
  return Math.max(1, Math.ceil(Math.min(...ways)));
}
