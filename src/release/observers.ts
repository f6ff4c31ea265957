import type { Clock } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import type { LoadRun } from '../load/loadRun.js';
import { clientObserver } from '../observe/client.js';
import { istioObserver } from '../observe/istioProxies.js';
import { type KialiAuth, kialiObserver } from '../observe/kiali.js';
import { PrometheusClient } from '../observe/prometheus.js';
import type { Observer } from '../observe/types.js';
import type { Scenario, WatchedPoint } from '../scenario/types.js';
import type { RunEventBody } from './events.js';

/** Where the vantage points of a target answer. */
export interface ObservedTarget {
  readonly prometheusUrl: string;
  /** Bearer token; undefined: none is asked for. */
  readonly prometheusToken?: string;
  readonly kialiUrl: string;
  readonly kialiAuth: KialiAuth;
}

/** The vantage points that the scenario watches (and those that a mirror promise needs), in the order client, source, destination, graph. */
export function makeObservers(
  scenario: Scenario,
  target: ObservedTarget,
  load: () => LoadRun | undefined,
  clock: Clock,
): Observer[] {
  const { prometheusUrl, prometheusToken, kialiUrl: url, kialiAuth: auth } = target;
  const prometheus = new PrometheusClient({
    url: prometheusUrl,
    ...(prometheusToken ? { bearerToken: prometheusToken } : {}),
  });
  const make: Record<WatchedPoint, () => Observer> = {
    client: () =>
      clientObserver(
        () => load()?.counts(),
        () => load()?.windowResponseTimes(),
      ),
    source: () => istioObserver({ vantagePoint: 'source', scenario, prometheus, clock }),
    destination: () => istioObserver({ vantagePoint: 'destination', scenario, prometheus, clock }),
    graph: () => kialiObserver({ url, auth, scenario, clock, prometheus }),
  };
  const points: readonly WatchedPoint[] = ['client', 'source', 'destination', 'graph'];
  return points.filter((point) => scenario.watch[point] !== 'off').map((point) => make[point]());
}

/** Asks every vantage point; a required one that does not answer ends the run before any load, an accounting one is only missing. */
export async function reachable(
  scenario: Scenario,
  observers: readonly Observer[],
  emit: (event: RunEventBody) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const observer of observers) {
    try {
      await observer.check(signal);
    } catch (error) {
      if (signal.aborted || isRequired(scenario, observer)) throw error;
      emit({ type: 'unreachable', vantagePoint: observer.vantagePoint, reason: errorText(error) });
    }
  }
}

const isRequired = (scenario: Scenario, { vantagePoint }: Observer): boolean =>
  scenario.watch[vantagePoint] === 'require' ||
  (vantagePoint === 'destination' && scenario.stages.some((stage) => stage.expect.mirror !== undefined));
