import type { KubeObject } from '../base/kubernetes.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { planChecks } from './checkPlan.js';
import { accountCheck } from './checks/account.js';
import { errorRatioCheck } from './checks/errorRatio.js';
import { errorsCheck } from './checks/errors.js';
import { mirrorCheck } from './checks/mirror.js';
import { proxiesCheck } from './checks/proxies.js';
import { limitCheck, pairsCheck } from './checks/responseTime.js';
import { darkCheck, gateCheck } from './checks/share.js';
import { findingsOf } from './findings.js';
import { ledgerOf } from './ledger.js';
import { closedOutcome, decidedOutcome, type Outcome, openOutcome } from './outcome.js';
import { PValue } from './pValue.js';
import { SoakJudge } from './soak.js';
import { statisticsOf } from './statistics.js';
import { attributed, type GoodObservation, observationOf } from './tallies.js';
import type { CheckPlan, CheckResult, Granularity, Look, StageAssessment } from './types.js';
import { choiceFor, stageInForce, UnitContext } from './unit/context.js';
import { unitFindings } from './unit/findings.js';
import { errorsOnUnit, onUnit } from './unit/onUnit.js';
import { stageVerdict } from './verdict.js';
import { amount, counted, list, POINT_NAMES, sentenceCase } from './words.js';

/** Judges one stage, look by look. Looks are cumulative since the window opened; the last one is settled. */
export class StageJudge {
  private readonly scenario: Scenario;
  private readonly stage: Stage;
  private readonly unit: UnitContext;
  private readonly checks: readonly RunningCheck[];

  /** @param objects what the cluster held when the window opened; they tell for what a version is drawn. None: they are not known. */
  constructor(scenario: Scenario, stage: Stage, objects: readonly KubeObject[] = []) {
    const choice = choiceFor(scenario, objects);
    this.scenario = scenario;
    this.stage = stageInForce(stage, choice);
    const plans = planChecks(scenario, this.stage);
    this.unit = new UnitContext(scenario, choice, plans[0]?.alpha ?? stage.precision.errorRate);
    const { unit } = this;
    this.checks = plans.map((plan) => new RunningCheck(plan, { scenario, stage: this.stage, unit, plans }));
  }

  /** Takes the next look and assesses the stage as of now. O(1) in requests and looks. */
  look(look: Look): StageAssessment {
    this.unit.look(look);
    // With a single caller proxy there is nothing to guard, and nothing to show.
    const checks = this.checks.flatMap((check) => {
      const result = check.look(look);
      return check.plan.rule === 'proxies' && result.verdict === 'not-applicable' ? [] : [result];
    });
    const required = this.checks.filter((check) => check.plan.required);
    const ledger = ledgerOf(this.scenario, this.stage, look, this.unit.choice?.gateway);
    const refuted = checks.some((check) => check.required && check.verdict === 'fail');
    // A refutation may be a matter of one request; who sent it takes some more.
    const naming = this.checks.some(({ plan, ready }) => plan.rule === 'proxies' && !ready);
    return {
      verdict: stageVerdict(checks),
      decided: look.settled || (refuted && !naming) || required.every((check) => check.ready),
      checks,
      findings: [
        ...findingsOf(this.scenario, this.stage, look, checks, ledger, this.unit.granularity.unit),
        ...unitFindings(this.unit, this.stage, look, checks),
      ],
      ledger,
      granularity: this.unit.granularity,
    };
  }

  /** For what a version is drawn, as far as is known now. */
  get granularity(): Granularity {
    return this.unit.granularity;
  }

  /** Goes on after a pass. @param passed what the last look `base` of the window was assessed as. */
  soak(passed: StageAssessment, base: Look): SoakJudge {
    return new SoakJudge(this.scenario, this.stage, passed, base);
  }
}

type Evaluate = (look: Look) => Outcome;

/** What the checks of a stage share. */
interface JudgedStage {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly unit: UnitContext;
  readonly plans: readonly CheckPlan[];
}

/** A check with its memory: what is decided stays decided. */
class RunningCheck {
  readonly plan: CheckPlan;
  private readonly evaluate: Evaluate;
  private final: CheckResult | undefined;
  private last: Outcome | undefined;
  private readonly pValue: PValue;

  constructor(plan: CheckPlan, context: JudgedStage) {
    this.plan = plan;
    this.pValue = new PValue(plan);
    this.evaluate = evaluator(plan, context);
  }

  /** Decided, or only waiting for the settled look. */
  get ready(): boolean {
    return this.final !== undefined || this.last?.ready === true;
  }

  look(look: Look): CheckResult {
    if (this.final && !this.revocable) return this.final;
    const outcome = this.evaluate(look);
    if (this.final && outcome.verdict !== 'fail') return this.final;
    this.last = outcome;
    const { name, vantagePoint, required, expected, alpha: errorRate } = this.plan;
    const { ready: _ready, ...shown } = outcome;
    const pValue = this.pValue.look(outcome, look.settled);
    const statistics = outcome.statistics ?? statisticsOf(this.plan, outcome.observed, pValue);
    const result = {
      name,
      vantagePoint,
      required,
      expected,
      errorRate,
      ...shown,
      ...(pValue === undefined ? {} : { pValue }),
      ...(statistics === undefined ? {} : { statistics }),
    };
    if (!outcome.decided) return result;
    this.final = { ...result, decidedAt: look.at };
    return this.final;
  }

  /** A certified "none" is the one verdict that later looks may overturn: a request that went astray is certainty, not evidence. */
  private get revocable(): boolean {
    return this.plan.rule === 'dark' && this.final?.verdict === 'pass';
  }
}

function evaluator(plan: CheckPlan, context: JudgedStage): Evaluate {
  const { scenario, stage, unit } = context;
  switch (plan.rule) {
    case 'none': {
      const { verdict, reason } = plan.why ?? { verdict: 'not-applicable', reason: 'Not applicable.' };
      return () => decidedOutcome(verdict, reason, undefined);
    }
    case 'gate':
      return onDrawnUnit(plan, context, (each) => fromCounts(each, gateCheck(each, stage)));
    case 'dark':
      return onDrawnUnit(plan, context, (each) => fromCounts(each, darkCheck(each, scenario)));
    case 'ceiling':
      return errorsOnUnit(unit, fromCounts(plan, errorsCheck(plan)));
    case 'ratio':
      return fromLook(plan, errorRatioCheck(plan));
    case 'limit':
      return fromLook(plan, limitCheck(plan));
    case 'pairs':
      return fromLook(plan, pairsCheck(plan));
    case 'copies': {
      const check = mirrorCheck(plan, copiesSome(plan, context));
      return (look) => missing(plan, look, ['source', 'destination']) ?? check(look) ?? nothingYet(plan, look);
    }
    case 'proxies':
      return proxiesCheck(plan, unit);
    case 'account':
      return fromLook(plan, accountCheck(plan, stage));
  }
}

/**
 * Do the objects copy only some of the calls that the load may cause? A load of reads causes reads; what else a page calls depends on the
 * application.
 */
function copiesSome({ version = '' }: CheckPlan, { scenario, unit: { choice } }: JudgedStage): boolean {
  if (!choice?.partlyMirrored.includes(version)) return false;
  const reads = scenario.load.uris.every(({ method }) => method === 'GET' || method === 'HEAD');
  return !(reads && choice.mirroredReads.includes(version));
}

/** A share is judged on what is drawn: requests as a rule, else connections where somebody counts them. */
function onDrawnUnit(plan: CheckPlan, { unit, plans }: JudgedStage, make: (plan: CheckPlan) => Evaluate): Evaluate {
  const others = plans
    .filter(({ name, vantagePoint, required }) => name === plan.name && vantagePoint !== plan.vantagePoint && required)
    .map(({ vantagePoint }) => vantagePoint);
  const levels = { requests: make(plan), connections: make({ ...plan, counted: 'connections' }) };
  return onUnit(plan, unit, levels, others);
}

/** A check that says itself when it has nothing to count. */
function fromLook(plan: CheckPlan, check: (look: Look) => Outcome | undefined): Evaluate {
  return (look) => missing(plan, look, [plan.vantagePoint]) ?? check(look) ?? nothingYet(plan, look);
}

/** A check of one vantage point: without its data there is no verdict, and at the end none is a verdict of its own. */
function fromCounts(plan: CheckPlan, check: (observation: GoodObservation, settled: boolean) => Outcome): Evaluate {
  return (look) => {
    const lost = missing(plan, look, [plan.vantagePoint]);
    if (lost) return lost;
    const observation = observationOf(look, plan.vantagePoint) as GoodObservation;
    return silence(plan, observation, look.settled) ?? check(observation, look.settled);
  };
}

function missing(plan: CheckPlan, look: Look, points: readonly (typeof plan.vantagePoint)[]): Outcome | undefined {
  const reasons = points.flatMap((point) => {
    const observation = observationOf(look, point);
    if (observation?.status === 'ok') return [];
    return [`${POINT_NAMES[point]} could not be read: ${observation?.reason ?? 'it was not asked'}`];
  });
  if (reasons.length === 0) return undefined;
  const reason = `${sentenceCase(list(reasons))}.`;
  return nothing(reason, look.settled);
}

/** Nothing that the rule can count has been seen. */
function silence(plan: CheckPlan, { counts }: GoodObservation, settled: boolean): Outcome | undefined {
  const answered = attributed(counts);
  const unanswered = counts.unknown.total;
  if (answered > 0 || (unanswered > 0 && (plan.rule === 'ceiling' || plan.rule === 'gate'))) {
    return undefined;
  }
  return nothing(silenceReason(plan, counts), settled);
}

function silenceReason(plan: CheckPlan, counts: GoodObservation['counts']): string {
  if (plan.vantagePoint === 'client') {
    return `The client sent ${counted(counts.sent, 'requests')}, and no answer told its version: ${amount(counts.unmarked)} unmarked, ${amount(counts.failed)} failed.`;
  }
  if (counts.unknown.total > 0) {
    return `${sentenceCase(POINT_NAMES[plan.vantagePoint])} saw ${counted(counts.unknown.total, 'calls')}, and none reached a version.`;
  }
  const elsewhere = Object.values(counts.foreign).reduce((sum, count) => sum + count, 0);
  const others = elsewhere > 0 ? `; ${counted(elsewhere, 'requests')} came from other workloads` : '';
  return `No request of the load reached the service, says ${POINT_NAMES[plan.vantagePoint]}${others}.`;
}

function nothingYet(plan: CheckPlan, look: Look): Outcome {
  return nothing(`No request of the load reached the service, says ${POINT_NAMES[plan.vantagePoint]}.`, look.settled);
}

/** No data is a state as long as the window is open, and a verdict at its end. */
function nothing(reason: string, settled: boolean): Outcome {
  const open = { ...openOutcome(reason, undefined, 0), verdict: 'no-data' } as const;
  return settled ? closedOutcome(open) : open;
}
