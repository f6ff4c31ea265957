import { routesOfServices } from './serverNames.js';
import type { ProxyConfig, Route, RouteMatch, StringMatch, TlsRoute } from './types.js';

/** What decides where a Service's requests go, in a form that two sources can be compared by. */
export interface RouteSummary {
  /** FQDN. */
  readonly service: string;
  /** Of a gateway: where it listens for a port is for the Service before it to say, so ports are not compared. Absent: of a sidecar. */
  readonly gateway?: true;
  /** By port, then in matching order; alternatives of one rule are lines of their own, as a proxy holds them. */
  readonly routes: readonly RouteLine[];
  /** Ready endpoints `ip:port`, sorted, of every cluster that a line names and that balances by itself. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  /** Clusters that a line names and that the proxy does not have, sorted. */
  readonly missing: readonly string[];
}

export interface RouteLine {
  readonly port: number;
  readonly protocol: 'http' | 'tcp';
  /** Conditions in canonical order; empty: every request. */
  readonly match: string;
  /** Sorted by name, one entry a cluster; a single one weighs 100. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  /** A redirect or direct response in words; empty: forwarded. */
  readonly answer: string;
  readonly mirrors: readonly { readonly cluster: string; readonly share: number }[];
  readonly fault: {
    readonly delay?: { readonly share: number; readonly ms: number };
    readonly abort?: { readonly share: number; readonly status: number };
  };
  /** 0: none. */
  readonly timeoutMs: number;
  readonly retries: number;
}

/** The routes of one Service in a compiled configuration; at a gateway, where any host may lead to it, those of every such host. */
export function summarise(config: ProxyConfig, serviceFqdn: string): RouteSummary {
  const routes: RouteLine[] = [];
  const gateway = config.unknownHosts === 'not-found';
  for (const { port, virtualHosts, tcp } of config.ports) {
    for (const host of virtualHosts) {
      const lines = host.routes.flatMap((route) => linesOf(route, port));
      const own = host.name === `${serviceFqdn}:${port}` || host.domains.includes(serviceFqdn);
      if (own || (gateway && leadTo(serviceFqdn, lines))) routes.push(...lines);
    }
    // As in a dump: of a port with both kinds of filter chain those for HTTP say where requests go.
    if (routes.some((line) => line.port === port)) continue;
    for (const { destinations, tls } of routesOfServices(tcp, port)) {
      const clusters = mergeWeights(destinations.map(({ cluster: name, weight }) => ({ name, weight })));
      if (!clusters.some(({ name }) => clusterHost(name) === serviceFqdn)) continue;
      routes.push(tcpLine(port, clusters, tls ? serverNamesText(tls) : ''));
    }
  }
  const summary = withEndpoints(serviceFqdn, routes, (name) => {
    const cluster = config.clusters[name];
    if (!cluster) return 'missing';
    if (cluster.balancing === 'original-dst') return 'original-dst';
    return cluster.endpoints.filter((endpoint) => endpoint.ready).map(({ ip, targetPort }) => `${ip}:${targetPort}`);
  });
  return gateway ? { ...summary, gateway } : summary;
}

/** Does one of the routes send anything to the Service? */
export const leadTo = (serviceFqdn: string, lines: readonly RouteLine[]): boolean =>
  lines.some(({ clusters }) => clusters.some(({ name }) => clusterHost(name) === serviceFqdn));

/** The host in `outbound|port|subset|host`. */
export const clusterHost = (name: string): string => name.split('|')[3] ?? '';

/** Empty: every connection. */
export const serverNamesText = ({ serverNames }: Pick<TlsRoute, 'serverNames'>): string =>
  serverNames.includes('*') || serverNames.length === 0 ? '' : `server name ${[...serverNames].sort().join(' or ')}`;

/** @param match server names in words; empty: every connection. */
export const tcpLine = (port: number, clusters: RouteLine['clusters'], match: string): RouteLine => ({
  port,
  protocol: 'tcp',
  match,
  clusters,
  answer: '',
  mirrors: [],
  fault: {},
  timeoutMs: 0,
  retries: 0,
});

export function withEndpoints(
  service: string,
  routes: readonly RouteLine[],
  lookup: (cluster: string) => readonly string[] | 'missing' | 'original-dst',
): RouteSummary {
  const endpoints: Record<string, readonly string[]> = {};
  const missing: string[] = [];
  const names = routes.flatMap((line) => [
    ...line.clusters.map((cluster) => cluster.name),
    ...line.mirrors.map((mirror) => mirror.cluster),
  ]);
  for (const name of [...new Set(names)].sort()) {
    const found = lookup(name);
    if (found === 'missing') missing.push(name);
    else if (found !== 'original-dst') endpoints[name] = [...new Set(found)].sort();
  }
  return { service, routes, endpoints, missing };
}

function linesOf(route: Route, port: number): RouteLine[] {
  const { action, fault } = route;
  // A redirect or direct response is never retried nor timed out.
  const forwards = action.kind === 'forward';
  const line: Omit<RouteLine, 'match'> = {
    port,
    protocol: 'http',
    clusters:
      action.kind === 'forward'
        ? mergeWeights(action.destinations.map(({ cluster, weight }) => ({ name: cluster, weight })))
        : [],
    answer: answerText(action),
    mirrors: route.mirrors.map(({ cluster, share }) => ({ cluster, share })),
    fault: {
      ...(fault.delay ? { delay: { share: fault.delay.share, ms: fault.delay.duration } } : {}),
      ...(fault.abort ? { abort: { ...fault.abort } } : {}),
    },
    timeoutMs: forwards ? (route.timeout ?? 0) : 0,
    retries: forwards ? route.retries.attempts : 0,
  };
  const matches = route.matches.length === 0 ? [''] : route.matches.map(matchText);
  return matches.map((match) => ({ ...line, match }));
}

export function answerText(action: Route['action']): string {
  if (action.kind === 'direct') return `direct ${action.status} ${action.body}`;
  if (action.kind === 'forward') return '';
  const { status, scheme = '', authority = '', port = '', uri = '', prefix } = action;
  return `redirect ${status} ${scheme}//${authority}:${port}${uri}${prefix === undefined ? '' : ` prefix ${prefix}`}`;
}

export function mergeWeights(clusters: RouteLine['clusters']): RouteLine['clusters'] {
  const sums = new Map<string, number>();
  for (const { name, weight } of clusters) if (weight > 0) sums.set(name, (sums.get(name) ?? 0) + weight);
  if (sums.size === 1) return [...sums.keys()].map((name) => ({ name, weight: 100 }));
  return [...sums].map(([name, weight]) => ({ name, weight })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Conditions of one match, sorted; a path prefix `/` is no condition. */
export function matchText(match: RouteMatch): string {
  const parts: string[] = [];
  const { path, method, authority, scheme } = match;
  const wholePath = path && (path.kind === 'prefix' || path.kind === 'segment-prefix') && path.value === '/';
  if (path && !wholePath) parts.push(`path ${stringText(path)}`);
  if (method) parts.push(`method ${stringText(method)}`);
  if (authority) parts.push(`authority ${stringText(authority)}`);
  if (scheme) parts.push(`scheme ${stringText(scheme)}`);
  for (const { name, match: condition, invert } of match.headers) {
    parts.push(`${invert ? 'no ' : ''}header ${name} ${stringText(condition)}`);
  }
  for (const { name, match: condition } of match.query) parts.push(`query ${name} ${stringText(condition)}`);
  return parts.sort().join(', ');
}

const stringText = ({ kind, value, ignoreCase }: StringMatch): string =>
  `${kind}${kind === 'present' ? '' : ` ${value}`}${ignoreCase ? ' (any case)' : ''}`;
