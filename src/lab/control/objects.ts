import type { KubeObject } from '../../base/kubernetes.js';

/** The fields of built-in kinds that the controllers read; everything else in an object is left as it is. */
export interface ContainerSpec {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly ContainerSpec[];
  readonly initContainers?: readonly ContainerSpec[];
  readonly serviceAccountName?: string;
  readonly [field: string]: unknown;
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Record<string, string>; readonly annotations: Record<string, string> };
  readonly spec: PodSpec;
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
  readonly appProtocol?: string;
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function strings(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(record(value)).map(([key, text]) => [key, String(text)]));
}

function containers(value: unknown): ContainerSpec[] {
  return list(value)
    .map(record)
    .filter((container) => typeof container.name === 'string')
    .map((container) => ({
      ...container,
      name: String(container.name),
      ports: list(container.ports)
        .map(record)
        .filter((port) => Number.isInteger(port.containerPort))
        .map((port) => ({ ...port, containerPort: Number(port.containerPort) })),
    }));
}

function podSpecOf(value: unknown): PodSpec {
  const spec = record(value);
  return { ...spec, containers: containers(spec.containers), initContainers: containers(spec.initContainers) };
}

/** A pod's spec with every list present. */
export const podSpec = (pod: KubeObject): PodSpec => podSpecOf(pod.spec);

/** The pod template of a Deployment, ReplicaSet, StatefulSet or DaemonSet; undefined when there is none with a container. */
export function podTemplate(owner: KubeObject): PodTemplate | undefined {
  const template = record(owner.spec?.template);
  const metadata = record(template.metadata);
  const spec = podSpecOf(template.spec);
  if (spec.containers.length === 0) return undefined;
  return {
    metadata: { labels: strings(metadata.labels), annotations: strings(metadata.annotations) },
    spec,
  };
}

/** `spec.replicas`, default 1, never negative. */
export function replicasOf(owner: KubeObject): number {
  const replicas = owner.spec?.replicas;
  return typeof replicas === 'number' && Number.isFinite(replicas) ? Math.max(0, Math.trunc(replicas)) : 1;
}

/** `spec.selector.matchLabels`; matchExpressions are not evaluated. */
export const matchLabels = (owner: KubeObject): Record<string, string> =>
  strings(record(owner.spec?.selector).matchLabels);

/** `spec.selector` of a Service; undefined: endpoints are managed by somebody else. */
export function serviceSelector(service: KubeObject): Record<string, string> | undefined {
  const selector = strings(service.spec?.selector);
  return Object.keys(selector).length === 0 ? undefined : selector;
}

export function servicePorts(service: KubeObject): ServicePort[] {
  return list(service.spec?.ports)
    .map(record)
    .filter((port) => Number.isInteger(port.port)) as unknown as ServicePort[];
}

/** The pod's port that a Service port stands for: a number, a container port's name, or by default the same number. */
export function targetPortOf(port: ServicePort, pod: KubeObject): number | undefined {
  if (typeof port.targetPort !== 'string') return port.targetPort ?? port.port;
  if (/^\d+$/.test(port.targetPort)) return Number(port.targetPort);
  for (const container of podSpec(pod).containers)
    for (const declared of container.ports ?? []) if (declared.name === port.targetPort) return declared.containerPort;
  return undefined;
}

export const podIp = (pod: KubeObject): string | undefined => {
  const ip = pod.status?.podIP;
  return typeof ip === 'string' && ip !== '' ? ip : undefined;
};

export const isTerminating = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

/** True when the pod's Ready condition holds and it is not going away. */
export function isReady(pod: KubeObject): boolean {
  if (isTerminating(pod)) return false;
  return list(pod.status?.conditions)
    .map(record)
    .some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

export function ownerOf(object: KubeObject): { kind: string; name: string; uid: string } | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller) ?? object.metadata.ownerReferences?.[0];
}

/** The workload a pod belongs to, as Istio names it: its Deployment, not its ReplicaSet. */
export function workloadOf(pod: KubeObject): string {
  const owner = ownerOf(pod);
  if (!owner) return pod.metadata.name;
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`)
    ? owner.name.slice(0, -hash.length - 1)
    : owner.name;
}

export const ownerReference = (owner: KubeObject) => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});
