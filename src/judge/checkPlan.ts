import type { Scenario, Stage, WatchedPoint } from '../scenario/types.js';
import { errorRatioDrafts, responseTimeDrafts } from './comparisons.js';
import { cleanRequestsNeeded } from './dark.js';
import { mirrorReadyOptions } from './mirror.js';
import { capFor, type RuleSpec } from './requirements.js';
import type { CheckDraft, CheckPlan, CheckRule } from './types.js';

/**
 * The checks of a stage. The run's error rate is split evenly over the required checks of all stages of the scenario, whichever of them are
 * walked, and once more over those that a soak goes on with; the probability of a miss is not split, because a wrong run passes only if every check passes.
 */
export function planChecks(scenario: Scenario, stage: Stage): CheckPlan[] {
  const decisions = scenario.stages.reduce((sum, each) => sum + decisionsOf(scenario, each), 0);
  const beta = stage.precision.errorRate;
  const alpha = beta / Math.max(1, decisions);
  return drafts(scenario, stage).map((draft) => {
    const spec = specOf({ ...draft, alpha, beta, cap: undefined });
    // A limit is decided at any distance from it, if only late: it has no cap of its own.
    return { ...draft, alpha, beta, cap: spec && spec.kind !== 'limit' ? capFor(spec) : undefined };
  });
}

function decisionsOf(scenario: Scenario, stage: Stage): number {
  const required = drafts(scenario, stage).filter((draft) => draft.required && !isFree(draft));
  return required.length + (stage.soak ? required.filter(isWatched).length : 0);
}

/** Where none may go, a proxy that sends some is no chance: nothing of the error rate is spent. */
const isFree = ({ rule, expected: { share = 0 } }: CheckDraft): boolean => rule === 'proxies' && isCertain(share);

const isCertain = (share: number): boolean => share === 0 || share === 1;

/** The checks that a soak goes on with: all that count, but copies, whose settled counts take a paused load, and the guard of the proxies. */
export const isWatched = ({ required, rule }: Pick<CheckDraft, 'required' | 'rule'>): boolean =>
  required && rule !== 'copies' && rule !== 'proxies' && rule !== 'account' && rule !== 'none';

/**
 * The sequential rule of a check; undefined where counting alone decides (dark, full mirror, account). Of failures compared between versions:
 * the rule that finds them too few to compare.
 */
export function specOf(plan: CheckPlan): RuleSpec | undefined {
  const { share = 0, margin = 0, max = 0, absence = 0 } = plan.expected;
  const { alpha, beta } = plan;
  if (plan.rule === 'gate') return { kind: 'gate', share, margin, alpha, beta, ...quietBand(plan) };
  if (plan.rule === 'ratio') return { kind: 'limit', bound: absence, alpha, beta: beta / 2 };
  if (plan.rule === 'limit' || plan.rule === 'pairs') return { kind: 'limit', bound: max, alpha, beta };
  if (plan.rule === 'ceiling' && max > 0) return { kind: 'ceiling', max, absence, alpha, beta };
  if (plan.rule === 'copies' && share > 0 && share < 1) {
    return { kind: 'gate', share, margin, ...mirrorReadyOptions({ alpha, beta }) };
  }
  return undefined;
}

const quietBand = ({ quiet }: CheckPlan) => (quiet === undefined ? {} : { quiet });

/**
 * Part of the margin inside which a share by balancing raises no alarm: a balancer follows small differences of load and latency that nobody
 * configured, so its long-run share is never exactly the pods'.
 */
const QUIET_PART = 1 / 4;

/** Clean requests that a counting rule asks for in every stratum. */
export function cleanNeeded(plan: CheckPlan): number {
  return cleanRequestsNeeded(plan.expected.absence ?? 0.01, plan.beta);
}

function drafts(scenario: Scenario, stage: Stage): CheckDraft[] {
  const { share, mirror, errors } = stage.expect;
  return [
    ...Object.entries(share ?? {}).flatMap(([version, value]) => shareDrafts(scenario, stage, version, value)),
    ...proxiesDraft(scenario, stage),
    ...Object.entries(mirror ?? {}).map(([version, value]) => mirrorDraft(scenario, stage, version, value)),
    ...(errors?.max === undefined ? [] : [errorsDraft(scenario, stage, errors.max)]),
    ...errorRatioDrafts(scenario, stage),
    ...responseTimeDrafts(scenario, stage),
  ];
}

const POINTS: readonly WatchedPoint[] = ['client', 'source', 'destination', 'graph'];

function shareDrafts(scenario: Scenario, stage: Stage, version: string, share: number): CheckDraft[] {
  const { margin, absence } = stage.precision;
  const certain = isCertain(share);
  const expected = certain ? { share, absence } : { share, margin };
  return POINTS.filter((point) => scenario.watch[point] !== 'off').map((vantagePoint): CheckDraft => {
    const base = { name: `share:${version}`, vantagePoint, version, expected };
    if (vantagePoint === 'client' && !scenario.marker) {
      const reason = 'The scenario has no marker, so the client cannot tell the versions apart.';
      return { ...base, rule: 'none', required: false, why: { verdict: 'not-applicable', reason } };
    }
    const decides = vantagePoint === 'client' || vantagePoint === 'source';
    const rule: CheckRule = decides ? (certain ? 'dark' : 'gate') : 'account';
    return {
      ...base,
      ...(rule === 'gate' ? quietOf(stage) : {}),
      rule,
      required: scenario.watch[vantagePoint] === 'require',
    };
  });
}

/** Deviation of a share that raises no alarm either: as the scenario says, else none, by balancing a part of the margin. */
export function quietOf({ expect, precision: { quiet, margin } }: Stage): Pick<CheckDraft, 'quiet'> {
  if (quiet !== undefined) return quiet > 0 ? { quiet } : {};
  return expect.by === 'balancing' ? { quiet: margin * QUIET_PART } : {};
}

/** One guard a stage, on the released version's share: a stale proxy shows in each of them. */
function proxiesDraft(scenario: Scenario, stage: Stage): CheckDraft[] {
  const [version, share] = Object.entries(stage.expect.share ?? {}).at(-1) ?? [];
  if (version === undefined || share === undefined || scenario.watch.source === 'off') return [];
  const expected = isCertain(share) ? { share } : { share, margin: stage.precision.margin };
  const required = scenario.watch.source === 'require';
  return [{ name: `proxies:${version}`, vantagePoint: 'source', version, expected, rule: 'proxies', required }];
}

function mirrorDraft(scenario: Scenario, stage: Stage, version: string, share: number): CheckDraft {
  const { margin, absence } = stage.precision;
  const base = { name: `mirror:${version}`, vantagePoint: 'destination', version, required: true } as const;
  const expected = isCertain(share) ? { share, absence } : { share, margin };
  const missing = (['source', 'destination'] as const).find((point) => scenario.watch[point] === 'off');
  if (!missing) return { ...base, expected, rule: 'copies' };
  const reason = `Mirror copies are counted between source and destination proxy, but the scenario does not watch the ${missing} proxy.`;
  return { ...base, expected, rule: 'none', why: { verdict: 'no-data', reason } };
}

function errorsDraft(scenario: Scenario, stage: Stage, max: number): CheckDraft {
  const base = { name: 'errors', vantagePoint: 'source', version: undefined, required: true } as const;
  const expected = max === 0 ? { max, absence: stage.precision.absence } : { max };
  if (scenario.watch.source !== 'off') return { ...base, expected, rule: 'ceiling' };
  const reason = 'Errors are decided at the source proxy, but the scenario does not watch it.';
  return { ...base, expected, rule: 'none', why: { verdict: 'no-data', reason } };
}
