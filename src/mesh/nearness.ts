import { type Localities, type Locality, REGION, SUBZONE, ZONE } from './localities.js';
import { type Fields, isRecord, number, record, records, text, texts } from './read.js';
import type { Endpoint } from './types.js';

/** What a policy makes of where endpoints run. */
export interface PlacePolicy {
  /** Endpoints are the nearer, the more of the first ones they have as the proxy has; `label=value` stands for another value of the proxy's. */
  readonly labels: readonly string[];
  /** Region -> the one that comes next; undefined: localities are not compared. */
  readonly regions: ReadonlyMap<string, string> | undefined;
  /** Weights of localities in place of nearness. */
  readonly distribute: readonly Fields[];
  /** A locality is drawn first, then one of its endpoints. */
  readonly weighted: boolean;
}

/** Of a Service: `trafficDistribution`. */
export type TrafficDistribution = 'same-zone' | 'same-node';

const NETWORK = 'topology.istio.io/network';
const PREFERRED: Readonly<Record<TrafficDistribution, readonly string[]>> = {
  'same-zone': [NETWORK, REGION, ZONE],
  'same-node': [NETWORK, REGION, ZONE, SUBZONE, 'kubernetes.io/hostname'],
};

/**
 * Failover needs outlier detection, without which Envoy never learns that near endpoints fail, or a Service that asks for it. The mesh has it
 * switched on by default, so outlier detection alone keeps requests near. undefined: it is all the same where endpoints run.
 * @param policy of the DestinationRule, whose `localityLbSetting` replaces those of the Service and the mesh as a whole.
 */
export function placePolicy(
  policy: Fields,
  mesh: Fields,
  ofService: TrafficDistribution | undefined,
): PlacePolicy | undefined {
  const own = record(policy.loadBalancer).localityLbSetting;
  const forced = !isRecord(own) && ofService !== undefined;
  const fields = isRecord(own) ? own : forced ? { failoverPriority: PREFERRED[ofService] } : mesh;
  if (fields.enabled === false) return undefined;
  const distribute = records(fields.distribute);
  if (distribute.length > 0) return { labels: [], regions: undefined, distribute, weighted: true };
  if (!forced && !isRecord(policy.outlierDetection)) return undefined;
  const priority = texts(fields.failoverPriority);
  const failover = records(fields.failover).map(({ from, to }) => [text(from) ?? '', text(to) ?? ''] as const);
  return {
    labels: priority,
    regions: priority.length > 0 && failover.length === 0 ? undefined : new Map(failover),
    distribute,
    weighted: priority.length > 0 || failover.length > 0,
  };
}

/** Where a proxy stands and what it knows of where others do. */
export interface ProxyLocation {
  /** undefined: not known, so that no locality is nearer than another. */
  readonly locality: Locality | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly localities: Localities;
}

/** The endpoints with priorities and weights of localities; the very same ones where all are equally near. */
export function placed(endpoints: readonly Endpoint[], policy: PlacePolicy, place: ProxyLocation): readonly Endpoint[] {
  if (policy.distribute.length > 0) return distributed(endpoints, policy.distribute, place);
  if (policy.labels.length === 0 && place.localities.size === 0) return endpoints;
  const distances = endpoints.map((endpoint) => distance(endpoint, policy, place));
  const steps = [...new Set(distances)].sort((a, b) => a - b);
  const near =
    steps.length < 2
      ? endpoints
      : endpoints.map((endpoint, index) => {
          const priority = steps.indexOf(distances[index] as number);
          return priority === 0 ? endpoint : { ...endpoint, priority };
        });
  return policy.weighted ? weighted(near, place) : near;
}

function distance(endpoint: Endpoint, { labels: wanted, regions }: PlacePolicy, place: ProxyLocation): number {
  const { locality: here } = place;
  const there = place.localities.get(endpoint.pod) ?? '';
  const byLabels = wanted.length === 0 ? 0 : labelDistance(wanted, endpoint, there, place);
  return byLabels * 5 + (regions && here !== undefined ? localityDistance(here, there, regions) : 0);
}

/** How many of the labels are left from the first on that differs. */
function labelDistance(
  wanted: readonly string[],
  endpoint: Endpoint,
  locality: Locality,
  place: ProxyLocation,
): number {
  const here = topology(place.locality ?? '', place.labels);
  const there = topology(locality, endpoint.labels);
  const differs = wanted.findIndex((label) => {
    const [name = '', value] = label.split('=');
    return (value ?? here[name]) !== there[name];
  });
  return differs < 0 ? 0 : wanted.length - differs;
}

/** 0: the same, 1: the same zone, 2: the same region, 3: another region, 4: one that is not the next. */
function localityDistance(here: Locality, there: Locality, regions: ReadonlyMap<string, string>): number {
  const [own, their] = [here.split('/'), there.split('/')];
  const same = [0, 1, 2].findIndex((part) => (own[part] ?? '') !== (their[part] ?? ''));
  if (same < 0) return 0;
  if (same > 0) return 3 - same;
  const wanted = regions.get(own[0] ?? '');
  return wanted === undefined || wanted === (their[0] ?? '') ? 3 : 4;
}

/** A workload's labels with those that Istio adds for its place. */
function topology(
  locality: Locality,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string | undefined>> {
  const [region, zone, subzone] = locality.split('/');
  return {
    ...own,
    ...(region ? { [REGION]: region } : {}),
    ...(zone ? { [ZONE]: zone } : {}),
    ...(subzone ? { [SUBZONE]: subzone } : {}),
  };
}

/** Each locality of a priority weighs as much as its endpoints together, healthy or not. */
function weighted(endpoints: readonly Endpoint[], { localities }: ProxyLocation): readonly Endpoint[] {
  const names = endpoints.map(({ pod }) => localities.get(pod) ?? '');
  const groups = endpoints.map(({ priority = 0 }, index) => `${priority} ${names[index]}`);
  const priorities = new Set(endpoints.map(({ priority = 0 }) => priority));
  if (new Set(groups).size === priorities.size) return endpoints;
  const weights = new Map<string, number>();
  endpoints.forEach(({ weight = 1 }, index) => {
    const group = groups[index] as string;
    weights.set(group, (weights.get(group) ?? 0) + weight);
  });
  return endpoints.map((endpoint, index) => ({
    ...endpoint,
    locality: { name: names[index] as string, weight: weights.get(groups[index] as string) as number },
  }));
}

/** Those of the localities that get something from where the proxy stands; all where no weights are written for its place. */
function distributed(
  endpoints: readonly Endpoint[],
  rules: readonly Fields[],
  place: ProxyLocation,
): readonly Endpoint[] {
  const { locality: here, localities } = place;
  if (here === undefined) return endpoints;
  const rule = rules.find(({ from }) => isWithin(here, text(from) ?? ''));
  if (!rule) return weighted(endpoints, place);
  const sizes = new Map<string, number>();
  for (const { pod, weight = 1 } of endpoints) {
    const name = localities.get(pod) ?? '';
    sizes.set(name, (sizes.get(name) ?? 0) + weight);
  }
  const weights = new Map<string, number>();
  for (const [pattern, share] of Object.entries(record(rule.to))) {
    const matched = [...sizes].filter(([name]) => !weights.has(name) && isWithin(name, pattern));
    const total = matched.reduce((sum, [, size]) => sum + size, 0);
    // Istio hands on whole numbers.
    for (const [name, size] of matched) weights.set(name, Math.ceil((size * (number(share) ?? 0)) / total));
  }
  return endpoints.flatMap((endpoint) => {
    const name = localities.get(endpoint.pod) ?? '';
    const weight = weights.get(name);
    return weight === undefined ? [] : [{ ...endpoint, locality: { name, weight } }];
  });
}

/** `north/*` and `north` hold every zone of the region. */
function isWithin(locality: Locality, pattern: string): boolean {
  const parts = locality.split('/');
  return pattern
    .split('/')
    .slice(0, 3)
    .every((wanted, index) => wanted === '*' || (wanted === '' && index > 0) || wanted === (parts[index] ?? ''));
}
