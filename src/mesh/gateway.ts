import { objectRef } from '../base/kubernetes.js';
import { type TableContext, tablePart } from './context.js';
import { gatewayConnections } from './gatewayConnections.js';
import { type GatewayServer, servedAs, serversOf } from './gatewayServers.js';
import type { Inventory } from './inventory.js';
import { kubernetesGatewayHosts } from './kubernetesGateway.js';
import { catchAllLast } from './matches.js';
import { NO_HEADERS } from './policies.js';
import type { PortConfig, Route, VirtualHost } from './types.js';
import { compileRules } from './virtualServiceRoutes.js';
import { gatewaysOf, hostsOf } from './virtualServices.js';

/**
 * Route tables of a gateway workload: the HTTP servers of the Gateways that select it, each with the VirtualServices bound to them, and the
 * listeners of the Gateway API's Gateway that it was made for, and what is passed on as connections. Unlike in a sidecar, VirtualServices of
 * one host are merged, catch-all routes last.
 */
export function gatewayPorts(inventory: Inventory, context: TableContext): PortConfig[] {
  const servers = serversOf(inventory.gateways, context.caller);
  const listeners = kubernetesGatewayHosts(inventory, context);
  return [...new Set([...servers.keys(), ...listeners.keys()])]
    .sort((a, b) => a - b)
    .flatMap((port) => {
      const own = servers.get(port) ?? [];
      const http = own.filter((server) => server.http);
      const listening = listeners.get(port);
      const tcp = gatewayConnections(
        port,
        own.filter((server) => !server.http),
        context,
      );
      const virtualHosts = [...hostsOfPort(port, http, context), ...(listening ?? [])];
      return http.length > 0 || listening || tcp.length > 0 ? [{ port, virtualHosts, tcp }] : [];
    });
}

function hostsOfPort(port: number, servers: readonly GatewayServer[], context: TableContext): VirtualHost[] {
  const kind = `gateway ${port}`;
  const hosts = new Map<string, { routes: Route[]; source: string; redirects: boolean }>();
  for (const object of context.scope.virtualServices) {
    const bound = servers.filter((server) => gatewaysOf(object).includes(server.gateway));
    if (bound.length === 0) continue;
    const gateways = bound.map((server) => server.gateway);
    const key = objectRef(object);
    const routes = tablePart(context, { port, gateways }, kind, key, [object, ...gateways], (rules, rulesOf) =>
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
