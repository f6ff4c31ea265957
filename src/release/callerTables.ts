import { type Clock, sleep } from '../base/clock.js';
import type { KubeObject } from '../base/kubernetes.js';
import type { ClusterClient } from '../cluster/client.js';
import { podsOfWorkload } from '../cluster/workloads.js';
import type { HeldRoutes } from '../judge/causes.js';
import type { Scenario } from '../scenario/types.js';
import { heldTables, proxiesBehind } from './tables.js';

/** A change may be on its way to the proxies while it is looked at. */
const PROPAGATION_MS = 2_000;

export interface CallerTables {
  /** What each caller proxy holds; undefined: nobody could be asked. */
  readonly routes: readonly HeldRoutes[] | undefined;
  /** What was seen, or why nothing was. */
  readonly detail: string;
}

export interface TablesInput {
  readonly client: ClusterClient;
  readonly scenario: Scenario;
  /** Everything that decides, as it is on the server: what is hidden from a journal belongs to the routes. */
  readonly readObjects: () => Promise<readonly KubeObject[]>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Compares what every caller proxy holds with what the objects compile to, by port-forward to its admin port; where that is refused, istiod is
 * asked whether all is in sync. A difference counts when it is still there two seconds later.
 */
export async function callerTables({
  client,
  scenario,
  readObjects,
  clock,
  signal,
}: TablesInput): Promise<CallerTables> {
  const { from, namespace } = scenario;
  if (from === undefined) return { routes: undefined, detail: 'no caller is known' };
  const ask = async () => {
    const objects = await readObjects();
    const meshed = podsOfWorkload(objects, namespace, from).filter(
      ({ ready, terminating, sidecar }) => ready && !terminating && sidecar,
    );
    return { meshed, held: await heldTables(client, scenario, objects, meshed) };
  };
  let { meshed, held } = await ask();
  if (meshed.length === 0) return { routes: undefined, detail: `no ready pod of ${from} with a sidecar is known` };
  if (held.some(({ kind }) => kind === 'different')) {
    await sleep(clock, PROPAGATION_MS, signal);
    ({ meshed, held } = await ask());
  }
  const read = held.filter(({ kind }) => kind !== 'unreadable');
  if (read.length > 0) {
    const equal = read.filter(({ kind }) => kind === 'equal').length;
    return {
      routes: read.map(({ pod, kind, why }) => ({ pod, current: kind === 'equal', why })),
      detail: `${equal} of ${held.length} hold what the objects compile to`,
    };
  }
  const why = held[0]?.why ?? '';
  const behind = await proxiesBehind(client, namespace, meshed);
  if (typeof behind === 'string') return { routes: undefined, detail: `${why}; ${behind}` };
  return {
    routes: meshed.map(({ name: pod }) => ({
      pod,
      current: !behind.includes(pod),
      why: behind.includes(pod) ? `${pod} has not acknowledged what istiod sent` : '',
    })),
    detail: `istiod has ${meshed.length - behind.length} of ${meshed.length} in sync`,
  };
}
