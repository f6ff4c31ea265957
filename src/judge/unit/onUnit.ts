import type { Observation, WindowCounts } from '../../observe/types.js';
import { decidedOutcome, type Outcome, openOutcome } from '../outcome.js';
import { statisticsOf } from '../statistics.js';
import { attributed, type GoodObservation, goodObservation } from '../tallies.js';
import type { CheckPlan, Granularity, Look } from '../types.js';
import { amount, counted, POINT_NAMES } from '../words.js';
import type { UnitContext } from './context.js';
import { uselessFresh } from './fresh.js';
import { connectionCounts } from './granularity.js';

type Evaluate = (look: Look) => Outcome;

/** How a check of a share is judged on requests, and on connections where those are what is drawn. */
export interface Levels {
  readonly requests: Evaluate;
  readonly connections: Evaluate;
}

/**
 * Judges a share on the unit that is drawn, or not at all: on requests where each is drawn, on connections where the vantage point can count
 * them, and otherwise the answer is that nobody can tell from requests.
 * @param others vantage points at which another required check judges the same share.
 */
export function onUnit(
  plan: CheckPlan,
  unit: UnitContext,
  levels: Levels,
  others: readonly CheckPlan['vantagePoint'][],
): Evaluate {
  const onConnections = connectionJudge(plan, levels.connections);
  return (look) => {
    const { granularity } = unit;
    if (granularity.unit === 'request' || granularity.unit === 'unknown') return levels.requests(look);
    const observation = goodObservation(look, plan.vantagePoint);
    if (!observation) return levels.requests(look);
    // One request where none may go is certainty, whatever is drawn.
    if (plan.rule === 'dark') {
      const seen = levels.requests(look);
      if (seen.verdict === 'fail') return seen;
    }
    const connections = connectionCounts(granularity, observation);
    if (connections) return onConnections(granularity, look, observation, connections);
    const elsewhere = others.find((point) => {
      const other = goodObservation(look, point);
      return other !== undefined && connectionCounts(granularity, other) !== undefined;
    });
    if (elsewhere) {
      const where = `requests on one connection share its version, and connections are counted at ${POINT_NAMES[elsewhere]}`;
      return decidedOutcome('not-applicable', `${granularity.sentence} Not judged here: ${where}.`, undefined);
    }
    const ownConnections = plan.vantagePoint === 'client' && granularity.unit === 'connection' && unit.choice?.gateway;
    if (ownConnections && !observation.clientConnections) {
      const untold = `the load's engine does not tell its connections, as the node engine would`;
      return decidedOutcome('not-applicable', `${granularity.sentence} Not judged here: ${untold}.`, undefined);
    }
    const calls = attributed(observation.counts);
    const means = `${counted(calls, 'requests')} are then no ${amount(calls)} draws, and no share is judged on them.`;
    return decidedOutcome('inconclusive', `${granularity.sentence} ${means}${remedy(unit)}`, undefined);
  };
}

function remedy({ granularity, choice }: UnitContext): string {
  const useless = uselessFresh(granularity);
  if (granularity.unit === 'client' && choice?.key) {
    return choice.key.by === 'source-ip'
      ? `${useless} It takes many callers, or a stage without the hash policy.`
      : `${useless} It takes many different values of ${choice.key.name}, or a stage without the hash policy.`;
  }
  return useless || (granularity.unit === 'connection' ? ' It takes one request a connection.' : '');
}

/** Requests and opened connections, cumulative. */
interface Usage {
  readonly requests: number;
  readonly opened: number;
}

function connectionJudge(plan: CheckPlan, evaluate: Evaluate) {
  const onConnections: CheckPlan = { ...plan, counted: 'connections' };
  let last: Usage = { requests: 0, opened: 0 };
  return (
    granularity: Granularity,
    look: Look,
    observation: GoodObservation,
    connections: Readonly<Record<string, number>>,
  ): Outcome => {
    const opened = Object.values(connections).reduce((sum, count) => sum + count, 0);
    if (opened === 0) {
      const none = 'None was opened while it was counted: it takes callers that connect anew.';
      const open = openOutcome(`${granularity.sentence} ${none}`, undefined, 0);
      return look.settled ? { ...open, decided: true, ready: true } : open;
    }
    const versions = Object.fromEntries(
      Object.entries(connections).map(([version, total]) => [version, { total, failed: 0 }]),
    );
    const counts: WindowCounts = { ...observation.counts, versions, unknown: { total: 0, failed: 0 }, byUri: [] };
    const replaced: Observation = { ...observation, counts };
    const observations = look.observations.map((each) => (each.vantagePoint === plan.vantagePoint ? replaced : each));
    const outcome = evaluate({ ...look, observations });
    const client = goodObservation(look, 'client');
    const requests = client ? attributed(client.counts) + client.counts.unmarked : attributed(observation.counts);
    // What the load does now tells what is still needed, not what it did before it opened connections anew.
    const each = opened > last.opened ? (requests - last.requests) / (opened - last.opened) : requests / opened;
    last = { requests, opened };
    const price =
      outcome.need !== undefined && each > 1.05
        ? ` At ${each < 10 ? Number(each.toFixed(1)) : amount(each)} requests a connection that is about ${amount(outcome.need * each)} requests; connections that end sooner need fewer.`
        : '';
    const statistics = outcome.statistics ?? statisticsOf(onConnections, outcome.observed, undefined);
    return {
      ...outcome,
      reason: `${granularity.sentence} ${outcome.reason}${price}`,
      ...(statistics === undefined ? {} : { statistics }),
    };
  };
}

/** Failures behind a proxy that forwards TCP: it sees no answers. */
export function errorsOnUnit(unit: UnitContext, evaluate: Evaluate): Evaluate {
  return (look) => {
    const source = goodObservation(look, 'source');
    const blind =
      unit.granularity.unit === 'connection' &&
      source?.connections !== undefined &&
      attributed(source.counts) + source.counts.unknown.total === 0;
    if (!blind) return evaluate(look);
    const reason = `${unit.granularity.sentence} It sees no answers, so failures cannot be counted there.`;
    return decidedOutcome('inconclusive', reason, undefined);
  };
}
