import { formatDuration } from '../base/units.js';
import { boundaryRule } from './boundary.js';
import { observedShare } from './checks/share.js';
import { type ErrorBlock, ErrorRatio } from './errorRatio.js';
import { SlowAnswers } from './slowAnswers.js';
import { boundaryStatistics, ratioStatistics } from './statistics.js';
import { goodObservation, responseTimeTally, type Tally } from './tallies.js';
import type { CheckPlan, CheckResult, Look } from './types.js';
import { amount, counted, percent, time } from './words.js';

/** What of a promise was counted since the pass. */
interface Counted extends Tally {
  readonly broken: boolean;
  /** Looks that are still missing before anything can be said; 0: none. */
  readonly missingLooks: number;
  readonly sentence: string;
  readonly statistics: string;
}

/**
 * Asks a promise on response times, or on failures of one version against another's, once more: of the whole soak, from the pass on. Answers are
 * slow in bunches, so a change point within them would be found in every wave; the promise is one of all answers, and that is what is watched.
 */
export class Recheck {
  private readonly plan: CheckPlan;
  private readonly soakMs: number;
  private readonly base: Look;
  private readonly count: (look: Look) => Counted | undefined;
  private last: Counted | undefined;
  private final: CheckResult | undefined;

  constructor(plan: CheckPlan, soakMs: number, base: Look) {
    this.plan = plan;
    this.soakMs = soakMs;
    this.base = base;
    this.count = plan.rule === 'ratio' ? failuresSince(plan, base) : timesSince(plan, base);
  }

  look(look: Look): CheckResult {
    if (this.final) return this.final;
    const result = this.judge(look);
    if (result.decided) this.final = { ...result, decidedAt: look.at };
    return result;
  }

  private judge(look: Look): CheckResult {
    const elapsed = look.at - this.base.at;
    const over = elapsed >= this.soakMs;
    const seen = this.count(look);
    this.last = seen ?? this.last;
    const after = `in ${formatDuration(elapsed)} after the pass`;
    if (seen?.broken) return this.result('fail', true, elapsed, `${seen.sentence} ${after}: it held before.`);
    if (!seen || seen.total === 0) {
      const reason = `Nothing that the promise speaks of was counted ${after}${over ? ', so nobody can tell whether it still holds' : ' so far'}.`;
      return this.result(over ? 'no-data' : 'inconclusive', over, elapsed, reason);
    }
    if (over && seen.missingLooks > 0) {
      const short = `${seen.sentence} ${after}; the soak is ${counted(seen.missingLooks, 'looks')} too short to tell how far answers depend on each other.`;
      return { ...this.result('not-applicable', true, elapsed, short), required: false };
    }
    const rest = over ? '; that does not refute the promise' : `; the soak takes ${formatDuration(this.soakMs)}`;
    return this.result(over ? 'pass' : 'inconclusive', over, elapsed, `${seen.sentence} ${after}${rest}.`);
  }

  private result(verdict: CheckResult['verdict'], decided: boolean, elapsed: number, reason: string): CheckResult {
    const { plan, last } = this;
    return {
      name: `drift:${plan.name}`,
      vantagePoint: plan.vantagePoint,
      required: true,
      verdict,
      decided,
      expected: plan.expected,
      observed: last && last.total > 0 ? observedShare(last, plan.alpha) : undefined,
      errorRate: plan.alpha,
      reason,
      ...(last ? { statistics: last.statistics } : {}),
      progress: this.soakMs === 0 ? 1 : Math.min(1, elapsed / this.soakMs),
    };
  }
}

function timesSince(plan: CheckPlan, base: Look): (look: Look) => Counted | undefined {
  const { percentile, limitMs = 0, max = 0.5, than = '', margin = 0 } = plan.expected;
  const rule = boundaryRule({ bound: max, alpha: plan.alpha, beta: plan.beta });
  const slow = new SlowAnswers(rule, limitMs);
  const answersAt = (look: Look) => {
    const times = goodObservation(look, 'client')?.counts.responseTimes;
    return plan.version === undefined ? times?.all : times?.versions[plan.version];
  };
  const tallyOf = (look: Look) => {
    const counts = goodObservation(look, 'client')?.counts;
    return counts && responseTimeTally(counts, plan.name.slice('responseTime:'.length), plan.expected);
  };
  const before = tallyOf(base) ?? { count: 0, total: 0 };
  const passed = answersAt(base);
  if (passed) slow.begin(passed);
  const of = plan.version === undefined ? 'answers' : `answers from ${plan.version}`;
  return (look) => {
    const now = tallyOf(look);
    if (!now) return undefined;
    const [count, total] = [now.count - before.count, now.total - before.total];
    const part = percent(total === 0 ? 0 : count / total);
    if (!percentile) {
      const sentence = `In ${part} of ${counted(total, 'pairs')} of answers ${plan.version} took more than ${percent(margin)} longer than ${than}, where half may,`;
      const statistics = boundaryStatistics(plan, rule, count, total);
      return { count, total, broken: rule.fails(count, total), missingLooks: 0, sentence, statistics };
    }
    const answers = answersAt(look);
    if (answers) slow.look(answers);
    const { factor, ruleForThem } = slow;
    const broken = factor !== undefined && ruleForThem.fails(count, total);
    const sentence = `${part} of ${counted(total, of)} took longer than ${time(limitMs)}, where ${percent(max)} may,`;
    const statistics = boundaryStatistics(plan, ruleForThem, count, total, factor);
    return { count, total, broken, missingLooks: slow.missingLooks, sentence, statistics };
  };
}

function failuresSince(plan: CheckPlan, base: Look): (look: Look) => Counted | undefined {
  const { ratio = 1, than = '' } = plan.expected;
  const version = plan.version ?? '';
  const comparison = new ErrorRatio({ ratio, alpha: plan.alpha, beta: plan.beta / 2 });
  const countsOf = (look: Look): ErrorBlock | undefined => {
    const versions = goodObservation(look, 'source')?.counts.versions;
    const of = (name: string) => versions?.[name] ?? { total: 0, failed: 0 };
    return versions && { candidate: of(version), baseline: of(than) };
  };
  const first = countsOf(base) ?? { candidate: { total: 0, failed: 0 }, baseline: { total: 0, failed: 0 } };
  let last = first;
  return (look) => {
    const now = countsOf(look);
    if (!now) return undefined;
    comparison.add(since(now, last));
    last = now;
    const { candidate, baseline } = since(now, first);
    const times = ratio === 1 ? 'no more often' : `at most ${ratio} times as often`;
    return {
      count: candidate.failed,
      total: candidate.total,
      broken: comparison.fails(),
      missingLooks: 0,
      sentence: `${version} failed ${amount(candidate.failed)} of ${counted(candidate.total, 'calls')} and ${than} ${amount(baseline.failed)} of ${amount(baseline.total)}, where ${times} was promised,`,
      statistics: ratioStatistics(plan, comparison, candidate.failed + baseline.failed),
    };
  };
}

const since = (now: ErrorBlock, before: ErrorBlock): ErrorBlock => {
  const difference = (of: keyof ErrorBlock) => ({
    total: now[of].total - before[of].total,
    failed: now[of].failed - before[of].failed,
  });
  return { candidate: difference('candidate'), baseline: difference('baseline') };
};
