import { ratio } from '../base/units.js';
import { durationMs, type Fields, isRecord, number, record, records, text, texts } from './read.js';
import { mostSpecificFor } from './subnets.js';
import {
  answerText,
  clusterHost,
  leadTo,
  matchText,
  mergeWeights,
  type RouteLine,
  type RouteSummary,
  serverNamesText,
  tcpLine,
  withEndpoints,
} from './summary.js';
import type { Redirect, RouteMatch, StringMatch } from './types.js';

/**
 * The routes of one Service as a live proxy holds them: Envoy's `/config_dump?include_eds` (admin port, JSON).
 * Only what decides where a request goes is read; everything else that a control plane adds is passed over.
 * @returns undefined when the document is no configuration dump with routes.
 */
export function summariseConfigDump(dump: unknown, serviceFqdn: string): RouteSummary | undefined {
  const configs = records(record(dump).configs);
  const section = (name: string): Fields[] => configs.filter((config) => text(config['@type'])?.endsWith(`.${name}`));
  const routeSections = section('RoutesConfigDump');
  if (routeSections.length === 0) return undefined;
  const routes: RouteLine[] = [];
  let ofGateway = false;
  for (const config of routeSections.flatMap((part) => [
    ...records(part.dynamic_route_configs),
    ...records(part.static_route_configs),
  ])) {
    const table = record(config.route_config);
    const tableName = text(table.name) ?? '';
    const port = portOf(tableName);
    const gateway = /^https?\./.test(tableName);
    ofGateway ||= gateway;
    if (port === undefined) continue;
    for (const host of records(table.virtual_hosts)) {
      const name = text(host.name);
      const domains = Array.isArray(host.domains) ? host.domains : [];
      const lines = records(host.routes).map((route) => httpLine(route, port));
      const own = name === `${serviceFqdn}:${port}` || domains.includes(serviceFqdn);
      if (own || (gateway && leadTo(serviceFqdn, lines))) routes.push(...lines);
    }
  }
  const http = new Set(routes.map((line) => line.port));
  for (const line of section('ListenersConfigDump').flatMap((part) => tcpLines(part, serviceFqdn))) {
    // A port whose protocol is detected has both kinds of filter chain; its requests go by the HTTP routes.
    if (!http.has(line.port)) routes.push(line);
  }
  routes.sort((a, b) => a.port - b.port);
  const lookup = clusterLookup(section('ClustersConfigDump'), section('EndpointsConfigDump'));
  const summary = withEndpoints(serviceFqdn, routes, lookup);
  return ofGateway ? { ...summary, gateway: true } : summary;
}

/** Sidecars name a table `80` or `host:80`, gateways `http.8080` or `https.443.name.gateway.namespace`. */
function portOf(tableName: string): number | undefined {
  const digits = /^(?:(\d+)|.*:(\d+)|https?\.(\d+)(?:\..*)?)$/.exec(tableName);
  const port = digits?.[1] ?? digits?.[2] ?? digits?.[3];
  return port === undefined ? undefined : Number(port);
}

function httpLine(route: Fields, port: number): RouteLine {
  const action = record(route.route);
  const weighted = records(record(action.weighted_clusters).clusters);
  const single = text(action.cluster);
  const fault = record(record(route.typed_per_filter_config)['envoy.filters.http.fault']);
  const delay = record(fault.delay);
  const abort = record(fault.abort);
  const status = number(abort.http_status) ?? (abort.grpc_status === undefined ? undefined : 200);
  return {
    port,
    protocol: 'http',
    match: matchText(readMatch(record(route.match))),
    clusters: mergeWeights(
      single === undefined
        ? weighted.map((cluster) => ({ name: text(cluster.name) ?? '', weight: number(cluster.weight) ?? 0 }))
        : [{ name: single, weight: 100 }],
    ),
    answer: readAnswer(route),
    mirrors: records(action.request_mirror_policies).map((mirror) => ({
      cluster: text(mirror.cluster) ?? '',
      share: isRecord(mirror.runtime_fraction) ? fraction(mirror.runtime_fraction.default_value) : 1,
    })),
    fault: {
      ...(isRecord(fault.delay)
        ? { delay: { share: fraction(delay.percentage), ms: durationMs(delay.fixed_delay) ?? 0 } }
        : {}),
      ...(status === undefined ? {} : { abort: { share: fraction(abort.percentage), status } }),
    },
    timeoutMs: durationMs(action.timeout) ?? 0,
    retries: isRecord(action.retry_policy) ? (number(action.retry_policy.num_retries) ?? 1) : 0,
  };
}

const DENOMINATORS: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

/** Envoy's FractionalPercent; JSON omits the default denominator, a hundred. */
function fraction(value: unknown): number {
  const fields = record(value);
  const denominator = DENOMINATORS[text(fields.denominator) ?? 'HUNDRED'] ?? 100;
  return ratio((number(fields.numerator) ?? 0) / denominator);
}

const REDIRECT_STATUS: Readonly<Record<string, number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
};

function readAnswer(route: Fields): string {
  if (isRecord(route.direct_response)) {
    const { status, body } = route.direct_response;
    return answerText({ kind: 'direct', status: number(status) ?? 200, body: text(record(body).inline_string) ?? '' });
  }
  if (!isRecord(route.redirect)) return '';
  const fields = route.redirect;
  const uri = text(fields.path_redirect);
  const prefix = text(fields.prefix_rewrite);
  const authority = text(fields.host_redirect);
  const scheme = text(fields.scheme_redirect);
  const port = number(fields.port_redirect);
  const redirect: Redirect = {
    kind: 'redirect',
    status: REDIRECT_STATUS[text(fields.response_code) ?? 'MOVED_PERMANENTLY'] ?? 301,
    ...(uri ? { uri } : {}),
    ...(prefix === undefined ? {} : { prefix }),
    ...(authority ? { authority } : {}),
    ...(scheme ? { scheme } : {}),
    ...(port ? { port } : {}),
  };
  return answerText(redirect);
}

function readMatch(match: Fields): RouteMatch {
  const path = readPath(match);
  const pseudo = (name: string): StringMatch | undefined => {
    const header = records(match.headers).find((entry) => text(entry.name) === name);
    return header ? readHeader(header) : undefined;
  };
  const method = pseudo(':method');
  const authority = pseudo(':authority');
  const scheme = pseudo(':scheme');
  return {
    ...(path ? { path } : {}),
    ...(method ? { method } : {}),
    ...(authority ? { authority } : {}),
    ...(scheme ? { scheme } : {}),
    headers: records(match.headers)
      .filter((header) => !text(header.name)?.startsWith(':'))
      .map((header) => ({
        name: text(header.name) ?? '',
        match: readHeader(header),
        invert: header.invert_match === true,
      })),
    query: records(match.query_parameters).map((query) => ({ name: text(query.name) ?? '', match: readHeader(query) })),
  };
}

function readPath(match: Fields): StringMatch | undefined {
  const fold = match.case_sensitive === false ? { ignoreCase: true } : {};
  const exact = text(match.path);
  if (exact !== undefined) return { kind: 'exact', value: exact, ...fold };
  const prefix = text(match.prefix);
  if (prefix !== undefined) return { kind: 'prefix', value: prefix, ...fold };
  const segment = text(match.path_separated_prefix);
  if (segment !== undefined) return { kind: 'segment-prefix', value: segment, ...fold };
  const regex = text(record(match.safe_regex).regex);
  return regex === undefined ? undefined : { kind: 'regex', value: regex };
}

/** A header or query condition, in today's spelling (`string_match`) or that of older proxies (`exact_match`). */
function readHeader(condition: Fields): StringMatch {
  const string = record(condition.string_match);
  const exact = text(string.exact) ?? text(condition.exact_match);
  if (exact !== undefined) return { kind: 'exact', value: exact };
  const prefix = text(string.prefix) ?? text(condition.prefix_match);
  if (prefix !== undefined) return { kind: 'prefix', value: prefix };
  const regex = text(record(string.safe_regex).regex) ?? text(record(condition.safe_regex_match).regex);
  return regex === undefined ? { kind: 'present', value: '' } : { kind: 'regex', value: regex };
}

function tcpLines(section: Fields, serviceFqdn: string): RouteLine[] {
  return records(section.dynamic_listeners).flatMap((entry) => {
    const listener = record(record(entry.active_state).listener);
    const port = number(record(record(listener.address).socket_address).port_value);
    if (port === undefined) return [];
    const address = text(record(record(listener.address).socket_address).address);
    return chainsFor(address, [...records(listener.filter_chains), record(listener.default_filter_chain)])
      .flatMap((chain) => records(chain.filters).map((filter) => ({ filter, names: serverNamesOf(chain) })))
      .flatMap(({ filter, names }) => {
        const proxy = record(filter.typed_config);
        if (!text(proxy['@type'])?.endsWith('.TcpProxy')) return [];
        const single = text(proxy.cluster);
        const clusters = mergeWeights(
          single === undefined
            ? records(record(proxy.weighted_clusters).clusters).map((cluster) => ({
                name: text(cluster.name) ?? '',
                weight: number(cluster.weight) ?? 0,
              }))
            : [{ name: single, weight: 100 }],
        );
        return clusters.some(({ name }) => clusterHost(name) === serviceFqdn) ? [tcpLine(port, clusters, names)] : [];
      });
  });
}

/** Filter chains that take connections to the listener's own address. */
function chainsFor(address: string | undefined, chains: readonly Fields[]): Fields[] {
  const candidates = chains.map((chain) => ({
    chain,
    subnets: records(record(chain.filter_chain_match).prefix_ranges).map(
      ({ address_prefix, prefix_len }) => `${text(address_prefix)}/${number(prefix_len) ?? 0}`,
    ),
  }));
  return mostSpecificFor(address, candidates).map(({ chain }) => chain);
}

const serverNamesOf = (chain: Fields): string => {
  const serverNames = texts(record(chain.filter_chain_match).server_names);
  return serverNamesText({ serverNames });
};

function clusterLookup(clusterSections: readonly Fields[], endpointSections: readonly Fields[]) {
  const types = new Map<string, string>();
  for (const section of clusterSections) {
    for (const entry of [...records(section.dynamic_active_clusters), ...records(section.static_clusters)]) {
      const cluster = record(entry.cluster);
      types.set(text(cluster.name) ?? '', text(cluster.type) ?? 'STATIC');
    }
  }
  const healthy = new Map<string, string[]>();
  for (const section of endpointSections) {
    for (const entry of [...records(section.dynamic_endpoint_configs), ...records(section.static_endpoint_configs)]) {
      const load = record(entry.endpoint_config);
      const addresses = records(load.endpoints)
        .flatMap((locality) => records(locality.lb_endpoints))
        .filter((endpoint) => ['HEALTHY', 'UNKNOWN'].includes(text(endpoint.health_status) ?? 'UNKNOWN'))
        .map((endpoint) => record(record(record(endpoint.endpoint).address).socket_address))
        .map((address) => `${text(address.address)}:${number(address.port_value)}`);
      const name = text(load.cluster_name) ?? '';
      healthy.set(name, [...(healthy.get(name) ?? []), ...addresses]);
    }
  }
  return (name: string): readonly string[] | 'missing' | 'original-dst' => {
    const type = types.get(name);
    if (type === undefined) return 'missing';
    return type === 'ORIGINAL_DST' ? 'original-dst' : (healthy.get(name) ?? []);
  };
}
