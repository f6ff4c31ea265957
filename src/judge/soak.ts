import { formatDuration } from '../base/units.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { isWatched, planChecks } from './checkPlan.js';
import { observedShare } from './checks/share.js';
import { DriftDetector } from './drift.js';
import { alarmRate } from './errors.js';
import { Recheck } from './soakRecheck.js';
import { errorTally, goodObservation, shareTally, type Tally } from './tallies.js';
import type { CheckPlan, CheckResult, Look, StageAssessment } from './types.js';
import { stageVerdict } from './verdict.js';
import { amount, counted, POINT_NAMES, percent, probability, sentenceCase, UNITS } from './words.js';

const LEAST_LOOK_MS = 1000;
const MOST_LOOKS = 1800;

/** Between two looks of a soak, ms, at least: what the mean time between false alarms is counted in. A long soak fills no disk. */
export const soakLookMs = (soakMs: number): number => Math.max(LEAST_LOOK_MS, soakMs / MOST_LOOKS);

/**
 * Judges what comes after a pass: the load goes on, and every required share and error maximum of the stage is watched for a change; limits of
 * response times and comparisons of versions are asked again of the whole soak. An alarm fails the stage. The chance of a false one in the whole soak is at most the check's part of the run's error rate, since the mean time between
 * false alarms is the length of the soak over that.
 */
export class SoakJudge {
  private readonly passed: StageAssessment;
  private readonly watches: readonly { look(look: Look): CheckResult }[];

  /**
   * @param passed what the window ended with.
   * @param base the last look of the window.
   */
  constructor(scenario: Scenario, stage: Stage, passed: StageAssessment, base: Look) {
    this.passed = passed;
    const { unit } = passed.granularity;
    const perRequest = unit === 'request' || unit === 'unknown';
    this.watches = planChecks(scenario, stage)
      .filter(isWatched)
      .map((plan) =>
        plan.rule === 'gate' || plan.rule === 'dark' || plan.rule === 'ceiling'
          ? new Watch(plan, stage.soak ?? 0, base, plan.rule === 'ceiling' || perRequest)
          : new Recheck(plan, stage.soak ?? 0, base),
      );
  }

  /** Takes the next look, cumulative since the window opened as all of them. Decided at an alarm and at the end of the soak. */
  look(look: Look): StageAssessment {
    const drift = this.watches.map((watch) => watch.look(look));
    const checks = [...this.passed.checks, ...drift];
    const alarm = drift.some(({ verdict }) => verdict === 'fail');
    return {
      ...this.passed,
      checks,
      verdict: stageVerdict(checks),
      decided: alarm || drift.every(({ decided }) => decided),
    };
  }
}

class Watch {
  private readonly plan: CheckPlan;
  private readonly soakMs: number;
  private readonly base: Look;
  /** False: the version is not drawn per request, and requests that go together would look like a change. */
  private readonly applicable: boolean;
  private readonly detector: DriftDetector | undefined;
  private readonly threshold: number;
  private last: Tally;
  /** When the counts of each update began, ms since the window opened. */
  private readonly began: number[] = [];
  private lastAt: number;
  private seen: Tally = { count: 0, total: 0 };
  private final: CheckResult | undefined;

  constructor(plan: CheckPlan, soakMs: number, base: Look, applicable: boolean) {
    this.plan = plan;
    this.soakMs = soakMs;
    this.base = base;
    this.applicable = applicable;
    this.threshold = Math.max(2, Math.ceil(soakMs / soakLookMs(soakMs)) / plan.alpha);
    this.detector = detectorFor(plan, this.threshold);
    this.last = this.tally(base) ?? { count: 0, total: 0 };
    this.lastAt = base.at;
  }

  look(look: Look): CheckResult {
    if (this.final) return this.final;
    const result = this.judge(look);
    if (result.decided) this.final = { ...result, decidedAt: look.at };
    return this.final ?? result;
  }

  private judge(look: Look): CheckResult {
    const { plan } = this;
    if (!this.applicable)
      return this.result(
        'not-applicable',
        true,
        look,
        `What is drawn for a version is not a request, so that requests that go together would look like a drift.`,
      );
    const tally = this.tally(look);
    const over = look.at - this.base.at >= this.soakMs;
    const who = subjectOf(plan);
    if (!tally) {
      const lost = `${sentenceCase(POINT_NAMES[plan.vantagePoint])} could not be read ${over ? 'at the end of the soak' : 'just now'}, so nobody can tell whether ${who} drifted.`;
      return this.result(over ? 'no-data' : 'inconclusive', over, look, lost);
    }
    const fresh = { count: tally.count - this.last.count, total: tally.total - this.last.total };
    this.last = tally;
    // Counts that fall are those of a proxy that restarted.
    if (fresh.total > 0 && fresh.count >= 0 && fresh.count <= fresh.total) {
      this.seen = { count: this.seen.count + fresh.count, total: this.seen.total + fresh.total };
      this.began.push(this.lastAt);
      if (this.alarmed(fresh)) return this.alarm(look);
    }
    this.lastAt = look.at;
    if (over && this.seen.total === 0)
      return this.result(
        'no-data',
        true,
        look,
        `Not one request was counted in the soak, so nobody can tell whether ${who} drifted.`,
      );
    const { count, total } = this.seen;
    const so = `${sentenceCase(who)} did not drift in ${formatDuration(look.at - this.base.at)} after the pass: ${amount(count)} of ${counted(total, UNITS[plan.vantagePoint])} (${percent(total === 0 ? 0 : count / total)})`;
    return over
      ? this.result('pass', true, look, `${so}.`)
      : this.result('inconclusive', false, look, `${so} so far; the soak takes ${formatDuration(this.soakMs)}.`);
  }

  private alarmed(fresh: Tally): boolean {
    return this.detector ? this.detector.update(fresh.count, fresh.total) : astray(this.plan, fresh) > 0;
  }

  private alarm(look: Look): CheckResult {
    const { plan } = this;
    const since = this.detector?.change() ?? { since: this.began.length - 1, ...this.seen };
    const changedAt = this.began[since.since] ?? this.base.at;
    const when = formatDuration(Math.max(0, changedAt - this.base.at));
    const found = `${amount(since.count)} of ${counted(since.total, UNITS[plan.vantagePoint])} since then (${percent(since.count / since.total)})`;
    const reason = `${sentenceCase(subjectOf(plan))} changed about ${when} after the pass: ${found}, where ${promiseOf(plan)} was promised and found before.`;
    return { ...this.result('fail', true, look, reason), changedAt };
  }

  private result(verdict: CheckResult['verdict'], decided: boolean, look: Look, reason: string): CheckResult {
    const { plan } = this;
    const elapsed = look.at - this.base.at;
    return {
      name: driftName(plan),
      vantagePoint: plan.vantagePoint,
      required: this.applicable,
      verdict,
      decided,
      expected: plan.expected,
      observed: this.seen.total === 0 ? undefined : observedShare(this.seen, plan.alpha),
      errorRate: plan.alpha,
      reason,
      statistics: this.statistics(),
      progress: this.soakMs === 0 ? 1 : Math.min(1, elapsed / this.soakMs),
    };
  }

  private statistics(): string {
    if (!this.detector) return 'One request astray is certainty, whenever it comes.';
    const between = formatDays((this.threshold * soakLookMs(this.soakMs)) / 86_400_000);
    return `Shiryaev-Roberts e-detector, mean of ${this.detector.alternatives} alternatives, ln R = ${this.detector.lnStatistic().toFixed(1)} (alarm from ${Math.log(this.threshold).toFixed(1)}); false alarms at least ${between} apart on average, in this soak with probability at most ${probability(this.plan.alpha)}.`;
  }

  private tally(look: Look): Tally | undefined {
    const counts = goodObservation(look, this.plan.vantagePoint)?.counts;
    if (!counts) return undefined;
    return this.plan.rule === 'ceiling' ? errorTally(counts) : shareTally(counts, this.plan.version as string);
  }
}

const driftName = ({ name, version }: CheckPlan): string => `drift:${version ?? name}`;

function detectorFor({ rule, expected }: CheckPlan, meanUpdatesToFalseAlarm: number): DriftDetector | undefined {
  const { share = 0, margin = 0, max = 0 } = expected;
  if (rule === 'dark') return undefined;
  const [found, candidates] =
    rule === 'ceiling'
      ? [max, [alarmRate(max), 5 * max, (1 + max) / 2]]
      : [share, [share - margin, share + margin, share - 2 * margin, share + 2 * margin, 0, (1 + share) / 2]];
  const alternatives = candidates.filter((each) => each >= 0 && each <= 1 && each !== found);
  return new DriftDetector({ share: found, alternatives, meanUpdatesToFalseAlarm });
}

const astray = ({ expected }: CheckPlan, { count, total }: Tally): number =>
  expected.share === 0 ? count : total - count;

const subjectOf = ({ rule, version, vantagePoint }: CheckPlan): string =>
  `${rule === 'ceiling' ? 'the share of failed calls' : `the share of ${version}`} at ${POINT_NAMES[vantagePoint]}`;

const promiseOf = ({ rule, expected }: CheckPlan): string =>
  rule === 'ceiling' ? `at most ${percent(expected.max ?? 0)}` : percent(expected.share ?? 0);

const formatDays = (days: number): string =>
  days >= 730 ? `${amount(days / 365)} years` : days >= 2 ? `${amount(days)} days` : `${amount(days * 24)} hours`;
