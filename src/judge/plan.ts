import { mixInMarkerUris } from '../scenario/markers.js';
import type { Scenario, Stage, WatchedPoint } from '../scenario/types.js';
import { assumedPages, judgedPages } from './assumedLoad.js';
import { planChecks } from './checkPlan.js';
import { stageAdvice, stageLine } from './planAdvice.js';
import { likely, type PlannedCheck, type PlannedTruth, planCheck } from './planCheck.js';
import type { CheckPlan, Granularity } from './types.js';
import { countingOf, type PlannedUnit, plannedUnit } from './unit/planned.js';

/** Requests per second that a vantage point can judge. */
export type Rates = Readonly<Record<WatchedPoint, number>>;

interface PlannedStage {
  readonly name: string;
  /** For what a version will be drawn, as far as the scenario's manifests tell. */
  readonly granularity: Granularity;
  readonly checks: readonly PlannedCheck[];
  /** Of the slowest required check, if everything is as promised and nothing fails: the stage takes at least that long. */
  readonly seconds: { readonly expected: number; readonly q99: number };
  /** If everything is as promised: pass at least, the others at most (the checks are not independent, so these are bounds). */
  readonly verdicts: { readonly pass: number; readonly fail: number; readonly inconclusive: number };
  /** In words, as `run` prints it before the stage. */
  readonly line: string;
  /** Why no number of requests decides it from here: a clause; undefined: some number does. */
  readonly undecidable?: string;
  /** What to change when the longest counting window leaves the stage undecided in more than 1 of 100 runs; undefined: nothing. */
  readonly advice?: string;
}

export interface Plan {
  readonly scenario: string;
  readonly errorRate: number;
  /** Requests per second that were assumed. */
  readonly rates: Rates;
  /** URIs that will be added to the list, because none of it shows the version. */
  readonly mixedIn: readonly string[];
  readonly stages: readonly PlannedStage[];
  /** What to change where a stage will take too long. */
  readonly warnings: readonly string[];
}

/** A stage whose window is too short to decide it with at least this probability, if all is as promised, is not worth starting. */
const DECIDABLE = 0.99;

/**
 * Rates that the scenario's load gives: the client judges answers to marker URIs; at least these pages call the service, and without a marker
 * every page is taken to call it once.
 */
export function assumedRates(scenario: Scenario): Rates {
  const { marker } = scenario;
  const calls = callsPerSecond(scenario);
  return { client: marker ? calls : 0, source: calls, destination: calls, graph: calls };
}

const callsPerSecond = (scenario: Scenario): number =>
  [...judgedPages(scenario).values()].reduce((sum, pages) => sum + pages, 0);

const pagesPerCall = (scenario: Scenario): number => assumedPages(scenario) / callsPerSecond(scenario);

/** What a check counts per second: the requests that its vantage point judges, calls of one version, pairs of neighbours of two, all answers. */
function usableRate(scenario: Scenario, stage: Stage, check: CheckPlan, rates: Rates): number {
  const { rule, version, expected } = check;
  const rate = rates[check.vantagePoint];
  const shares = stage.expect.share ?? {};
  const named = Object.values(shares).reduce((sum, share) => sum + share, 0);
  const others = Object.keys(scenario.versions).length - Object.keys(shares).length;
  const part = (name: string) => shares[name] ?? Math.max(0, 1 - named) / others;
  switch (rule) {
    case 'ratio':
      return rate * part(version ?? '');
    case 'pairs':
      return rate * part(version ?? '') * part(expected.than ?? '');
    case 'limit':
      // Answers to every page count, those of pages that call no service too.
      return version === undefined ? rates.source * pagesPerCall(scenario) : rate * part(version);
    default:
      return rate;
  }
}

/**
 * What every stage will take, before anything is sent: requests and seconds to the verdict under four truths, exact probabilities of a false alarm
 * and of a miss (forward dynamic programming, see `operating`), and what to change where it takes too long.
 * @param given requests per second that each vantage point can judge; default: from the scenario's load.
 */
export function planRun(scenario: Scenario, given?: Rates): Plan {
  const rates = given ?? assumedRates(scenario);
  const pages = given ? undefined : assumedPages(scenario);
  const stages = scenario.stages.map((each) => {
    const unit = plannedUnit(scenario, each);
    const planned = planStage(scenario, unit, rates);
    return isDecidable(planned) ? planned : { ...planned, advice: adviceFor(scenario, unit, planned, rates, pages) };
  });
  return {
    scenario: scenario.name,
    errorRate: scenario.precision.errorRate,
    rates,
    mixedIn: mixInMarkerUris(scenario).mixedIn,
    stages,
    warnings: stages.flatMap(({ advice }) => (advice === undefined ? [] : [advice])),
  };
}

/** False: if all is as promised, the longest counting window leaves the stage undecided too often. */
const isDecidable = ({ checks, verdicts }: PlannedStage): boolean =>
  !checks.some(({ required }) => required) || verdicts.inconclusive <= 1 - DECIDABLE;

function adviceFor(
  scenario: Scenario,
  { stage, granularity }: PlannedUnit,
  planned: PlannedStage,
  rates: Rates,
  pages: number | undefined,
): string {
  if (planned.undecidable !== undefined) return planned.line;
  const rate = rates.client || rates.source;
  return stageAdvice(scenario, stage, planned, rate, pages, ({ scenario: other, stage: changed, faster }) => {
    const times = (point: WatchedPoint) => rates[point] * faster;
    const more = {
      client: times('client'),
      source: times('source'),
      destination: times('destination'),
      graph: times('graph'),
    };
    const again = planStage(other, { stage: changed, granularity }, more, faster);
    return isDecidable(again) ? again : undefined;
  });
}

function planStage(
  scenario: Scenario,
  { stage, granularity }: PlannedUnit,
  rates: Rates,
  faster?: number,
): PlannedStage {
  const checks = planChecks(scenario, stage).flatMap((check): PlannedCheck[] => {
    if (check.rule === 'account' || check.rule === 'proxies' || check.rule === 'none') return [];
    const counting = countingOf(check, granularity, scenario, faster);
    if (!counting) return [];
    const { each, ...told } = counting;
    return [{ ...planCheck(scenario, check, each * usableRate(scenario, stage, check, rates)), ...told }];
  });
  const required = checks.filter((check) => check.required);
  const slowest = (of: (truth: PlannedTruth) => number) => Math.max(0, ...required.map((check) => of(likely(check))));
  const sum = (of: (truth: PlannedTruth) => number) =>
    Math.min(
      1,
      required.reduce((total, check) => total + of(likely(check)), 0),
    );
  const fail = sum(({ verdicts }) => verdicts.fail);
  const inconclusive = required.length === 0 ? 1 : sum(({ verdicts }) => verdicts.inconclusive);
  const undecidable = required.find((check) => check.undecidable !== undefined)?.undecidable;
  return {
    name: stage.name,
    granularity,
    checks,
    seconds: { expected: slowest(({ seconds }) => seconds.expected), q99: slowest(({ seconds }) => seconds.q99) },
    verdicts: { pass: Math.max(0, 1 - fail - inconclusive), fail, inconclusive },
    line: undecidable
      ? `${stage.name}: not decidable from here, because ${undecidable}`
      : stageLine(stage.name, required),
    ...(undecidable === undefined ? {} : { undecidable }),
  };
}
