import { byPriority, priorityLoads } from './localities.js';
import { compileRouter, type MeshRequest } from './router.js';
import type { Cluster, Destination, Endpoint, ProxyConfig, Route } from './types.js';

export interface Prediction {
  /** Version -> share of the first attempts it receives; `unknown` where a pod has no version, or nobody can tell who answers. */
  readonly share: Readonly<Record<string, number>>;
  /** `<status> <response flag>` -> share that ends at the proxy. Together with `share` this sums to 1. */
  readonly failed: Readonly<Record<string, number>>;
  /** Version -> copies per request; `lost`: copies that arrive nowhere. */
  readonly mirrored: Readonly<Record<string, number>>;
  /** How the caller's proxy treats the connection. `none`: it refuses it. */
  readonly protocol: 'http' | 'tcp' | 'passthrough' | 'none';
}

export type VersionOf = (labels: Readonly<Record<string, string>>) => string | undefined;

/**
 * Where requests like the described one go on their first attempt, in the long run: faults first, then a draw over the weights, then
 * balancing over the ready pods of the drawn cluster. Retries, which stay in the drawn cluster, are not counted.
 */
export function predictShare(config: ProxyConfig, request: MeshRequest, versionOf: VersionOf): Prediction {
  const tally = new Tally(versionOf);
  const router = compileRouter(config);
  const { port, host, method, path, headers } = request;
  const virtualHost = router.virtualHost(port, host);
  const tcp = router.tcp(port, host);
  const called = virtualHost?.name.replace(/:\d+$/, '') ?? tcp?.host ?? '';
  if (config.unknownHosts !== 'not-found' && isUnreachable(config, called, port)) {
    tally.fail('000 refused', 1);
    return tally.result('none');
  }
  const matched = router.match(port, host, method, path, headers);
  if (matched) {
    followRoute(config, matched.route, tally, { host: called, port });
    return tally.result('http');
  }
  if (virtualHost) {
    tally.fail('404 NR', 1);
    return tally.result('http');
  }
  const known = tcp ?? (isInCluster(config, host) ? undefined : anyAddress(config, port));
  if (known) {
    const whole: Destination = { cluster: known.cluster, host: known.host, subset: '', port, weight: 1, field: '' };
    draw(config, known.destinations ?? [whole], 1, tally, 'connection', { host: known.host, port });
    return tally.result('tcp');
  }
  return beyondTheTable(config, request, tally);
}

const anyAddress = ({ ports }: ProxyConfig, port: number) =>
  ports.find((candidate) => candidate.port === port)?.tcp.find((service) => service.anyAddress);

const isInCluster = (config: ProxyConfig, host: string): boolean => hasService(config, bareName(host));

const bareName = (host: string): string => host.toLowerCase().replace(/:\d+$/, '');

/** A host that is in no table: a sidecar lets it pass or refuses what is not registered, a gateway finds nothing. */
function beyondTheTable(config: ProxyConfig, { host, port }: MeshRequest, tally: Tally): Prediction {
  if (config.unknownHosts === 'not-found') {
    const open = config.ports.some((candidate) => candidate.port === port);
    tally.fail(open ? '404 NR' : '000 refused', 1);
    return tally.result(open ? 'http' : 'none');
  }
  if (config.unknownHosts === 'registry-only') {
    // On a port with HTTP routes the request is answered, elsewhere the connection is reset.
    const answered = config.ports.some(
      (candidate) => candidate.port === port && candidate.virtualHosts.some((shared) => !shared.detected),
    );
    tally.fail(answered ? '502 -' : '000 reset', 1);
    return tally.result('none');
  }
  const name = bareName(host);
  const hidden = config.hidden?.find((service) => service.port === port && service.domains.includes(name));
  // The ClusterIP of a Service answers on its own ports only.
  if (!hidden && hasService(config, name)) tally.fail('000 refused', 1);
  else if (!hidden) tally.arrive('unknown', 1);
  else if (!balance(hidden.endpoints, 1, tally)) tally.fail('000 refused', 1);
  return tally.result('passthrough');
}

/** Hosts that only a proxy knows have no address that could refuse. A name that a VirtualService took from the Service is still the Service's address. */
const hasService = ({ ports, hidden = [] }: ProxyConfig, name: string): boolean =>
  [...ports.flatMap((port) => [...port.virtualHosts, ...port.tcp]), ...hidden].some(
    ({ domains }) =>
      domains.includes(`${name}.svc.cluster.local`) ||
      (domains.includes(name) && domains.some((domain) => domain.endsWith('.svc.cluster.local'))),
  );

/** A headless Service without a ready pod has no address that could be dialled. */
function isUnreachable({ clusters }: ProxyConfig, host: string, port: number): boolean {
  const whole = clusters[`outbound|${port}||${host}`];
  return whole?.balancing === 'original-dst' && whole.endpoints.every((endpoint) => !endpoint.ready);
}

/** The host that the client called, in full, and the port. */
interface Called {
  readonly host: string;
  readonly port: number;
}

const OUTSIDE: readonly Endpoint[] = [{ pod: '', ip: '', targetPort: 0, ready: true, labels: {}, workload: '' }];

/** A cluster that sends to where the client dialled: to the pods of the host that was called, whatever its own are. */
function endpointsOf({ clusters }: ProxyConfig, cluster: Cluster, called: Called): readonly Endpoint[] {
  if (cluster.balancing !== 'original-dst' || cluster.host === called.host) return cluster.endpoints;
  return clusters[`outbound|${called.port}||${called.host}`]?.endpoints ?? OUTSIDE;
}

function followRoute(config: ProxyConfig, route: Route, tally: Tally, called: Called): void {
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
    for (const [endpoint, part] of parts) tally.copy(tally.version(endpoint), passed * share * part);
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
    else if (!balance(endpointsOf(config, cluster, called), part, tally))
      tally.fail(unit === 'connection' ? '000 UH' : '503 UH', part);
  }
}

/** @returns false when nobody is ready. */
function balance(endpoints: readonly Endpoint[], amount: number, tally: Tally): boolean {
  for (const [endpoint, part] of spread(endpoints)) tally.arrive(tally.version(endpoint), amount * part);
  return endpoints.some((endpoint) => endpoint.ready);
}

/** The ready endpoints and what each gets of the whole: nearer ones first, as far as they are ready. */
function spread(endpoints: readonly Endpoint[]): [Endpoint, number][] {
  const tiers = byPriority(endpoints, ({ priority = 0 }) => priority).map((tier) => ({
    ready: tier.filter((endpoint) => endpoint.ready),
    total: tier.length,
  }));
  const loads = priorityLoads(tiers.map(({ ready, total }) => ({ healthy: ready.length, total })));
  return tiers.flatMap(({ ready }, index) => {
    const sum = ready.reduce((total, { weight = 1 }) => total + weight, 0);
    const load = loads[index] ?? 0;
    return load > 0
      ? ready.map((endpoint): [Endpoint, number] => [endpoint, (load * (endpoint.weight ?? 1)) / sum])
      : [];
  });
}

class Tally {
  private readonly share: Record<string, number> = {};
  private readonly failed: Record<string, number> = {};
  private readonly mirrored: Record<string, number> = {};
  private readonly versionOf: VersionOf;

  constructor(versionOf: VersionOf) {
    this.versionOf = versionOf;
  }

  version(endpoint: Endpoint): string {
    return this.versionOf(endpoint.labels) ?? 'unknown';
  }

  arrive(version: string, amount: number): void {
    add(this.share, version, amount);
  }

  fail(how: string, amount: number): void {
    add(this.failed, how, amount);
  }

  copy(version: string, amount: number): void {
    add(this.mirrored, version, amount);
  }

  result(protocol: Prediction['protocol']): Prediction {
    return { share: tidy(this.share), failed: tidy(this.failed), mirrored: tidy(this.mirrored), protocol };
  }
}

function add(counts: Record<string, number>, key: string, amount: number): void {
  if (amount > 0) counts[key] = (counts[key] ?? 0) + amount;
}

/** Twelve digits hide the noise of adding parts of one pod each, and keep sums at 1 to that precision. */
const tidy = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, Number(value.toFixed(12))]),
  );
