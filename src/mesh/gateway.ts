import { expandHost, type KubeObject, labelsMatch, objectRef } from '../base/kubernetes.js';
import type { Inventory } from './inventory.js';
import { isCatchAll } from './matches.js';
import { labels, number, record, records, text, texts } from './read.js';
import { hostMatches } from './services.js';
import type { Caller, PortConfig, Route, VirtualHost } from './types.js';
import { compileRules, type RuleContext } from './virtualServiceRoutes.js';
import { gatewaysOf, hostsOf, type RulesOf } from './virtualServices.js';

interface Server {
  readonly gateway: string;
  readonly namespace: string;
  readonly hosts: readonly string[];
}

/**
 * Route tables of a gateway workload: the HTTP servers of the Gateways that select it, each with the VirtualServices bound to them.
 * Unlike in a sidecar, VirtualServices of one host are merged, catch-all routes last.
 */
export function gatewayPorts(
  inventory: Inventory,
  caller: Caller,
  virtualServices: readonly KubeObject[],
  rulesOf: RulesOf,
  context: Omit<RuleContext, 'port' | 'gateways'>,
): PortConfig[] {
  const servers = new Map<number, Server[]>();
  for (const gateway of inventory.gateways) {
    if (!labelsMatch({ ...labels(gateway.spec?.selector) }, { ...caller.labels })) continue;
    const namespace = gateway.metadata.namespace ?? 'default';
    for (const server of records(gateway.spec?.servers)) {
      const port = number(record(server.port).number);
      if (port === undefined || !terminatesHttp(server)) continue;
      const entry = { gateway: `${namespace}/${gateway.metadata.name}`, namespace, hosts: texts(server.hosts) };
      servers.set(port, [...(servers.get(port) ?? []), entry]);
    }
  }
  return [...servers]
    .sort(([a], [b]) => a - b)
    .map(([port, list]) => ({
      port,
      virtualHosts: hostsOfPort(port, list, virtualServices, rulesOf, context),
      tcp: [],
    }));
}

function terminatesHttp(server: ReturnType<typeof record>): boolean {
  const protocol = (text(record(server.port).protocol) ?? '').toUpperCase();
  if (['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'].includes(protocol)) return true;
  const mode = text(record(server.tls).mode);
  return protocol === 'HTTPS' && mode !== undefined && mode !== 'PASSTHROUGH' && mode !== 'AUTO_PASSTHROUGH';
}

function hostsOfPort(
  port: number,
  servers: readonly Server[],
  virtualServices: readonly KubeObject[],
  rulesOf: RulesOf,
  context: Omit<RuleContext, 'port' | 'gateways'>,
): VirtualHost[] {
  const hosts = new Map<string, { routes: Route[]; source: string }>();
  for (const object of virtualServices) {
    const bound = servers.filter((server) => gatewaysOf(object).includes(server.gateway));
    if (bound.length === 0) continue;
    const place = { ...context, port, gateways: bound.map((server) => server.gateway) };
    for (const host of hostsOf(object).flatMap((name) => bound.flatMap((server) => servedAs(name, object, server)))) {
      const known = hosts.get(host);
      const routes = compileRules(rulesOf(object), place);
      if (routes.length === 0) continue;
      if (known) known.routes.push(...routes);
      else hosts.set(host, { routes, source: objectRef(object) });
    }
  }
  return [...hosts].map(([host, { routes, source }]) => ({
    name: `${host}:${port}`,
    domains: [host],
    routes: catchAllLast(routes),
    source,
  }));
}

/** The narrower of the two hosts where the server allows the VirtualService's namespace and the names overlap. */
function servedAs(host: string, object: KubeObject, server: Server): string[] {
  const namespace = object.metadata.namespace ?? 'default';
  for (const entry of server.hosts) {
    const slash = entry.indexOf('/');
    const owner = slash < 0 ? '*' : entry.slice(0, slash) === '.' ? server.namespace : entry.slice(0, slash);
    const name = expandHost(entry.slice(slash + 1), server.namespace);
    if (owner !== '*' && owner !== namespace) continue;
    if (hostMatches(name, host)) return [host];
    if (hostMatches(host, name)) return [name];
  }
  return [];
}

function catchAllLast(routes: readonly Route[]): Route[] {
  const last = (route: Route): boolean => route.matches.length === 0 || route.matches.some(isCatchAll);
  return [...routes.filter((route) => !last(route)), ...routes.filter(last)];
}
