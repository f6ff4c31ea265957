import type { Scenario, WatchedPoint } from '../scenario/types.js';

import { rarestMarker } from './assumedLoad.js';
import { atOdds } from './boundary.js';
import { ALLOWANCE, LEAST_BLOCKS, LOOK_MS } from './bunching.js';

import { cleanNeeded, specOf } from './checkPlan.js';
import {
  CAP_QUANTILE,
  capFor,
  characteristics,
  harmfulShares,
  missProbability,
  promisedBy,
  type RuleSpec,
} from './requirements.js';
import type { CheckPlan } from './types.js';

/** What one check takes if one thing is true. */
export interface PlannedTruth {
  /** The true share (failures: the true rate), 0..1. */
  readonly share: number;
  /** Until the verdict; q95: in 95 of 100 runs at most so many. */
  readonly requests: { readonly expected: number; readonly q95: number; readonly q99: number };
  readonly seconds: { readonly expected: number; readonly q99: number };
  /** Probabilities within the longest counting window. */
  readonly verdicts: { readonly pass: number; readonly fail: number; readonly inconclusive: number };
}

/**
 * The four truths that are planned for. Shares: as promised; off by the margin (the slower side; "none" and "all" are off by `absence`); the
 * version gets nothing; it gets half. Mirrors alike, of the copies per primary. Failures: as many as allowed; twice as many; none; half. Limits of
 * response times and slower answers in pairs: half the odds that are allowed, twice, none, half of all. Failures compared between versions are
 * planned as calls of the version until so few failures that the comparison does not matter: half the odds of `absence`, and so on.
 */
interface PlannedTruths {
  readonly asPromised: PlannedTruth;
  readonly offByMargin: PlannedTruth;
  readonly nothing: PlannedTruth;
  readonly half: PlannedTruth;
}

export interface PlannedCheck extends Omit<PlannedTruth, 'share'> {
  readonly name: string;
  readonly vantagePoint: WatchedPoint;
  readonly required: boolean;
  readonly expected: CheckPlan['expected'];
  /** `requests`, `seconds` and `verdicts` beside it are those of `asPromised`. */
  readonly truths: PlannedTruths;
  /** Exact probability of a fail although the promise holds. */
  readonly falseAlarm: number;
  /** Exact probability of a pass although the promise is broken by the margin (shares), twice the maximum (failures) or `absence` (none). */
  readonly miss: number;
  /** Fewest requests that can end in a pass; failures: when there is none. */
  readonly fewest: number;
  /** The check gives up at so many requests. */
  readonly cap: number;
  /** False: computed on a coarser scale, or for answers that do not depend on each other. */
  readonly exact: boolean;
  /** What `requests` are where a version is not drawn for each of them: `connections`. */
  readonly counted?: string;
  /** Why no number of requests decides it from here: a clause. Its seconds are infinite then. */
  readonly undecidable?: string;
}

/**
 * The truth that a stage's own figures are for: everything as promised, and no failure (a service that fails just as often as it may is the
 * slowest case there is, and not the one to expect).
 */
export const likely = ({ expected, truths }: PlannedCheck): PlannedTruth =>
  expected.ratio !== undefined || (expected.max !== undefined && !expected.percentile && expected.than === undefined)
    ? truths.nothing
    : truths.asPromised;

type Numbers = Pick<PlannedCheck, 'truths' | 'falseAlarm' | 'miss' | 'fewest' | 'cap' | 'exact'>;

/** @param rate requests per second that the check can judge; 0: never. */
export function planCheck(scenario: Scenario, check: CheckPlan, rate: number): PlannedCheck {
  const { name, vantagePoint, required, expected } = check;
  const spec = specOf(check);
  const numbers = spec ? sequential(check, spec, rate, scenario) : counting(check, rate, scenario);
  const { share: _promised, ...asPromised } = numbers.truths.asPromised;
  return { name, vantagePoint, required, expected, ...asPromised, ...numbers };
}

const reachableIn = (scenario: Scenario, rate: number): number => (rate * scenario.maxDuration) / 1000;

function sequential(check: CheckPlan, spec: RuleSpec, rate: number, scenario: Scenario): Numbers {
  const least = leastRequests(check, rate);
  const cap = check.cap ?? Math.max(least, Math.ceil(capFor(spec) * answersForOne(check)));
  const reachable = Math.min(cap, reachableIn(scenario, rate));
  const truth = (share: number): PlannedTruth => {
    const { seen, ...scale } = characteristics(spec, share);
    const stretch = scale.stretch * answersForOne(check);
    const requests = (value: number) => Math.min(cap, Math.max(least, Math.ceil(value * stretch)));
    const { pass, fail } = reachable < least ? { pass: 0, fail: 0 } : seen.decidedBy(Math.floor(reachable / stretch));
    return planned(
      share,
      { expected: requests(seen.expected), q95: requests(seen.quantile(0.95)), q99: requests(seen.quantile(0.99)) },
      { pass, fail },
      rate,
    );
  };
  const promised = promisedBy(spec);
  const { seen, exact, stretch } = characteristics(spec, promised);
  const asPromised = truth(promised);
  return {
    truths: {
      asPromised,
      offByMargin: slowest(harmfulShares(spec).map(truth)) ?? asPromised,
      nothing: truth(0),
      // Half of all is what a median allows, and never decided.
      half: truth(spec.kind === 'limit' ? Math.max(0.5, atOdds(spec.bound, 4)) : 0.5),
    },
    falseAlarm: seen.decidedBy(cap / stretch).fail,
    miss: missProbability(spec),
    fewest: Math.max(
      least,
      Math.ceil(
        spec.kind !== 'gate'
          ? characteristics(spec, 0).seen.quantile(1 - CAP_QUANTILE) * answersForOne(check)
          : seen.quantile(1e-9) * stretch,
      ),
    ),
    cap,
    exact: exact && check.rule !== 'limit',
  };
}

/** Answers that a limit takes for each of an independent kind: in a plan, that of a service without queues. */
const answersForOne = ({ rule }: CheckPlan): number => (rule === 'limit' ? ALLOWANCE : 1);

/** Answers of the looks that must tell how far answers depend on each other. */
const leastRequests = ({ rule }: CheckPlan, rate: number): number =>
  rule === 'limit' ? Math.ceil((LEAST_BLOCKS * LOOK_MS * rate) / 1000) : 0;

const slowest = (truths: readonly PlannedTruth[]): PlannedTruth | undefined =>
  [...truths].sort((a, b) => b.requests.expected - a.requests.expected)[0];

/**
 * Dark promises and full mirrors need a fixed number of clean requests and cannot raise a false alarm. Dark ones are refuted by the first
 * request that goes astray, mirrors only when the window closes.
 */
function counting(check: CheckPlan, rate: number, scenario: Scenario): Numbers {
  const { share: promised = 0, absence = 0.01 } = check.expected;
  const needed = cleanNeeded(check);
  const atOnce = check.rule !== 'copies';
  const total =
    check.rule === 'dark' && check.vantagePoint === 'client' ? Math.ceil(needed / rarestMarker(scenario)) : needed;
  const reachable = Math.floor(reachableIn(scenario, rate));
  const truth = (share: number): PlannedTruth => {
    const astray = Math.abs(share - promised);
    const cleanAfter = (requests: number) => (1 - astray) ** requests;
    const quantile = (q: number) =>
      Math.min(total, astray === 0 ? total : Math.max(1, Math.ceil(Math.log(1 - q) / Math.log1p(-astray))));
    const requests =
      atOnce && astray > 0
        ? { expected: Math.ceil((1 - cleanAfter(total)) / astray), q95: quantile(0.95), q99: quantile(0.99) }
        : { expected: total, q95: total, q99: total };
    const whole = reachable >= total;
    const fail = atOnce || whole ? 1 - cleanAfter(Math.min(total, reachable)) : 0;
    return planned(share, requests, { pass: whole ? cleanAfter(total) : 0, fail }, rate);
  };
  const asPromised = truth(promised);
  return {
    truths: {
      asPromised,
      offByMargin: truth(promised === 0 ? absence : promised - absence),
      nothing: truth(0),
      half: truth(0.5),
    },
    falseAlarm: 0,
    miss: (1 - absence) ** needed,
    fewest: total,
    cap: total,
    exact: true,
  };
}

function planned(
  share: number,
  requests: PlannedTruth['requests'],
  { pass, fail }: { readonly pass: number; readonly fail: number },
  rate: number,
): PlannedTruth {
  const seconds = (value: number) => Number((value / rate).toFixed(1));
  return {
    share,
    requests,
    seconds: { expected: seconds(requests.expected), q99: seconds(requests.q99) },
    verdicts: { pass, fail, inconclusive: Math.max(0, 1 - pass - fail) },
  };
}
