import pLimit from 'p-limit';
import { type Clock, sleep } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import type { ClusterClient } from '../cluster/client.js';
import { podGet } from '../cluster/portForward.js';
import { podsOfWorkload, readMeshObjects, rolloutProblem, type WorkloadPod } from '../cluster/workloads.js';
import { compileProxyConfig } from '../mesh/compile.js';
import { sameRoutes, summarise, summariseConfigDump } from '../mesh/configDump.js';
import type { Scenario, Stage } from '../scenario/types.js';

export type Arrival =
  | {
      readonly arrived: true;
      readonly how: 'config-dump' | 'syncz' | 'probes';
      readonly inferred: boolean;
      readonly detail: string;
    }
  | { readonly arrived: false; readonly detail: string };

export interface BarrierInput {
  readonly client: ClusterClient;
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Cumulative answers by version at the client, for probing by the load itself. */
  readonly answers: () => Readonly<Record<string, number>>;
  /** Told whenever what is waited for changes. */
  readonly waitingFor: (what: string) => void;
  /** Default 60,000: an image may have to be pulled. */
  readonly timeoutMs?: number;
}

const POLL_MS = 100;
/** How long a proxy's table may differ from what the objects compile to before probes decide instead. */
const TABLE_PATIENCE_MS = 20_000;
/** Without sight of the route tables, the versions that answer must stay as expected for so long. */
const PROBE_SETTLE_MS = 3_000;

/**
 * Waits until the stage has reached the data plane: (1) controllers have seen the changes and pods are ready, (2) the route table that
 * every caller proxy holds equals what the live objects compile to; where no table can be read, (3) istiod says that every caller is in
 * sync, or else the versions that answer are the expected ones ("inferred"). Never a blind sleep.
 */
export async function waitForArrival(input: BarrierInput): Promise<Arrival> {
  const { clock, signal, stage, scenario } = input;
  const deadline = clock.now() + (input.timeoutMs ?? 60_000);
  const tablesDeadline = clock.now() + TABLE_PATIENCE_MS;
  let last = '';
  const say = (what: string) => {
    if (what !== last) input.waitingFor(what);
    last = what;
  };
  while (clock.now() < deadline && !signal.aborted) {
    const objects = await readMeshObjects(input.client, scenario.namespace);
    const rollout = rolloutOf(stage, objects);
    if (rollout) {
      say(rollout);
      await sleep(clock, POLL_MS, signal);
      continue;
    }
    const callers = podsOfWorkload(objects, scenario.namespace, scenario.from).filter(
      (pod) => pod.ready && !pod.terminating,
    );
    const meshed = callers.filter((pod) => pod.sidecar);
    if (callers.length === 0) {
      say(`a ready pod of ${scenario.from}`);
    } else if (meshed.length === 0) {
      return inferByProbes(input, `no pod of ${scenario.from} has a sidecar`, say);
    } else {
      const tables = await compareTables(input, objects, meshed);
      if (tables.kind === 'equal') {
        const proxies = `${meshed.length} ${meshed.length === 1 ? 'proxy' : 'proxies'} of ${scenario.from}`;
        return {
          arrived: true,
          how: 'config-dump',
          inferred: false,
          detail: `the route tables of ${proxies} equal what the objects compile to`,
        };
      }
      if (tables.kind === 'unreadable') return synczOrProbes(input, meshed, tables.why, say);
      if (clock.now() > tablesDeadline)
        return inferByProbes(input, `the proxies' tables stay different: ${tables.why}`, say);
      say(`route tables: ${tables.why}`);
    }
    await sleep(clock, POLL_MS, signal);
  }
  return { arrived: false, detail: last || 'interrupted' };
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

/** Port-forwards under way at once; a caller may have hundreds of pods. */
const atOnce = pLimit(8);

/** Asks every caller proxy; one that cannot be read or is behind speaks for all. */
async function compareTables(
  input: BarrierInput,
  objects: readonly KubeObject[],
  pods: readonly WorkloadPod[],
): Promise<Tables> {
  const tables = await Promise.all(pods.map((pod) => atOnce(() => compareTable(input, objects, pod))));
  return (
    tables.find(({ kind }) => kind === 'unreadable') ??
    tables.find(({ kind }) => kind === 'different') ?? { kind: 'equal' }
  );
}

async function compareTable(
  { scenario, client }: BarrierInput,
  objects: readonly KubeObject[],
  pod: WorkloadPod,
): Promise<Tables> {
  const host = `${scenario.service}.${scenario.namespace}.svc.cluster.local`;
  let dump: unknown;
  try {
    const answer = await podGet(client, scenario.namespace, pod.name, 15000, '/config_dump?include_eds');
    if (answer.status !== 200) {
      return { kind: 'unreadable', why: `${pod.name}:15000/config_dump answered ${answer.status}` };
    }
    dump = JSON.parse(answer.text);
  } catch (error) {
    return { kind: 'unreadable', why: `${pod.name}:15000 cannot be read by port-forward: ${errorText(error)}` };
  }
  const caller = { workload: scenario.from, namespace: scenario.namespace, labels: pod.labels, gateway: false };
  const held = summariseConfigDump(dump, host);
  if (!held) return { kind: 'different', why: `${pod.name} has no routes for ${host} yet` };
  const [difference] = sameRoutes(summarise(compileProxyConfig(objects, caller), host), held);
  return difference ? { kind: 'different', why: `${pod.name}: ${difference}` } : { kind: 'equal' };
}

async function synczOrProbes(
  input: BarrierInput,
  pods: readonly WorkloadPod[],
  why: string,
  say: (what: string) => void,
): Promise<Arrival> {
  const { client, clock, signal } = input;
  const deadline = clock.now() + TABLE_PATIENCE_MS;
  let reason = why;
  // istiod batches changes for up to a second before it sends: an older "in sync" says nothing about this change.
  await sleep(clock, 1000, signal);
  while (clock.now() < deadline && !signal.aborted) {
    const behind = await proxiesBehind(client, input.scenario.namespace, pods);
    if (typeof behind === 'string') {
      reason = `${why}; ${behind}`;
      break;
    }
    if (behind.length === 0)
      return {
        arrived: true,
        how: 'syncz',
        inferred: false,
        detail: `istiod has every proxy of ${input.scenario.from} in sync (${why})`,
      };
    say(`istiod to reach ${behind.join(', ')}`);
    await sleep(clock, 500, signal);
  }
  return inferByProbes(input, reason, say);
}

/** Proxies that have not acknowledged what istiod sent them; a text says why istiod cannot be asked. */
async function proxiesBehind(
  client: ClusterClient,
  namespace: string,
  pods: readonly WorkloadPod[],
): Promise<string[] | string> {
  try {
    const istiod = (await client.list('v1', 'Pod', 'istio-system')).find(
      (pod) => pod.metadata.labels?.app === 'istiod' && !pod.metadata.deletionTimestamp,
    );
    if (!istiod) return 'there is no istiod pod in istio-system';
    const answer = await podGet(client, 'istio-system', istiod.metadata.name, 15014, '/debug/syncz');
    if (answer.status !== 200) return `istiod's /debug/syncz answered ${answer.status}`;
    const proxies = JSON.parse(answer.text) as Record<string, unknown>[];
    return pods
      .filter((pod) => {
        const entry = proxies.find((proxy) => proxy.proxy === `${pod.name}.${namespace}`);
        return (
          !entry || ['cluster', 'endpoint', 'route'].some((type) => entry[`${type}_sent`] !== entry[`${type}_acked`])
        );
      })
      .map((pod) => pod.name);
  } catch (error) {
    return `istiod's /debug/syncz cannot be read: ${errorText(error)}`;
  }
}

/** The versions that answer the load are the expected ones, and stay so: the best that can be said from outside. */
async function inferByProbes(input: BarrierInput, why: string, say: (what: string) => void): Promise<Arrival> {
  const { clock, signal, stage, scenario } = input;
  const deadline = clock.now() + (input.timeoutMs ?? 60_000);
  const expected = Object.keys(scenario.versions).filter((version) => stage.expect.share?.[version] !== 0);
  const excluded = Object.keys(scenario.versions).filter((version) => stage.expect.share?.[version] === 0);
  say(`answers from ${expected.join(' and ') || 'any version'} only`);
  let since = clock.now();
  let base = input.answers();
  while (clock.now() < deadline && !signal.aborted) {
    await sleep(clock, 250, signal);
    const now = input.answers();
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
  return { arrived: false, detail: `${why}; the versions that answer are not yet the expected ones` };
}
