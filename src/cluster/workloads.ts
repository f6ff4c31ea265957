import type { KubeObject } from '../base/kubernetes.js';
import { ApiError, type ClusterClient } from './client.js';

const ISTIO = ['networking.istio.io/v1', 'networking.istio.io/v1beta1'] as const;

/** The kinds that decide what a mesh does with traffic, and that causes are looked for in; API versions newest first. */
const MESH_KINDS: readonly (readonly [apiVersions: readonly string[], kind: string, everywhere: boolean])[] = [
  [['v1'], 'Namespace', true],
  [['v1'], 'Service', false],
  [['v1'], 'Pod', false],
  [['apps/v1'], 'Deployment', false],
  [ISTIO, 'VirtualService', true],
  [ISTIO, 'DestinationRule', true],
  [ISTIO, 'Sidecar', false],
  [ISTIO, 'Gateway', false],
  [['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1'], 'HTTPRoute', false],
];

/**
 * Everything that decides where requests of the namespace go. Routing rules are read from all namespaces (any may name a host here), or
 * from this one alone where the credentials allow no more.
 */
export async function readMeshObjects(client: ClusterClient, namespace: string): Promise<KubeObject[]> {
  const lists = await Promise.all(
    MESH_KINDS.map(async ([apiVersions, kind, everywhere]) => {
      try {
        return await listNewest(client, apiVersions, kind, everywhere ? undefined : namespace);
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 403)) throw error;
        return everywhere && kind !== 'Namespace' ? listNewest(client, apiVersions, kind, namespace) : [];
      }
    }),
  );
  return lists.flat();
}

/** Every served version shows the same objects, so the newest that shows any will do. */
async function listNewest(client: ClusterClient, apiVersions: readonly string[], kind: string, namespace?: string) {
  for (const apiVersion of apiVersions) {
    const objects = await client.list(apiVersion, kind, namespace);
    if (objects.length > 0) return objects;
  }
  return [];
}

export interface WorkloadPod {
  readonly name: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly sidecar: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** Pods that a Deployment (through its ReplicaSets, whose names start with its own), StatefulSet or DaemonSet of this name owns. */
export function podsOfWorkload(objects: readonly KubeObject[], namespace: string, workload: string): WorkloadPod[] {
  return objects
    .filter(
      (object) =>
        object.kind === 'Pod' && object.metadata.namespace === namespace && ownerWorkload(object) === workload,
    )
    .map((pod) => ({
      name: pod.metadata.name,
      ready: conditionOf(pod, 'Ready') === 'True',
      terminating: pod.metadata.deletionTimestamp !== undefined,
      sidecar: hasSidecar(pod),
      labels: pod.metadata.labels ?? {},
    }));
}

/** The workload that owns a pod, by the ReplicaSet's name without its template hash; a pod without owner is its own workload. */
function ownerWorkload(pod: KubeObject): string {
  const owner =
    pod.metadata.ownerReferences?.find((reference) => reference.controller) ?? pod.metadata.ownerReferences?.[0];
  if (!owner) return pod.metadata.name;
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`)
    ? owner.name.slice(0, -hash.length - 1)
    : owner.name;
}

/** Istio injects `istio-proxy` as a container, or as an init container that restarts (native sidecar). */
function hasSidecar(pod: KubeObject): boolean {
  const spec = (pod.spec ?? {}) as { containers?: { name: string }[]; initContainers?: { name: string }[] };
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(
    (container) => container.name === 'istio-proxy',
  );
}

/** Why a Deployment has not arrived at what its spec says; undefined when it has. */
export function rolloutProblem(deployment: KubeObject): string | undefined {
  const status = (deployment.status ?? {}) as Record<string, number | undefined>;
  const wanted = Number((deployment.spec as { replicas?: number } | undefined)?.replicas ?? 1);
  const name = deployment.metadata.name;
  if ((status.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0))
    return `${name}: its controller has not seen the change yet`;
  if ((status.updatedReplicas ?? 0) < wanted)
    return `${name}: ${status.updatedReplicas ?? 0} of ${wanted} replicas updated`;
  if ((status.replicas ?? 0) > (status.updatedReplicas ?? 0))
    return `${name}: ${(status.replicas ?? 0) - (status.updatedReplicas ?? 0)} old replicas still there`;
  if ((status.availableReplicas ?? 0) < wanted)
    return `${name}: ${status.availableReplicas ?? 0} of ${wanted} replicas available`;
  return undefined;
}

function conditionOf(object: KubeObject, type: string): string | undefined {
  const conditions = (object.status?.conditions ?? []) as { type: string; status: string }[];
  return conditions.find((condition) => condition.type === type)?.status;
}
