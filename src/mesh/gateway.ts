import { expandHost, type KubeObject, labelsMatch, objectRef } from '../base/kubernetes.js';
import { type TableContext, tablePart } from './context.js';
import type { Inventory } from './inventory.js';
import { GATEWAY_NAME, kubernetesGatewayHosts } from './kubernetesGateway.js';
import { isCatchAll } from './matches.js';
import { NO_HEADERS } from './policies.js';
import { labels, number, record, records, text, texts } from './read.js';
import { hostMatches } from './services.js';
import type { PortConfig, Route, VirtualHost } from './types.js';
import { compileRules } from './virtualServiceRoutes.js';
import { gatewaysOf, hostsOf } from './virtualServices.js';

/** Whether pods with these labels are a gateway: a Gateway selects them, or they were made for one of the Gateway API. */
export const isGateway = (objects: readonly KubeObject[], own: Readonly<Record<string, string>>): boolean =>
  own[GATEWAY_NAME] !== undefined ||
  objects.some(({ kind, spec }) => {
    const selector = { ...labels(spec?.selector) };
    return kind === 'Gateway' && Object.keys(selector).length > 0 && labelsMatch(selector, { ...own });
  });

interface Server {
  readonly gateway: string;
  readonly namespace: string;
  readonly hosts: readonly string[];
  /** Every request is sent to https. */
  readonly redirects: boolean;
}

/**
 * Route tables of a gateway workload: the HTTP servers of the Gateways that select it, each with the VirtualServices bound to them, and the
 * listeners of the Gateway API's Gateway that it was made for. Unlike in a sidecar, VirtualServices of one host are merged, catch-all routes
 * last.
 */
export function gatewayPorts(inventory: Inventory, context: TableContext): PortConfig[] {
  const servers = new Map<number, Server[]>();
  for (const gateway of inventory.gateways) {
    if (!labelsMatch({ ...labels(gateway.spec?.selector) }, { ...context.caller.labels })) continue;
    const namespace = gateway.metadata.namespace ?? 'default';
    for (const server of records(gateway.spec?.servers)) {
      const port = number(record(server.port).number);
      if (port === undefined || !terminatesHttp(server)) continue;
      const entry = {
        gateway: `${namespace}/${gateway.metadata.name}`,
        namespace,
        hosts: texts(server.hosts),
        redirects: record(server.tls).httpsRedirect === true,
      };
      servers.set(port, [...(servers.get(port) ?? []), entry]);
    }
  }
  const listeners = kubernetesGatewayHosts(inventory, context);
  return [...new Set([...servers.keys(), ...listeners.keys()])]
    .sort((a, b) => a - b)
    .map((port) => ({
      port,
      virtualHosts: [...hostsOfPort(port, servers.get(port) ?? [], context), ...(listeners.get(port) ?? [])],
      tcp: [],
    }));
}

function terminatesHttp(server: ReturnType<typeof record>): boolean {
  const protocol = (text(record(server.port).protocol) ?? '').toUpperCase();
  if (['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'].includes(protocol)) return true;
  const mode = text(record(server.tls).mode);
  return protocol === 'HTTPS' && mode !== undefined && mode !== 'PASSTHROUGH' && mode !== 'AUTO_PASSTHROUGH';
}

function hostsOfPort(port: number, servers: readonly Server[], context: TableContext): VirtualHost[] {
  const hosts = new Map<string, { routes: Route[]; source: string; redirects: boolean }>();
  for (const object of context.scope.virtualServices) {
    const bound = servers.filter((server) => gatewaysOf(object).includes(server.gateway));
    if (bound.length === 0) continue;
    const gateways = bound.map((server) => server.gateway);
    const key = `gateway ${port} ${objectRef(object)}`;
    const routes = tablePart(context, { port, gateways }, key, [object, ...gateways], (rules, rulesOf) =>
      compileRules(rulesOf(object), rules),
    );
    if (routes.length === 0) continue;
    for (const server of bound) {
      for (const host of new Set(hostsOf(object).flatMap((name) => servedAs(name, object, server)))) {
        const known = hosts.get(host);
        if (!known) hosts.set(host, { routes: [...routes], source: objectRef(object), redirects: server.redirects });
        else if (!known.routes.includes(routes[0] as Route)) known.routes.push(...routes);
      }
    }
  }
  return [...hosts].map(([host, { routes, source, redirects }]) => ({
    name: `${host}:${port}`,
    domains: [host],
    routes: redirects ? [toHttps(source)] : catchAllLast(routes),
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

const toHttps = (source: string): Route => ({
  name: 'httpsRedirect',
  matches: [],
  action: { kind: 'redirect', status: 301, scheme: 'https' },
  mirrors: [],
  fault: {},
  retries: { attempts: 0, retryOn: [], statusCodes: [], perTryTimeout: undefined },
  timeout: undefined,
  rewrite: undefined,
  requestHeaders: NO_HEADERS,
  responseHeaders: NO_HEADERS,
  field: 'spec',
  source,
});
