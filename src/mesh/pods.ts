import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { perObject } from './memo.js';
import { type Fields, labels, list, number, record, records, text } from './read.js';

/** A pod, or a WorkloadEntry that stands for a workload outside of the cluster. */
export interface Pod {
  /** `namespace/pod` */
  readonly key: string;
  readonly namespace: string;
  readonly ip: string;
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly workload: string;
  /** Container ports by name. */
  readonly portNames: ReadonlyMap<string, number>;
  /** Of a WorkloadEntry: ports by the Service's name for them. */
  readonly entryPorts?: ReadonlyMap<string, number>;
}

const WORKLOAD_KINDS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

export const isWorkload = (object: KubeObject): boolean => WORKLOAD_KINDS.has(object.kind);

/** The pod as a possible endpoint; terminating and finished pods and pods without an address are none. */
export const podOf = perObject((object: KubeObject): Pod | undefined => {
  const { name, namespace = 'default', deletionTimestamp } = object.metadata;
  const status = record(object.status);
  const ip = text(status.podIP);
  const phase = text(status.phase);
  if (deletionTimestamp || !ip || phase === 'Succeeded' || phase === 'Failed') return undefined;
  const ready = records(status.conditions).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
  return {
    key: `${namespace}/${name}`,
    namespace,
    ip,
    ready,
    labels: labels(object.metadata.labels),
    workload: workloadOf(object),
    portNames: portNames(record(object.spec)),
  };
});

/** A WorkloadEntry as an endpoint: Istio takes it for ready. */
export const workloadEntryOf = perObject((object: KubeObject): Pod | undefined => {
  const { name, namespace = 'default' } = object.metadata;
  const spec = record(object.spec);
  const ip = text(spec.address);
  if (!ip) return undefined;
  return {
    key: `${namespace}/${name}`,
    namespace,
    ip,
    ready: true,
    labels: { ...labels(object.metadata.labels), ...labels(spec.labels) },
    workload: name,
    portNames: new Map(),
    entryPorts: portMap(spec.ports),
  };
});

/** `name: number` as in a WorkloadEntry. */
export function portMap(value: unknown): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(record(value)).flatMap(([name, port]) => (number(port) ? [[name, number(port) ?? 0]] : [])),
  );
}

/** The name a person gave: the Deployment behind a ReplicaSet, else the controller, else the pod itself. */
export function workloadOf(object: KubeObject): string {
  const owners = object.metadata.ownerReferences ?? [];
  const owner = owners.find((candidate) => candidate.controller) ?? owners[0];
  if (!owner) return object.metadata.name;
  if (owner.kind !== 'ReplicaSet') return owner.name;
  const hash = object.metadata.labels?.['pod-template-hash'];
  if (hash && owner.name.endsWith(`-${hash}`)) return owner.name.slice(0, -hash.length - 1);
  return owner.name.replace(/-[^-]+$/, '');
}

function portNames(podSpec: Fields): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  for (const container of [...records(podSpec.containers), ...records(podSpec.initContainers)]) {
    for (const port of records(container.ports)) {
      const name = text(port.name);
      const value = number(port.containerPort);
      if (name !== undefined && value !== undefined && !names.has(name)) names.set(name, value);
    }
  }
  return names;
}

/** What manifests without a cluster would become: the replicas of every workload as ready pods. */
export function podsOfWorkloads(objects: readonly KubeObject[]): Pod[] {
  const workloads = objects
    .filter((object) => list(object.metadata.ownerReferences).length === 0)
    .sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
  const pods: Pod[] = [];
  for (const workload of workloads) {
    const { name, namespace = 'default' } = workload.metadata;
    const template = record(workload.spec?.template);
    const spec = record(template.spec);
    const replicas = Math.min(Math.max(0, Math.trunc(number(workload.spec?.replicas) ?? 1)), 1000);
    for (let index = 0; index < replicas; index++) {
      const serial = pods.length + 1;
      pods.push({
        key: `${namespace}/${name}-${index}`,
        namespace,
        ip: `10.244.${serial >> 8}.${serial & 255}`,
        ready: true,
        labels: labels(record(template.metadata).labels),
        workload: name,
        portNames: portNames(spec),
      });
    }
  }
  return pods;
}

const keyOf = (object: KubeObject): string => `${namespaceOf(object)}/${object.metadata.name}`;
