import type { KubeObject } from '../base/kubernetes.js';
import { type Fields, labels, list, number, record, records, text } from './read.js';
import type { MeshObjects } from './types.js';

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
}

const WORKLOAD_KINDS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

/**
 * The pods that can be endpoints, by key. Terminating and finished pods and pods without an address are left out.
 * When the objects hold no Pod at all (manifests without a cluster), every workload yields its replicas as ready pods.
 */
export function podsOf(objects: MeshObjects): Pod[] {
  const real = objects.filter((object) => object.kind === 'Pod');
  const pods = real.length > 0 ? real.flatMap(podOf) : synthesise(objects);
  return pods.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function podOf(object: KubeObject): Pod[] {
  const { name, namespace = 'default', deletionTimestamp } = object.metadata;
  const status = record(object.status);
  const ip = text(status.podIP);
  const phase = text(status.phase);
  if (deletionTimestamp || !ip || phase === 'Succeeded' || phase === 'Failed') return [];
  const ready = records(status.conditions).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
  return [
    {
      key: `${namespace}/${name}`,
      namespace,
      ip,
      ready,
      labels: labels(object.metadata.labels),
      workload: workloadOf(object),
      portNames: portNames(record(object.spec)),
    },
  ];
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

function synthesise(objects: MeshObjects): Pod[] {
  const workloads = objects
    .filter((object) => WORKLOAD_KINDS.has(object.kind) && list(object.metadata.ownerReferences).length === 0)
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

const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
