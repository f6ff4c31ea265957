import { groupsOf } from './loads.js';
import type { Receivers, Sent } from './receivers.js';
import { matchedPrefix, rewritePath } from './rewrite.js';
import { compileRouter, type Matched, type MeshRequest } from './router.js';
import { type ConnectionRoute, connectionRoute, routesOfServices } from './serverNames.js';
import { type Arriving, type Prediction, Tally, type VersionOf } from './tally.js';
import type { Cluster, Destination, Endpoint, ProxyConfig, TcpService } from './types.js';

/**
 * Where requests like the described one go on their first attempt, in the long run: faults first, then a draw over the weights, then
 * balancing over the ready pods of the drawn cluster. Retries, which stay in the drawn cluster, are not counted.
 * @param receivers what the proxies of the destinations do with it; absent: they let everything through to the applications.
 */
export function predictShare(
  config: ProxyConfig,
  request: MeshRequest,
  versionOf: VersionOf,
  receivers?: Pick<Receivers, 'refusal'>,
): Prediction {
  const asked = { method: request.method, path: bare(request.path) };
  const tally = new Tally(versionOf, (endpoint, sent) => receivers?.refusal(endpoint, { ...asked, ...sent }));
  const router = compileRouter(config);
  const { port, host, method, path, headers } = request;
  const named = router.virtualHost(port, host);
  // A sidecar cannot read requests that are encrypted already.
  const virtualHost = request.tls === true && config.unknownHosts !== 'not-found' ? undefined : named;
  const tcp = router.tcp(port, host);
  const called = named?.name.replace(/:\d+$/, '') ?? tcp?.host ?? '';
  if (config.unknownHosts !== 'not-found' && isUnreachable(config, called, bareName(host), port)) {
    tally.fail('000 refused', 1);
    return tally.result('none');
  }
  const matched = virtualHost && router.match(port, host, method, path, headers);
  if (matched) {
    followRoute(config, matched, tally, { host: called, port, path: arriving(matched, path) });
    return tally.result('http');
  }
  if (virtualHost) {
    tally.fail('404 NR', 1);
    return tally.result('http');
  }
  const taken = connectionRoute(connectionRoutes(config, request), request);
  if (taken) {
    draw(config, taken.destinations, 1, tally, 'connection', { host: taken.service.host, port });
    return tally.result('tcp');
  }
  return beyondTheTable(config, request, tally, { tcp, called });
}

/** What a proxy may do with a connection to a host that it does not route request by request. */
export function connectionRoutes(config: ProxyConfig, { host, port, tls }: MeshRequest): ConnectionRoute[] {
  const tcp = compileRouter(config).tcp(port, host);
  if (tcp && !(tcp.anyAddress && tcp.tls)) return routesOfServices([tcp], port);
  const listening = config.ports.find((candidate) => candidate.port === port)?.tcp ?? [];
  return routesOfServices(
    listening.filter(({ anyAddress, besideHttp }) => anyAddress && (!besideHttp || tls === true)),
    port,
  );
}

const bareName = (host: string): string => host.toLowerCase().replace(/:\d+$/, '');

/** A host that is in no table: a sidecar lets it pass or refuses what is not registered, a gateway finds nothing. */
function beyondTheTable(
  config: ProxyConfig,
  { host, port, tls }: MeshRequest,
  tally: Tally,
  { tcp, called }: { readonly tcp: TcpService | undefined; readonly called: string },
): Prediction {
  if (config.unknownHosts === 'not-found') {
    const open = config.ports.find((candidate) => candidate.port === port);
    const reads = open && (open.virtualHosts.length > 0 || open.tcp.length === 0);
    tally.fail(reads ? '404 NR' : open ? '000 reset' : '000 refused', 1);
    return tally.result(reads ? 'http' : 'none');
  }
  if (config.unknownHosts === 'registry-only') {
    // On a port with HTTP routes the request is answered, elsewhere the connection is reset.
    const answered = config.ports.some(
      (candidate) => candidate.port === port && candidate.virtualHosts.some((shared) => !shared.detected),
    );
    tally.fail(answered && !tcp && !tls ? '502 -' : '000 reset', 1);
    return tally.result('none');
  }
  const name = bareName(host);
  const shared = config.ports.find((candidate) => candidate.port === port)?.virtualHosts ?? [];
  const unit = shared.some(({ detected }) => !detected) && !tcp && !tls ? 'request' : 'connection';
  const passed = { cluster: undefined, unit } as const;
  if (tcp) {
    if (!tcp.passed) tally.arrive('unknown', 1);
    else if (!balance(tcp.passed, 1, tally, passed)) tally.fail('000 refused', 1);
    return tally.result('passthrough');
  }
  const hidden = config.hidden?.find((service) => service.port === port && service.domains.includes(name));
  const endpoints = hidden?.endpoints ?? config.clusters[`outbound|${port}||${called}`]?.endpoints;
  // The ClusterIP of a Service answers on its own ports only.
  if (!endpoints && hasService(config, name)) tally.fail('000 refused', 1);
  else if (!endpoints) tally.arrive('unknown', 1);
  else if (!balance(endpoints, 1, tally, passed)) tally.fail('000 refused', 1);
  return tally.result('passthrough');
}

/** Hosts that only a proxy knows have no address that could refuse. A name that a VirtualService took from the Service is still the Service's address. */
const hasService = ({ ports, hidden = [] }: ProxyConfig, name: string): boolean =>
  [...ports.flatMap((port) => [...port.virtualHosts, ...port.tcp]), ...hidden].some(
    ({ domains }) =>
      domains.includes(`${name}.svc.cluster.local`) ||
      (domains.includes(name) && domains.some((domain) => domain.endsWith('.svc.cluster.local'))),
  );

/** A headless Service without a ready pod has no address that could be dialled, on whichever port. */
function isUnreachable(
  { clusters, hidden = [], ports }: ProxyConfig,
  host: string,
  name: string,
  port: number,
): boolean {
  const nobody = (endpoints: readonly Endpoint[]) => endpoints.every((endpoint) => !endpoint.ready);
  const dialled = (cluster: Cluster | undefined) => cluster?.balancing === 'original-dst' && nobody(cluster.endpoints);
  const whole = clusters[`outbound|${port}||${host}`];
  if (whole) return dialled(whole);
  for (const other of ports) {
    for (const named of [...other.tcp, ...other.virtualHosts]) {
      // A VirtualService may have taken the short name from the Service.
      if (!named.domains.includes(name) && !named.domains.includes(`${name}.svc.cluster.local`)) continue;
      const known = 'host' in named ? named.host : named.name.replace(/:\d+$/, '');
      const cluster = clusters[`outbound|${other.port}||${known}`];
      if (cluster) return dialled(cluster);
    }
  }
  const unseen = hidden.filter(({ domains }) => domains.includes(name));
  return unseen.length > 0 && unseen.every(({ headless, endpoints }) => headless === true && nobody(endpoints));
}

/** The host that the client called, in full, and the port. */
interface Called {
  readonly host: string;
  readonly port: number;
  /** After the route's rewrite. */
  readonly path?: string;
}

const bare = (path: string): string => path.split('?', 1)[0] ?? '';

const arriving = ({ virtualHost, route, match }: Matched, path: string): string => {
  const matched = matchedPrefix(match, route.source ?? virtualHost.source);
  return bare(route.rewrite ? rewritePath(path, route.rewrite, matched) : path);
};

const sentBy = (cluster: Cluster | undefined, unit: Sent['unit'], { path }: Called): Arriving => ({
  cluster,
  unit,
  ...(path === undefined ? {} : { path }),
});

const OUTSIDE: readonly Endpoint[] = [{ pod: '', ip: '', targetPort: 0, ready: true, labels: {}, workload: '' }];

/**
 * A cluster that sends to where the client dialled: to the pods of the host that was called, whatever its own are. A name such as `shop.demo`
 * that a VirtualService has taken is still resolved to the Service's pods.
 */
function endpointsOf({ clusters }: ProxyConfig, cluster: Cluster, called: Called): readonly Endpoint[] {
  if (cluster.balancing !== 'original-dst' || cluster.host === called.host) return cluster.endpoints;
  const named = (host: string) => clusters[`outbound|${called.port}||${host}`]?.endpoints;
  return named(called.host) ?? named(`${called.host}.svc.cluster.local`) ?? OUTSIDE;
}

function followRoute(config: ProxyConfig, { route }: Matched, tally: Tally, called: Called): void {
  const { action, fault, mirrors } = route;
  if (action.kind !== 'forward') {
    tally.fail(`${action.status} -`, 1);
    return;
  }
  const aborted = fault.abort?.share ?? 0;
  if (fault.abort && aborted > 0) tally.fail(`${fault.abort.status} FI`, aborted);
  const passed = 1 - aborted;
  draw(config, action.destinations, passed, tally, 'request', called);
  for (const { cluster, share } of mirrors) {
    const target = config.clusters[cluster];
    const parts = target ? spread(endpointsOf(config, target, called)) : [];
    if (parts.length === 0) tally.copy('lost', passed * share);
    for (const [endpoint, part] of parts) {
      const refused = tally.refusalOf(endpoint, sentBy(target, 'request', called)) !== undefined;
      tally.copy(refused ? 'lost' : tally.version(endpoint), passed * share * part);
    }
  }
}

function draw(
  config: ProxyConfig,
  destinations: readonly Destination[],
  amount: number,
  tally: Tally,
  unit: 'request' | 'connection',
  called: Called,
): void {
  const sum = destinations.reduce((total, destination) => total + destination.weight, 0);
  for (const { cluster: name, weight, missingStatus } of destinations) {
    const part = (amount * weight) / sum;
    const cluster = config.clusters[name];
    if (!cluster) tally.fail(unit === 'connection' ? '000 NC' : `${missingStatus ?? 503} NC`, part);
    else if (!balance(endpointsOf(config, cluster, called), part, tally, sentBy(cluster, unit, called)))
      tally.fail(unit === 'connection' ? '000 UH' : '503 UH', part);
  }
}

/** @returns false when nobody is ready. */
function balance(endpoints: readonly Endpoint[], amount: number, tally: Tally, sent: Arriving): boolean {
  for (const [endpoint, part] of spread(endpoints)) {
    const refusal = tally.refusalOf(endpoint, sent);
    if (refusal === undefined) tally.arrive(tally.version(endpoint), amount * part);
    else tally.fail(refusal, amount * part);
  }
  return endpoints.some((endpoint) => endpoint.ready);
}

/** The ready endpoints and what each gets of the whole: nearer ones first, as far as they are ready. */
const spread = (endpoints: readonly Endpoint[]): [Endpoint, number][] =>
  groupsOf(endpoints, ({ ready }) => ready).flatMap(({ healthy, load }) => {
    const sum = healthy.reduce((total, { weight = 1 }) => total + weight, 0);
    return load > 0
      ? healthy.map((endpoint): [Endpoint, number] => [endpoint, (load * (endpoint.weight ?? 1)) / sum])
      : [];
  });
