import { type Clock, sleep } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import { ApiError, type ClusterClient } from '../cluster/client.js';
import { podsOfWorkload, readMeshObjects, rolloutProblem, type WorkloadPod } from '../cluster/workloads.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { heldTables, proxiesBehind } from './tables.js';

export type Arrival =
  | {
      readonly arrived: true;
      readonly how: 'config-dump' | 'syncz' | 'probes';
      readonly inferred: boolean;
      readonly detail: string;
      /** How tables of the caller's proxies still differed from what the objects compile to; absent: they did not, or nobody could look. */
      readonly behind?: string;
    }
  | { readonly arrived: false; readonly detail: string };

export interface BarrierInput {
  readonly client: ClusterClient;
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told what the cluster holds once pods are ready and only answers can tell the rest; default: nobody is. */
  readonly rolledOut?: (objects: readonly KubeObject[]) => void;
  /** Cumulative answers by version at the client, for probing by the load itself. */
  readonly answers: () => Readonly<Record<string, number>>;
  /** Told whenever what is waited for changes. @param outage the API server does not answer. */
  readonly waitingFor: (what: string, outage: boolean) => void;
  /** Default 60,000: an image may have to be pulled. */
  readonly timeoutMs?: number;
}

const POLL_MS = 100;
/** How long a proxy's table may differ from what the objects compile to before probes decide instead. */
const TABLE_PATIENCE_MS = 20_000;
/** How long a proxy's table may be unreadable (its pod may just have started) before istiod is asked instead. */
const READ_PATIENCE_MS = 1_000;
/** istiod batches changes for up to a second before it sends: an older "in sync" says nothing about this change. */
const DEBOUNCE_MS = 1_000;
/** Without sight of the route tables, the versions that answer must stay as expected for so long. */
const PROBE_SETTLE_MS = 3_000;

/** What every step of the wait shares. */
interface Wait extends BarrierInput {
  readonly deadline: number;
  readonly say: (what: string, outage?: boolean) => void;
}

/**
 * Waits until the stage has reached the data plane: (1) controllers have seen the changes and pods are ready, (2) the route table that
 * every caller proxy holds equals what the live objects compile to; where no table can be read, (3) istiod says that every caller is in
 * sync, or else the versions that answer are the expected ones ("inferred"). Never a blind sleep.
 * @throws ApiError when the credentials do not let it read the namespace; an API server that does not answer is waited for.
 */
export async function waitForArrival(input: BarrierInput): Promise<Arrival> {
  const { clock, signal, stage, scenario } = input;
  let last = '';
  const say = (what: string, outage = false) => {
    if (what !== last) input.waitingFor(what, outage);
    last = what;
  };
  const wait: Wait = { ...input, say, deadline: clock.now() + (input.timeoutMs ?? 60_000) };
  let differentSince: number | undefined;
  let unreadableSince: number | undefined;
  for (; clock.now() < wait.deadline && !signal.aborted; await sleep(clock, POLL_MS, signal)) {
    const objects = await readObjects(wait);
    if (!objects) continue;
    const rollout = rolloutOf(stage, objects);
    if (rollout) {
      say(rollout);
      continue;
    }
    const { from } = scenario;
    if (from === undefined) input.rolledOut?.(objects);
    if (from === undefined) return inferByProbes(wait, 'the load calls the Service itself');
    const callers = podsOfWorkload(objects, scenario.namespace, from).filter((pod) => pod.ready && !pod.terminating);
    if (callers.length === 0) {
      say(`a ready pod of ${from}`);
      continue;
    }
    const meshed = callers.filter((pod) => pod.sidecar);
    if (meshed.length === 0) return inferByProbes(wait, `no pod of ${from} has a sidecar`);
    const tables = await compareTables(wait, objects, meshed);
    if (tables.kind === 'equal') {
      const proxies = `${meshed.length} ${meshed.length === 1 ? 'proxy' : 'proxies'} of ${from}`;
      return {
        arrived: true,
        how: 'config-dump',
        inferred: false,
        detail: `the route tables of ${proxies} equal what the objects compile to`,
      };
    }
    say(`route tables: ${tables.why}`);
    if (tables.kind === 'unreadable') {
      unreadableSince ??= clock.now();
      if (clock.now() - unreadableSince >= READ_PATIENCE_MS) return synczOrProbes(wait, meshed, tables.why);
    } else {
      unreadableSince = undefined;
      differentSince ??= clock.now();
      if (clock.now() - differentSince >= TABLE_PATIENCE_MS) {
        const arrival = await inferByProbes(wait, `the proxies' tables stay different: ${tables.why}`);
        return arrival.arrived ? { ...arrival, behind: tables.why } : arrival;
      }
    }
  }
  return { arrived: false, detail: signal.aborted ? 'interrupted' : `still waiting for ${last}` };
}

/** @returns undefined while the API server does not answer. */
async function readObjects({ client, scenario, say }: Wait): Promise<KubeObject[] | undefined> {
  try {
    return await readMeshObjects(client, scenario.namespace);
  } catch (error) {
    if (error instanceof ApiError && error.status < 500 && error.status !== 429) throw error;
    say(errorText(error), true);
    return undefined;
  }
}

function rolloutOf(stage: Stage, objects: readonly KubeObject[]): string | undefined {
  for (const { object } of stage.apply) {
    if (object.kind !== 'Deployment') continue;
    const live = objects.find(
      (o) =>
        o.kind === 'Deployment' &&
        o.metadata.name === object.metadata.name &&
        o.metadata.namespace === object.metadata.namespace,
    );
    const problem = live ? rolloutProblem(live) : `${object.metadata.name}: not there yet`;
    if (problem) return problem;
  }
  return undefined;
}

type Tables = { readonly kind: 'equal' } | { readonly kind: 'different' | 'unreadable'; readonly why: string };

/** Asks every caller proxy; one that cannot be read or is behind speaks for all. */
async function compareTables(
  { client, scenario }: BarrierInput,
  objects: readonly KubeObject[],
  pods: readonly WorkloadPod[],
): Promise<Tables> {
  const tables = await heldTables(client, scenario, objects, pods);
  return (
    tables.find(({ kind }) => kind === 'unreadable') ??
    tables.find(({ kind }) => kind === 'different') ?? { kind: 'equal' }
  );
}

async function synczOrProbes(wait: Wait, pods: readonly WorkloadPod[], why: string): Promise<Arrival> {
  const { client, clock, signal, deadline, say, scenario } = wait;
  const patience = Math.min(deadline, clock.now() + TABLE_PATIENCE_MS);
  let reason = why;
  await sleep(clock, DEBOUNCE_MS, signal);
  for (; clock.now() < patience && !signal.aborted; await sleep(clock, 500, signal)) {
    const behind = await proxiesBehind(client, scenario.namespace, pods);
    if (typeof behind === 'string') {
      reason = `${why}; ${behind}`;
      break;
    }
    if (behind.length === 0)
      return {
        arrived: true,
        how: 'syncz',
        inferred: false,
        detail: `istiod has every proxy of ${scenario.from} in sync (${why})`,
      };
    say(`istiod to reach ${behind.join(', ')}`);
  }
  return inferByProbes(wait, reason);
}

/** The versions that answer the load are the expected ones, and stay so: the best that can be said from outside. */
async function inferByProbes(
  { clock, signal, stage, scenario, answers, deadline, say }: Wait,
  why: string,
): Promise<Arrival> {
  const { expected, excluded } = probedVersions(scenario, stage);
  const wanted = expected.length > 0 ? `answers from ${expected.join(' and ')}` : 'no answers';
  say(`${wanted}${excluded.length > 0 ? `, and none from ${excluded.join(' and ')}` : ''}`);
  let since = clock.now();
  let base = answers();
  while (clock.now() < deadline && !signal.aborted) {
    await sleep(clock, 250, signal);
    const now = answers();
    const fresh = (version: string) => (now[version] ?? 0) - (base[version] ?? 0);
    if (excluded.some((version) => fresh(version) > 0)) {
      since = clock.now();
      base = now;
    } else if (
      clock.now() - since >= PROBE_SETTLE_MS &&
      (scenario.marker === undefined || expected.every((version) => fresh(version) > 0))
    ) {
      return {
        arrived: true,
        how: 'probes',
        inferred: true,
        detail: `inferred from the versions that answer (${why})`,
      };
    }
  }
  if (signal.aborted) return { arrived: false, detail: 'interrupted' };
  return { arrived: false, detail: `${why}; the versions that answer are not yet the expected ones` };
}

/** Versions that must answer (promised a share, or the only one left for the rest) and versions that must not. */
function probedVersions({ versions }: Scenario, { expect }: Stage): { expected: string[]; excluded: string[] } {
  const names = Object.keys(versions);
  const share = expect.share ?? {};
  const unnamed = names.filter((name) => share[name] === undefined);
  const rest = 1 - Object.values(share).reduce((sum, part) => sum + part, 0);
  const takesRest = (name: string) => unnamed.length === 1 && name === unnamed[0] && rest > 1e-9;
  return {
    expected: names.filter((name) => (share[name] ?? 0) > 0 || takesRest(name)),
    excluded: names.filter((name) => share[name] === 0),
  };
}
