import { type KubeObject, labelsMatch, namespaceOf } from '../base/kubernetes.js';
import { sameItems } from './memo.js';
import type { Pod } from './pods.js';
import { number, record, records, text } from './read.js';
import type { Service, ServicePort } from './services.js';
import type { Endpoint } from './types.js';

/** The pods and other workloads of one moment, found by label. */
export class PodIndex {
  /** `namespace/label=value` -> pods in the order of their keys. */
  private readonly byLabel: ReadonlyMap<string, readonly Pod[]>;
  private readonly all: readonly Pod[];
  private keys: ReadonlyMap<string, Pod> | undefined;

  private constructor(byLabel: PodIndex['byLabel'], all: readonly Pod[]) {
    this.byLabel = byLabel;
    this.all = all;
  }

  static of(pods: readonly Pod[]): PodIndex {
    return new PodIndex(new Map(), []).changed([], pods);
  }

  /** Only hand-written endpoints ask for it. */
  get byKey(): ReadonlyMap<string, Pod> {
    this.keys ??= new Map(this.all.map((pod) => [pod.key, pod]));
    return this.keys;
  }

  changed(removed: readonly Pod[], added: readonly Pod[]): PodIndex {
    const gone = new Set(removed);
    const isKept = (pod: Pod): boolean => !gone.has(pod);
    const byLabel = new Map(this.byLabel);
    const touched = new Map<string, Pod[]>();
    for (const label of removed.flatMap(labelKeys)) touched.set(label, []);
    for (const pod of added) {
      for (const label of labelKeys(pod)) {
        const list = touched.get(label);
        if (list) list.push(pod);
        else touched.set(label, [pod]);
      }
    }
    for (const [label, came] of touched) {
      const list = [...(byLabel.get(label) ?? []).filter(isKept), ...came];
      if (list.length > 0) byLabel.set(label, list.sort(byPodKey));
      else byLabel.delete(label);
    }
    return new PodIndex(byLabel, [...this.all.filter(isKept), ...added]);
  }

  /** Pods of a namespace with one label, `namespace/key=value`: the same array as long as no such pod came, went or changed. */
  labelled(label: string): readonly Pod[] {
    return this.byLabel.get(label) ?? NONE;
  }
}

const NONE: readonly Pod[] = [];

const labelsIn = (namespace: string, labels: Readonly<Record<string, string>>): string[] =>
  Object.entries(labels).map(([key, value]) => `${namespace}/${key}=${value}`);

const labelKeys = (pod: Pod): string[] => labelsIn(pod.namespace, pod.labels);

const byPodKey = (a: Pod, b: Pod): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** What is behind one Service at one moment, computed as it is asked for. The same object means the same endpoints. */
export class Backing {
  /** By port, then by the labels of the subset. */
  private readonly known = new Map<string, readonly Endpoint[]>();
  private readonly service: Service;
  private readonly slices: readonly KubeObject[];
  /** Only where hand-written endpoints may name pods: an index is large and should not be kept alive. */
  private readonly index: PodIndex | undefined;
  /** For each label of the selector the pods that carry it. */
  private readonly labelled: ReadonlyMap<string, readonly Pod[]>;

  constructor(service: Service, index: PodIndex, slices: readonly KubeObject[]) {
    this.service = service;
    this.slices = slices;
    this.index = slices.length > 0 ? index : undefined;
    const labels = labelsIn(service.namespace, service.selector ?? {});
    this.labelled = new Map(labels.map((label) => [label, index.labelled(label)]));
  }

  /** True when this Service would have nothing else behind it now. */
  stands(service: Service, index: PodIndex, slices: readonly KubeObject[]): boolean {
    if (service !== this.service || !sameItems(slices, this.slices)) return false;
    if (this.index && index !== this.index) return false;
    // Of pods that carry all labels none can have changed where those of one label are the same.
    for (const [label, pods] of this.labelled) if (index.labelled(label) === pods) return true;
    return !service.selector;
  }

  /** Endpoints that carry the subset's labels too, unready ones included. */
  of(port: ServicePort, subset: Readonly<Record<string, string>>): readonly Endpoint[] {
    const key = `${port.port}|${Object.keys(subset).length === 0 ? '' : JSON.stringify(subset)}`;
    let endpoints = this.known.get(key);
    if (!endpoints) {
      endpoints =
        Object.keys(subset).length === 0
          ? this.all(port)
          : this.of(port, {}).filter((endpoint) => labelsMatch({ ...subset }, { ...endpoint.labels }));
      this.known.set(key, endpoints);
    }
    return endpoints;
  }

  /** What kube-proxy and DNS know of: no WorkloadEntries. */
  pods(port: ServicePort): readonly Endpoint[] {
    if (!this.service.selector) return this.of(port, {});
    return this.selected()
      .filter((pod) => !pod.entryPorts)
      .flatMap((pod) => endpointOf(pod, port));
  }

  private selected(): readonly Pod[] {
    const selector = { ...this.service.selector };
    // The rarest label first keeps the cost near the number of pods that match.
    const [rarest = NONE] = [...this.labelled.values()].sort((a, b) => a.length - b.length);
    return rarest.filter((pod) => labelsMatch(selector, { ...pod.labels }));
  }

  private all(port: ServicePort): readonly Endpoint[] {
    const { selector, entry } = this.service;
    if (selector) {
      // What is dialled at a headless Service comes from the cluster's DNS, which knows pods only.
      return this.service.headless ? this.pods(port) : this.selected().flatMap((pod) => endpointOf(pod, port));
    }
    if (entry) return entry.endpoints(port);
    return this.slices.flatMap((slice) => byHand(slice, port, this.index?.byKey ?? new Map()));
  }
}

function endpointOf(pod: Pod, port: ServicePort): Endpoint[] {
  const { targetPort: target } = port;
  const targetPort =
    pod.entryPorts?.get(port.name) ?? (typeof target === 'number' ? target : pod.portNames.get(target));
  if (targetPort === undefined) return [];
  return [{ pod: pod.key, ip: pod.ip, targetPort, ready: pod.ready, labels: pod.labels, workload: pod.workload }];
}

/** Endpoints of a Service without a selector: its EndpointSlices say where they are. */
function byHand(slice: KubeObject, port: ServicePort, pods: ReadonlyMap<string, Pod>): Endpoint[] {
  const ports = records(slice.ports);
  const target = number((ports.find((candidate) => (text(candidate.name) ?? '') === port.name) ?? ports[0])?.port);
  if (target === undefined) return [];
  return records(slice.endpoints).flatMap((endpoint) => {
    const ip = text((endpoint.addresses as unknown[] | undefined)?.[0]);
    const conditions = record(endpoint.conditions);
    if (!ip || conditions.terminating === true) return [];
    const reference = record(endpoint.targetRef);
    const key = `${text(reference.namespace) ?? namespaceOf(slice)}/${text(reference.name) ?? ip}`;
    const pod = pods.get(key);
    const ready = conditions.ready !== false;
    return [{ pod: key, ip, targetPort: target, ready, labels: pod?.labels ?? {}, workload: pod?.workload ?? '' }];
  });
}
