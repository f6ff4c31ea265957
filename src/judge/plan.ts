import { markerMatches, mixInMarkerUris } from '../scenario/markers.js';
import type { Scenario, Stage, ThinkTime, WatchedPoint } from '../scenario/types.js';
import { cleanNeeded, planChecks, specOf } from './checkPlan.js';
import { CAP_QUANTILE, characteristicsWhenHeld, missProbability, type RuleSpec, ruleFor } from './requirements.js';
import type { CheckPlan } from './types.js';

/** Requests of the service per second that a vantage point can judge. */
export type Rates = Readonly<Record<WatchedPoint, number>>;

export interface PlannedCheck {
  readonly name: string;
  readonly vantagePoint: WatchedPoint;
  readonly required: boolean;
  /** Until the verdict, if everything is as promised (failures: if they are as many as allowed). */
  readonly requests: { readonly expected: number; readonly q95: number; readonly q99: number };
  readonly seconds: { readonly expected: number; readonly q99: number };
  /** Probability of a fail although the promise holds. */
  readonly falseAlarm: number;
  /** Probability of a pass although the promise is broken by the margin (shares), twice the maximum (failures) or `absence` (none). */
  readonly miss: number;
  /** Probabilities if everything is as promised, within the longest counting window. */
  readonly verdicts: { readonly pass: number; readonly fail: number; readonly inconclusive: number };
  /** Fewest requests that can end in a pass; failures: when there is none. */
  readonly fewest: number;
  /** The check gives up at so many requests. */
  readonly cap: number;
  /** False: computed on a coarser scale. */
  readonly exact: boolean;
}

interface PlannedStage {
  readonly name: string;
  readonly checks: readonly PlannedCheck[];
  /** Of the slowest required check: the stage takes at least that long. */
  readonly seconds: { readonly expected: number; readonly q99: number };
  /** If everything is as promised: pass at least, the others at most (the checks are not independent, so these are bounds). */
  readonly verdicts: { readonly pass: number; readonly fail: number; readonly inconclusive: number };
}

export interface Plan {
  readonly scenario: string;
  readonly errorRate: number;
  /** Requests of the service per second that were assumed. */
  readonly rates: Rates;
  /** URIs that will be added to the list, because none of it shows the version. */
  readonly mixedIn: readonly string[];
  readonly stages: readonly PlannedStage[];
  readonly warnings: readonly string[];
}

/** Assumed time of one answer, ms: a page of an idle application. */
const ASSUMED_ANSWER_MS = 20;

/**
 * Rates that the scenario's load gives: the client judges answers to marker URIs; at least these pages call the service, and without a marker
 * every page is taken to call it once.
 */
export function assumedRates(scenario: Scenario): Rates {
  const { model } = scenario.load;
  const pages =
    model.kind === 'open' ? model.ratePerSecond : (model.users * 1000) / (meanMs(model.thinkTime) + ASSUMED_ANSWER_MS);
  const { marker } = scenario;
  const { entries } = mixInMarkerUris(scenario);
  const marked = marker
    ? entries.filter((entry) => markerMatches(marker.uri, entry.target)).length / entries.length
    : 1;
  const calls = pages * marked;
  return { client: marker ? calls : 0, source: calls, destination: calls, graph: calls };
}

const meanMs = (think: ThinkTime): number => (think.kind === 'constant' ? think.ms : (think.minMs + think.maxMs) / 2);

/** What every stage will take, before anything is sent. Exact where the numbers allow it (see `exact`). */
export function planRun(scenario: Scenario, rates: Rates = assumedRates(scenario)): Plan {
  const stages = scenario.stages.map((stage) => planStage(scenario, stage, rates));
  return {
    scenario: scenario.name,
    errorRate: scenario.precision.errorRate,
    rates,
    mixedIn: mixInMarkerUris(scenario).mixedIn,
    stages,
    warnings: stages.flatMap((stage) => warnings(scenario, stage)),
  };
}

function planStage(scenario: Scenario, stage: Stage, rates: Rates): PlannedStage {
  const checks = planChecks(scenario, stage)
    .filter((check) => check.rule !== 'account' && check.rule !== 'none')
    .map((check) => planCheck(scenario, check, rates[check.vantagePoint]));
  const required = checks.filter((check) => check.required);
  const slowest = (of: (check: PlannedCheck) => number) => required.reduce((max, check) => Math.max(max, of(check)), 0);
  const sum = (of: (check: PlannedCheck) => number) =>
    Math.min(
      1,
      required.reduce((total, check) => total + of(check), 0),
    );
  const fail = sum((check) => check.verdicts.fail);
  const inconclusive = required.length === 0 ? 1 : sum((check) => check.verdicts.inconclusive);
  return {
    name: stage.name,
    checks,
    seconds: { expected: slowest((check) => check.seconds.expected), q99: slowest((check) => check.seconds.q99) },
    verdicts: { pass: Math.max(0, 1 - fail - inconclusive), fail, inconclusive },
  };
}

function planCheck(scenario: Scenario, check: CheckPlan, rate: number): PlannedCheck {
  const { name, vantagePoint, required } = check;
  const spec = specOf(check);
  const reachable = (rate * scenario.maxDuration) / 1000;
  const numbers = spec ? sequential(spec, reachable) : counting(scenario, check, reachable);
  const seconds = (requests: number) => round(requests / rate, 1);
  const { expected, q99 } = numbers.requests;
  return { name, vantagePoint, required, seconds: { expected: seconds(expected), q99: seconds(q99) }, ...numbers };
}

type Numbers = Omit<PlannedCheck, 'name' | 'vantagePoint' | 'required' | 'seconds'>;

function sequential(spec: RuleSpec, reachable: number): Numbers {
  const { held, exact, stretch } = characteristicsWhenHeld(spec);
  const stretched = (requests: number) => Math.ceil(requests * stretch);
  const cap = stretched(held.quantile(CAP_QUANTILE));
  const { pass, fail } = held.decidedBy(Math.floor(Math.min(cap, reachable) / stretch));
  return {
    requests: {
      expected: stretched(held.expected),
      q95: stretched(held.quantile(0.95)),
      q99: stretched(held.quantile(0.99)),
    },
    falseAlarm: fail,
    miss: missProbability(spec),
    verdicts: { pass, fail, inconclusive: Math.max(0, 1 - pass - fail) },
    fewest: Math.ceil(spec.kind === 'ceiling' ? ruleFor(spec).need(0, 0) : held.quantile(1e-9) * stretch),
    cap,
    exact,
  };
}

/** Dark promises and full mirrors need a fixed number of clean requests; they cannot raise a false alarm. */
function counting(scenario: Scenario, check: CheckPlan, reachable: number): Numbers {
  const needed = cleanNeeded(check);
  const total =
    check.rule === 'dark' && check.vantagePoint === 'client' ? Math.ceil(needed / rarestMarker(scenario)) : needed;
  const pass = total <= reachable ? 1 : 0;
  return {
    requests: { expected: total, q95: total, q99: total },
    falseAlarm: 0,
    miss: (1 - (check.expected.absence ?? 0.01)) ** needed,
    verdicts: { pass, fail: 0, inconclusive: 1 - pass },
    fewest: total,
    cap: total,
    exact: true,
  };
}

/** Smallest part of the marker requests that one marker URI gets: every one must be certified. */
function rarestMarker(scenario: Scenario): number {
  const { marker } = scenario;
  const marked = mixInMarkerUris(scenario).entries.filter((entry) => marker && markerMatches(marker.uri, entry.target));
  const perUri = new Map<string, number>();
  for (const { target } of marked) perUri.set(target, (perUri.get(target) ?? 0) + 1);
  return marked.length === 0 ? 1 : Math.min(...perUri.values()) / marked.length;
}

function warnings(scenario: Scenario, stage: PlannedStage): string[] {
  const limit = scenario.maxDuration / 1000;
  if (stage.seconds.q99 <= limit) return [];
  const factor = Math.ceil((stage.seconds.q99 / limit) * 10) / 10;
  return [
    `stage ${stage.name} needs up to ${Math.ceil(stage.seconds.q99)} s in 99 of 100 runs, but maxDuration is ${limit} s: raise the load about ${factor} times, or maxDuration, or the margin`,
  ];
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
