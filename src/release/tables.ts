import pLimit from 'p-limit';
import { errorText } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import type { ClusterClient } from '../cluster/client.js';
import { podGet } from '../cluster/portForward.js';
import type { WorkloadPod } from '../cluster/workloads.js';
import { compileProxyConfig } from '../mesh/compile.js';
import { sameRoutes, summarise, summariseConfigDump } from '../mesh/configDump.js';
import { isGateway } from '../mesh/gatewayServers.js';
import type { Scenario } from '../scenario/types.js';

/** A caller proxy's route table beside what the objects compile to. */
export interface HeldTable {
  /** The proxy's pod. */
  readonly pod: string;
  readonly kind: 'equal' | 'different' | 'unreadable';
  /** Names the pod; empty when equal. */
  readonly why: string;
}

/** Port-forwards under way at once; a caller may have hundreds of pods. */
const atOnce = pLimit(8);

/** Asks every proxy for the routes that it holds for the service. @param pods of the scenario's caller, with sidecars */
export function heldTables(
  client: ClusterClient,
  scenario: Scenario,
  objects: readonly KubeObject[],
  pods: readonly WorkloadPod[],
): Promise<HeldTable[]> {
  return Promise.all(
    pods.map((pod) => atOnce(async () => ({ pod: pod.name, ...(await compareTable(client, scenario, objects, pod)) }))),
  );
}

async function compareTable(
  client: ClusterClient,
  { namespace, service, from = '' }: Scenario,
  objects: readonly KubeObject[],
  pod: WorkloadPod,
): Promise<Omit<HeldTable, 'pod'>> {
  const host = `${service}.${namespace}.svc.cluster.local`;
  let dump: unknown;
  try {
    const answer = await podGet(client, namespace, pod.name, 15000, '/config_dump?include_eds');
    if (answer.status !== 200) {
      return { kind: 'unreadable', why: `${pod.name}:15000/config_dump answered ${answer.status}` };
    }
    dump = JSON.parse(answer.text);
  } catch (error) {
    return { kind: 'unreadable', why: `${pod.name}:15000 cannot be read by port-forward: ${errorText(error)}` };
  }
  const caller = { workload: from, namespace, labels: pod.labels, gateway: isGateway(objects, pod.labels) };
  const held = summariseConfigDump(dump, host);
  if (!held) return { kind: 'different', why: `${pod.name} has no routes for ${host} yet` };
  const [difference] = sameRoutes(summarise(compileProxyConfig(objects, caller), host), held);
  return difference ? { kind: 'different', why: `${pod.name}: ${difference}` } : { kind: 'equal', why: '' };
}

/** Proxies that have not acknowledged what istiod sent them; a text says why istiod cannot be asked. */
export async function proxiesBehind(
  client: ClusterClient,
  namespace: string,
  pods: readonly Pick<WorkloadPod, 'name'>[],
): Promise<string[] | string> {
  try {
    const istiods = (await client.list('v1', 'Pod', 'istio-system')).filter(
      (pod) => pod.metadata.labels?.app === 'istiod' && !pod.metadata.deletionTimestamp,
    );
    if (istiods.length === 0) return 'there is no istiod pod in istio-system';
    // Each replica knows the proxies that are connected to it.
    const answers = await Promise.all(
      istiods.map((istiod) => podGet(client, 'istio-system', istiod.metadata.name, 15014, '/debug/syncz')),
    );
    const refused = answers.find(({ status }) => status !== 200);
    if (refused) return `istiod's /debug/syncz answered ${refused.status}`;
    const proxies = answers.flatMap(({ text }) => (JSON.parse(text) as Record<string, unknown>[] | null) ?? []);
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
