import { type Clock, sleep } from '../base/clock.js';
import type { KubeObject } from '../base/kubernetes.js';
import type { ClusterClient } from '../cluster/client.js';
import { hasSidecar } from '../mesh/injection.js';
import { podOf } from '../mesh/pods.js';
import { proxiesBehind } from '../release/tables.js';

const LONGEST_MS = 20_000;
/** A wait longer than this is told. */
const SILENT_MS = 1000;

/**
 * Waits until every pod of the lab is ready and every proxy has been told of them, at most 20 s: what runs in it is there from the start, so
 * that requests which meet no application yet would only be counted as its failures.
 * @param say told once which pods are waited for, and in the end which are still not ready.
 */
export async function labReady(
  client: ClusterClient,
  clock: Clock,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const begun = clock.now();
  for (let told = false; ; await sleep(clock, 50, signal)) {
    const pods = await client.list('v1', 'Pod');
    const unready = pods.map(podOf).flatMap((pod) => (pod && !pod.ready ? [pod.key] : []));
    const waiting = unready.length > 0 ? unready : await behind(client, pods);
    if (waiting.length === 0 || signal.aborted) return;
    const waited = clock.now() - begun;
    if (waited > LONGEST_MS) return say(`the load starts before these pods are ready: ${waiting.join(', ')}`);
    if (!told && waited > SILENT_MS) say(`waiting until these pods of the lab are ready: ${waiting.join(', ')}`);
    told ||= waited > SILENT_MS;
  }
}

/** Pods whose proxies do not hold the newest objects yet, as `namespace/name`. */
async function behind(client: ClusterClient, pods: readonly KubeObject[]): Promise<string[]> {
  const meshed = pods.filter(hasSidecar).map(({ metadata: { name, namespace = 'default' } }) => ({ name, namespace }));
  const found: string[] = [];
  for (const namespace of new Set(meshed.map((pod) => pod.namespace))) {
    const own = meshed.filter((pod) => pod.namespace === namespace);
    const late = await proxiesBehind(client, namespace, own);
    if (typeof late !== 'string') found.push(...late.map((name) => `${namespace}/${name}`));
  }
  return found;
}
