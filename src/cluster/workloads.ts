import { errorText } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import type { ClusterClient } from './client.js';
import { listNamespace, listVisible } from './visible.js';

const GATEWAY_API = ['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1'];
const ISTIO = ['networking.istio.io/v1', 'networking.istio.io/v1beta1'] as const;

/** The kinds that decide what a mesh does with traffic, and that causes are looked for in; API versions newest first. */
const MESH_KINDS: readonly (readonly [
  apiVersions: readonly string[],
  kind: string,
  everywhere: boolean,
  as?: string,
])[] = [
  [['v1'], 'Namespace', true],
  [['v1'], 'Service', false],
  [['v1'], 'Pod', false],
  // Where pods run; without the right to read it no pod is nearer than another.
  [['v1'], 'Node', true],
  [['apps/v1'], 'Deployment', false],
  [ISTIO, 'VirtualService', true],
  [ISTIO, 'DestinationRule', true],
  [ISTIO, 'Sidecar', false],
  [ISTIO, 'Gateway', false],
  [GATEWAY_API, 'Gateway', false, 'Gateway.gateway.networking.k8s.io'],
  [GATEWAY_API, 'HTTPRoute', false],
  // Of these the root namespace speaks for all.
  [['security.istio.io/v1', 'security.istio.io/v1beta1'], 'PeerAuthentication', true],
  [['telemetry.istio.io/v1', 'telemetry.istio.io/v1alpha1'], 'Telemetry', true],
];

/** How much of a kind could be read. */
export interface KindRead {
  /** With its group where several groups have it, as kubectl takes it. */
  readonly kind: string;
  /** The cluster, or the namespace alone; undefined: nothing. */
  readonly from: 'cluster' | 'namespace' | undefined;
  readonly count: number;
  /** Why no more was read; undefined: all that was asked for. */
  readonly refused: string | undefined;
}

/**
 * Everything that decides where requests of the namespace go. Routing rules are read from all namespaces (any may name a host here), or
 * from this one alone where the credentials allow no more.
 * @throws ApiError when not even the namespace's own routing rules may be listed, EnvironmentError when the API server does not answer.
 */
export async function readMeshObjects(client: ClusterClient, namespace: string): Promise<KubeObject[]> {
  const reads = await readKinds(client, namespace);
  const needed = reads.find(({ kind, from }) => from === undefined && NEEDED.includes(kind));
  if (needed) throw needed.refused;
  return reads.flatMap(({ objects }) => objects);
}

/**
 * As `readMeshObjects`, for credentials that may see little: a kind that they may not list has no objects, and the answer says so.
 * @throws ApiError for other refusals, EnvironmentError when the API server does not answer.
 */
export async function readVisibleObjects(
  client: ClusterClient,
  namespace: string,
): Promise<{ readonly objects: KubeObject[]; readonly kinds: KindRead[] }> {
  const reads = await readKinds(client, namespace);
  return {
    objects: reads.flatMap(({ objects }) => objects),
    kinds: reads.map(({ kind, from, objects, refused }) => ({
      kind,
      from,
      count: objects.length,
      refused: refused && errorText(refused),
    })),
  };
}

/** Without these nothing can be said of a route. */
const NEEDED = ['VirtualService', 'DestinationRule'];

/** A node's status is long, and says nothing about routes. */
const labelsOnly = ({ apiVersion, kind, metadata: { name, labels } }: KubeObject): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(labels ? { labels } : {}) },
});

function readKinds(client: ClusterClient, namespace: string) {
  return Promise.all(
    MESH_KINDS.map(async ([apiVersions, kind, everywhere, as = kind]) => {
      const list = everywhere ? listVisible : listNamespace;
      const { objects, ...read } = await list(client, apiVersions, kind, namespace);
      return { kind: as, objects: kind === 'Node' ? objects.map(labelsOnly) : objects, ...read };
    }),
  );
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
