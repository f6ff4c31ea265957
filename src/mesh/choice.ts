import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { compileProxyConfig } from './compile.js';
import { isGateway } from './gatewayServers.js';
import { DATAPLANE_MODE, hasSidecar } from './injection.js';
import { workloadOf } from './pods.js';
import { labels, records, text } from './read.js';
import { type ConnectionRoute, routesOfServices } from './serverNames.js';
import type { VersionOf } from './tally.js';
import type { Caller, Cluster, Destination, MeshObjects, ProxyConfig, Route, RouteMatch } from './types.js';

/** What one draw of a version decides for, as far as objects tell. */
export interface Choice {
  /**
   * request: every request is sent on its own; connection: all requests of a connection stay together; key: all that share a hash key (a
   * client address, a header's value) stay together; none: only one version can be reached; unknown: `why` says why.
   */
  readonly unit: 'request' | 'connection' | 'key' | 'none' | 'unknown';
  /** weight: route weights draw the version; balancing: proxies (or kube-proxy) spread over ready pods of several versions. */
  readonly by: 'weight' | 'balancing' | 'unknown';
  /** Who balances, and how; undefined unless `by` is balancing. */
  readonly discipline: Cluster['balancing'] | 'kube-proxy' | undefined;
  /** What is hashed; undefined unless `unit` is key. */
  readonly key: { readonly by: 'header' | 'cookie' | 'query' | 'source-ip'; readonly name: string } | undefined;
  /** Ready pods by version of what is balanced over; empty unless `by` is balancing. */
  readonly replicas: Readonly<Record<string, number>>;
  /** Clause that says why: `port tcp-api is routed as TCP`. */
  readonly why: string;
  /** The caller is a gateway: the load's own connections end at its proxy. */
  readonly gateway: boolean;
  /** Versions that get copies of some requests to the host, but not of all. */
  readonly partlyMirrored: readonly string[];
  /** Those of them that get a copy of every GET request. */
  readonly mirroredReads: readonly string[];
}

export interface ChoiceQuestion {
  /** The workload whose proxies choose, and its namespace; undefined: callers from outside, whose connections kube-proxy spreads. */
  readonly from: { readonly workload: string; readonly namespace: string } | undefined;
  readonly service: { readonly name: string; readonly namespace: string };
  readonly versionOf: VersionOf;
}

type Mirrored = Pick<Choice, 'partlyMirrored' | 'mirroredReads'>;
type Draw = Omit<Choice, 'gateway' | keyof Mirrored>;

/**
 * What the caller's proxies draw per request, per connection or per client when they call a Service: the port's protocol, route weights,
 * hash policy and session affinity in force, compiled as the control plane compiles them.
 */
export function choiceOf(objects: MeshObjects, { from, service, versionOf }: ChoiceQuestion): Choice {
  if (!from) return fromOutside(objects, service, versionOf);
  const pods = objects.filter(
    (object) =>
      object.kind === 'Pod' && object.metadata.namespace === from.namespace && workloadOf(object) === from.workload,
  );
  const own = { ...labels(pods[0]?.metadata.labels) };
  const gateway = isGateway(objects, own);
  const told = { gateway, partlyMirrored: [], mirroredReads: [] };
  const live = serviceOf(objects, service);
  if (!live) return { ...unknown(`there is no Service ${service.name}`), ...told };
  if (pods.length === 0) return { ...unknown(`no pod of ${from.workload} is known`), ...told };
  if (isAmbient(objects, pods)) return { ...unknown(`${from.workload} is in ambient mode`), ...told };
  const caller: Caller = { ...from, labels: own, gateway };
  const config = compileProxyConfig(objects, caller);
  const bare = pods.filter((pod) => !hasSidecar(pod));
  if (bare.length === pods.length) {
    const why = `no pod of ${from.workload} has a sidecar, so kube-proxy balances its connections`;
    return { ...kubeProxy(live, config, service, versionOf, why), ...told };
  }
  if (bare.length > 0) return { ...unknown(`only some pods of ${from.workload} have a sidecar`), ...told };
  const host = `${service.name}.${service.namespace}.svc.cluster.local`;
  if (config.hidden?.some((hidden) => hidden.host === host)) {
    const why = `the Service is hidden from ${from.workload}, so its connections pass through to kube-proxy`;
    return { ...kubeProxy(live, config, service, versionOf, why), ...told };
  }
  const routes = routesTo(config, host, gateway);
  const draws = [
    ...routes.http.flatMap((route) => httpDraw(config, route, versionOf)),
    ...routes.tcp.map((tcp) => tcpDraw(config, tcp, portName(live, tcp.port), versionOf)),
  ];
  return { ...combined(draws), gateway, ...mirrored(config, routes.http, versionOf) };
}

function serviceOf(objects: MeshObjects, { name, namespace }: ChoiceQuestion['service']): KubeObject | undefined {
  return objects.find(
    ({ kind, apiVersion, metadata }) =>
      kind === 'Service' && apiVersion === 'v1' && metadata.name === name && namespaceOf({ metadata }) === namespace,
  );
}

/** No proxy stands before the Service, so no route and no hash policy of the mesh applies. */
function fromOutside(objects: MeshObjects, service: ChoiceQuestion['service'], versionOf: VersionOf): Choice {
  const told = { gateway: false, partlyMirrored: [], mirroredReads: [] };
  const live = serviceOf(objects, service);
  if (!live) return { ...unknown(`there is no Service ${service.name}`), ...told };
  const outside: Caller = { workload: '', namespace: service.namespace, labels: {}, gateway: false };
  const why = 'the load calls the Service itself, and kube-proxy balances its connections';
  return { ...kubeProxy(live, compileProxyConfig(objects, outside), service, versionOf, why), ...told };
}

const NOTHING = { discipline: undefined, key: undefined, replicas: {} } as const;

const unknown = (why: string): Draw => ({ unit: 'unknown', by: 'unknown', ...NOTHING, why });

function isAmbient(objects: MeshObjects, pods: readonly KubeObject[]): boolean {
  const namespaces = new Set(pods.map((pod) => pod.metadata.namespace));
  const marked = [
    ...pods,
    ...objects.filter(({ kind, metadata }) => kind === 'Namespace' && namespaces.has(metadata.name)),
  ];
  return !pods.some(hasSidecar) && marked.some(({ metadata }) => metadata.labels?.[DATAPLANE_MODE] === 'ambient');
}

function portName(service: KubeObject, port: number): string {
  const found = records(service.spec?.ports).find((each) => each.port === port);
  return text(found?.appProtocol) ?? text(found?.name) ?? String(port);
}

/** kube-proxy draws a pod per connection, or keeps a client at its pod. */
function kubeProxy(
  live: KubeObject,
  config: ProxyConfig,
  { name, namespace }: ChoiceQuestion['service'],
  versionOf: VersionOf,
  why: string,
): Draw {
  const host = `${name}.${namespace}.svc.cluster.local`;
  const endpoints =
    Object.values(config.clusters).find((cluster) => cluster.host === host && cluster.subset === '')?.endpoints ??
    config.hidden?.find((hidden) => hidden.host === host)?.endpoints ??
    [];
  const replicas = countVersions(endpoints, versionOf);
  if (Object.keys(replicas).length < 2) return oneVersion(why);
  const base = { by: 'balancing', discipline: 'kube-proxy', replicas } as const;
  if (text(live.spec?.sessionAffinity) !== 'ClientIP') return { ...base, unit: 'connection', key: undefined, why };
  const key = { by: 'source-ip', name: '' } as const;
  return { ...base, unit: 'key', key, why: `${why}, and sessionAffinity keeps a client at its pod` };
}

const oneVersion = (why: string): Draw => ({ unit: 'none', by: 'weight', ...NOTHING, why });

function countVersions(endpoints: Cluster['endpoints'], versionOf: VersionOf): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const endpoint of endpoints) {
    if (!endpoint.ready) continue;
    const version = versionOf(endpoint.labels) ?? 'unknown';
    counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

interface Routes {
  readonly http: readonly Route[];
  readonly tcp: readonly { readonly port: number; readonly route: ConnectionRoute }[];
}

/** A sidecar has the Service's own virtual host; at a gateway any host may lead to it. */
function routesTo(config: ProxyConfig, host: string, gateway: boolean): Routes {
  const leads = (route: Route) =>
    route.action.kind === 'forward' && route.action.destinations.some((destination) => destination.host === host);
  return {
    http: config.ports.flatMap(({ virtualHosts }) =>
      gateway
        ? virtualHosts.flatMap(({ routes }) => routes.filter(leads))
        : virtualHosts.filter(({ domains }) => domains.includes(host)).flatMap(({ routes }) => routes),
    ),
    tcp: config.ports.flatMap(({ port, tcp }) =>
      routesOfServices(tcp, port)
        .filter(({ service, destinations }) =>
          gateway ? destinations.some((destination) => destination.host === host) : service.host === host,
        )
        .map((route) => ({ port, route })),
    ),
  };
}

function httpDraw(config: ProxyConfig, { action }: Route, versionOf: VersionOf): Draw[] {
  if (action.kind !== 'forward') return [];
  return [draw(config, action.destinations, versionOf, 'request', 'requests are routed as HTTP')];
}

function tcpDraw(config: ProxyConfig, { route }: Routes['tcp'][number], port: string, versionOf: VersionOf): Draw {
  const why = `port ${port} is routed as TCP, so a proxy sends whole connections`;
  return draw(config, route.destinations, versionOf, 'connection', why);
}

/** Weights come first, then balancing inside the drawn cluster; a hash policy only acts there. */
function draw(
  config: ProxyConfig,
  destinations: readonly Destination[],
  versionOf: VersionOf,
  unit: 'request' | 'connection',
  why: string,
): Draw {
  const clusters = destinations.flatMap(({ cluster }) => config.clusters[cluster] ?? []);
  const reached = clusters.map((cluster) => countVersions(cluster.endpoints, versionOf));
  const versions = new Set(reached.flatMap((counts) => Object.keys(counts)));
  if (versions.size < 2) return oneVersion(why);
  const mixed = clusters.filter((_, index) => Object.keys(reached[index] ?? {}).length > 1);
  const [first] = mixed;
  if (!first) return { unit, by: 'weight', ...NOTHING, why: `${why} and drawn by route weights` };
  const replicas = countVersions(first.endpoints, versionOf);
  if (first.balancing === 'original-dst') {
    const why = 'the Service is headless, so the caller itself dials a pod for each of them and routes have no effect';
    return { unit: 'connection', by: 'unknown', ...NOTHING, why };
  }
  if (clusters.length > 1) {
    if (mixed.some((cluster) => cluster.hash))
      return unknown('a part that weights draw is hashed over several versions');
    return { unit, by: 'weight', ...NOTHING, why: `${why} and drawn by route weights` };
  }
  const base = { by: 'balancing', discipline: first.balancing, replicas } as const;
  if (!first.hash) return { ...base, unit, key: undefined, why: `${why} and balanced over ready pods` };
  if (unit === 'connection' && first.hash.by !== 'source-ip') {
    return { ...base, unit, key: undefined, why: `${why}, which have no ${first.hash.by} to hash` };
  }
  const { by, name } = first.hash;
  const all =
    by === 'source-ip' ? 'of one client address' : `with the same ${by === 'query' ? 'query parameter' : by} ${name}`;
  return { ...base, unit: 'key', key: first.hash, why: `consistentHash sends all ${all} to one pod` };
}

/** Rules that can reach one version only do not draw; the others must agree. */
function combined(draws: readonly Draw[]): Draw {
  const [first, ...rest] = draws.filter((each) => each.unit !== 'none');
  if (!first) return draws[0] ?? unknown('no route of the caller leads to the Service');
  if (rest.some((each) => each.unit !== first.unit)) return unknown('its routes draw by different units');
  return rest.find((each) => each.by !== first.by) ?? first;
}

/** Versions whose copies are made of some requests only, because another rule of the host forwards without them. */
function mirrored(config: ProxyConfig, routes: readonly Route[], versionOf: VersionOf): Mirrored {
  const forwarding = routes.filter(({ action }) => action.kind === 'forward');
  const versions = (route: Route) =>
    route.mirrors.flatMap(({ cluster }) =>
      Object.keys(countVersions(config.clusters[cluster]?.endpoints ?? [], versionOf)),
    );
  const all = [...new Set(forwarding.flatMap(versions))].sort();
  const missing = (version: string, among: readonly Route[]) =>
    among.some((route) => !versions(route).includes(version));
  const partlyMirrored = all.filter((version) => missing(version, forwarding));
  const reads = takenByReads(forwarding);
  return { partlyMirrored, mirroredReads: partlyMirrored.filter((version) => !missing(version, reads)) };
}

/** The rules that a GET request can meet, up to the first that takes every one. */
function takenByReads(routes: readonly Route[]): Route[] {
  const met = routes.filter(({ matches }) => matches.length === 0 || matches.some(allowsReads));
  const last = met.findIndex(({ matches }) => matches.length === 0 || matches.some(takesEveryRead));
  return last < 0 ? met : met.slice(0, last + 1);
}

const allowsReads = ({ method }: RouteMatch): boolean =>
  method === undefined || method.kind !== 'exact' || method.value === 'GET';

const takesEveryRead = (match: RouteMatch): boolean =>
  allowsReads(match) &&
  (match.method === undefined || match.method.kind === 'exact') &&
  match.path === undefined &&
  match.authority === undefined &&
  match.scheme === undefined &&
  match.headers.length === 0 &&
  match.query.length === 0;
