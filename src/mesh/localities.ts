import type { KubeObject } from '../base/kubernetes.js';
import { perObject } from './memo.js';
import { type Fields, labels, record, records, text, texts } from './read.js';
import type { Endpoint, MeshObjects } from './types.js';

/** `region/zone/subzone`; what is not known is empty. */
type Locality = string;

const REGION = 'topology.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const SUBZONE = 'topology.istio.io/subzone';
/** A pod's own word, with dots for slashes, stands before what its node says. */
const OWN = 'istio-locality';

/** Where a pod runs, as Istio takes it; undefined: neither the pod nor its node says. */
export function localityOf(pod: KubeObject, node: KubeObject | undefined): Locality | undefined {
  const own = pod.metadata.labels?.[OWN];
  if (own) return own.includes('/') ? own : own.replaceAll('.', '/');
  const { [REGION]: region = '', [ZONE]: zone = '', [SUBZONE]: subzone = '' } = node?.metadata.labels ?? {};
  return region || zone ? `${region}/${zone}/${subzone}` : undefined;
}

/** Localities of pods and WorkloadEntries, by `namespace/name`. */
export type Localities = ReadonlyMap<string, Locality>;

interface Located {
  readonly nodes: readonly KubeObject[];
  readonly entries: readonly KubeObject[];
  readonly localities: Localities | undefined;
}

const known = perObject((_pods: readonly KubeObject[]): { last?: Located } => ({}));

/** Of all pods; undefined where none is known, so that nothing depends on them. */
export function localitiesOf(
  pods: readonly KubeObject[],
  nodes: readonly KubeObject[],
  entries: readonly KubeObject[],
): Localities | undefined {
  const kept = known(pods);
  if (kept.last?.nodes === nodes && kept.last.entries === entries) return kept.last.localities;
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  const found = new Map<string, Locality>();
  const key = ({ metadata }: KubeObject) => `${metadata.namespace ?? 'default'}/${metadata.name}`;
  for (const pod of pods) {
    const locality = localityOf(pod, byName.get(text(pod.spec?.nodeName) ?? ''));
    if (locality !== undefined) found.set(key(pod), locality);
  }
  for (const entry of entries) {
    const locality = text(entry.spec?.locality);
    if (locality) found.set(key(entry), locality);
  }
  const localities = found.size > 0 ? found : undefined;
  kept.last = { nodes, entries, localities };
  return localities;
}

/** Locality of a pod among the objects of a cluster. */
export const localityAmong = (objects: MeshObjects, pod: KubeObject): Locality | undefined =>
  localityOf(
    pod,
    objects.find(({ kind, metadata }) => kind === 'Node' && metadata.name === text(pod.spec?.nodeName)),
  );

/** How a policy prefers near endpoints; undefined: it does not. */
export type Failover =
  | { readonly by: 'locality'; readonly regions: ReadonlyMap<string, string> }
  | { readonly by: 'labels'; readonly labels: readonly string[] };

/**
 * Failover needs outlier detection: without it Envoy never learns that the near endpoints fail. The mesh has it switched on by default, so
 * outlier detection alone keeps requests near. A policy with `distribute` fails over to nowhere.
 * @param setting of the DestinationRule; it replaces that of the mesh as a whole.
 */
export function failoverOf(setting: unknown, mesh: Fields, outlierDetection: boolean): Failover | undefined {
  const fields = setting === undefined ? mesh : record(setting);
  if (!outlierDetection || fields.enabled === false || records(fields.distribute).length > 0) return undefined;
  const priority = texts(fields.failoverPriority);
  if (priority.length > 0) return { by: 'labels', labels: priority };
  const regions = records(fields.failover).map(({ from, to }) => [text(from) ?? '', text(to) ?? ''] as const);
  return { by: 'locality', regions: new Map(regions) };
}

/** Where a proxy stands and what it knows of where others do. */
export interface ProxyLocation {
  readonly locality: Locality;
  readonly labels: Readonly<Record<string, string>>;
  readonly localities: Localities;
}

/** The endpoints with their priorities, 0 the nearest, without gaps; the very same ones where all are equally near. */
export function prioritised(
  endpoints: readonly Endpoint[],
  failover: Failover,
  place: ProxyLocation,
): readonly Endpoint[] {
  const distances = endpoints.map((endpoint) => distance(endpoint, failover, place));
  const steps = [...new Set(distances)].sort((a, b) => a - b);
  if (steps.length < 2) return endpoints;
  return endpoints.map((endpoint, index) => {
    const priority = steps.indexOf(distances[index] as number);
    return priority === 0 ? endpoint : { ...endpoint, priority };
  });
}

function distance(
  endpoint: Endpoint,
  failover: Failover,
  { locality, labels: own, localities }: ProxyLocation,
): number {
  const theirs = localities.get(endpoint.pod) ?? '';
  if (failover.by === 'labels') {
    const here = topology(locality, own);
    const there = topology(theirs, endpoint.labels);
    const differs = failover.labels.findIndex((label) => here[label] !== there[label]);
    return differs < 0 ? 0 : failover.labels.length - differs;
  }
  const [here, there] = [locality.split('/'), theirs.split('/')];
  const same = [0, 1, 2].findIndex((part) => (here[part] ?? '') !== (there[part] ?? ''));
  if (same < 0) return 0;
  if (same > 0) return 3 - same;
  const wanted = failover.regions.get(here[0] ?? '');
  return wanted === undefined || wanted === there[0] ? 3 : 4;
}

function topology(locality: Locality, own: Readonly<Record<string, string>>): Record<string, string | undefined> {
  const [region, zone, subzone] = locality.split('/');
  return { ...labels(own), [REGION]: region, [ZONE]: zone, [SUBZONE]: subzone };
}

/** Overprovisioning factor: a priority with 72 % healthy hosts still takes everything. */
const OVERPROVISIONING = 1.4;

/** How many hosts a priority has, and how many of them may take requests. */
export interface Tier {
  readonly healthy: number;
  readonly total: number;
}

/**
 * Parts of the requests that priorities 0, 1, .. take, together 1 or, where nobody is healthy, 0. Envoy reckons in whole per cent: the health
 * of a priority is `min(100, 140 healthy / total)`, each takes its own of what the earlier ones left, and what is missing of 100 in all is
 * made up in proportion.
 */
export function priorityLoads(tiers: readonly Tier[]): number[] {
  const health = tiers.map(({ healthy, total }) =>
    total === 0 ? 0 : Math.min(100, Math.floor((100 * OVERPROVISIONING * healthy) / total)),
  );
  const available = Math.min(
    100,
    health.reduce((sum, each) => sum + each, 0),
  );
  if (available === 0) return tiers.map(() => 0);
  let left = 100;
  const loads = health.map((each) => {
    const load = Math.min(left, Math.floor((each * 100) / available));
    left -= load;
    return load;
  });
  // What rounding leaves goes to the first that is healthy at all.
  const first = health.findIndex((each) => each > 0);
  return loads.map((load, index) => (load + (index === first ? left : 0)) / 100);
}

/** Groups by priority, 0 first. */
export function byPriority<T>(items: readonly T[], priority: (item: T) => number): T[][] {
  const groups: T[][] = [];
  for (const item of items) {
    const at = priority(item);
    while (groups.length <= at) groups.push([]);
    groups[at]?.push(item);
  }
  return groups;
}
