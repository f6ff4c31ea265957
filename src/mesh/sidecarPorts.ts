import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { type Attachments, httpRouteBeats, routesFor } from './gatewayApi.js';
import { httpRouteTable } from './gatewayApiRoutes.js';
import type { Inventory } from './inventory.js';
import { NO_HEADERS } from './policies.js';
import { clusterName, type Service, type ServicePort, serviceDomains } from './services.js';
import { tcpDestinations } from './tcpRoutes.js';
import type { Caller, HiddenService, PortConfig, RetryPolicy, Route, TcpService, VirtualHost } from './types.js';
import { compileRules, type RuleContext } from './virtualServiceRoutes.js';
import type { HostOwners, RulesOf } from './virtualServices.js';

interface Entry {
  readonly service: Service;
  readonly port: ServicePort;
}

/** Route tables of a sidecar: all Services with one port number share a table. */
export function sidecarPorts(
  owners: HostOwners,
  rulesOf: RulesOf,
  attachments: Attachments,
  context: Omit<RuleContext, 'port' | 'gateways'>,
): PortConfig[] {
  const byPort = new Map<number, Entry[]>();
  for (const service of context.services.values()) {
    for (const port of service.ports) {
      const entries = byPort.get(port.port);
      if (entries) entries.push({ service, port });
      else byPort.set(port.port, [{ service, port }]);
    }
  }
  return [...byPort]
    .sort(([a], [b]) => a - b)
    .map(([port, entries]) =>
      portConfig(entries, owners, rulesOf, attachments, { ...context, port, gateways: ['mesh'] }),
    );
}

function portConfig(
  entries: readonly Entry[],
  owners: HostOwners,
  rulesOf: RulesOf,
  attachments: Attachments,
  context: RuleContext,
): PortConfig {
  const { port, caller } = context;
  const http = entries.filter((entry) => entry.port.protocol !== 'tcp');
  const taken = new Set<string>();
  const virtualHosts: VirtualHost[] = [];
  const add = (host: VirtualHost): void => {
    const domains = host.domains.filter((domain) => !taken.has(domain));
    for (const domain of domains) taken.add(domain);
    if (domains.length > 0) virtualHosts.push({ ...host, domains });
  };
  const routesOf = (object: KubeObject | undefined) => {
    const routes = object ? compileRules(rulesOf(object), context) : [];
    return object && routes.length > 0 ? { routes, source: objectRef(object) } : undefined;
  };
  if (http.length > 0) {
    // A host that is no Service, such as `shop.demo`, takes that name away from the Service.
    for (const [host, objects] of owners.others) {
      const routed = routesOf(objects[0]);
      if (routed) add({ name: `${host}:${port}`, domains: [host], ...routed });
    }
  }
  for (const { service, port: servicePort } of http) {
    const winner = owners.services.get(service.fqdn)?.[0];
    const httpRoutes = routesFor(attachments, service, port, caller.namespace);
    const gatewayApi = httpRouteBeats(httpRoutes, winner, service.fqdn, caller.namespace);
    const routed = gatewayApi ? gatewayApiRoutes(httpRoutes, context) : routesOf(winner);
    if (winner && httpRoutes[0]) warnOfBoth(service, httpRoutes[0], winner, gatewayApi, context);
    add({
      name: `${service.fqdn}:${port}`,
      domains: serviceDomains(service, caller.namespace),
      routes: routed?.routes ?? [plainRoute(service, port, context.defaultRetries)],
      source: routed?.source,
      ...(servicePort.protocol === 'detect' ? { detected: true } : {}),
    });
  }
  const tcp = entries
    .filter((entry) => entry.port.protocol === 'tcp')
    .map(({ service }): TcpService => {
      const destinations = tcpDestinations(owners.services.get(service.fqdn)?.[0], context);
      return {
        host: service.fqdn,
        domains: serviceDomains(service, caller.namespace),
        cluster: clusterName(port, '', service.fqdn),
        ...(destinations ? { destinations } : {}),
      };
    });
  return { port, virtualHosts, tcp };
}

function warnOfBoth(
  { fqdn }: Service,
  httpRoute: KubeObject,
  virtualService: KubeObject,
  gatewayApi: boolean,
  context: RuleContext,
): void {
  const [wins, loses] = gatewayApi ? [httpRoute, virtualService] : [virtualService, httpRoute];
  const message = `${objectRef(wins)} routes ${fqdn} too and wins for clients in ${context.caller.namespace}; nothing of this object applies there.`;
  context.warn({ code: 'DUPLICATE_ROUTE', object: objectRef(loses), field: 'spec', message });
}

function gatewayApiRoutes(httpRoutes: readonly KubeObject[], context: RuleContext) {
  const [oldest] = httpRoutes;
  const routes = httpRouteTable(httpRoutes, context.defaultRetries, context.warn);
  return oldest && routes.length > 0 ? { routes, source: objectRef(oldest) } : undefined;
}

/** What a Service gets without any route object: balancing over its ready pods, with the mesh's default retries. */
function plainRoute(service: Service, port: number, retries: RetryPolicy): Route {
  const cluster = clusterName(port, '', service.fqdn);
  return {
    name: 'default',
    matches: [],
    action: {
      kind: 'forward',
      destinations: [{ cluster, host: service.fqdn, subset: '', port, weight: 100, field: '' }],
    },
    mirrors: [],
    fault: {},
    retries,
    timeout: undefined,
    rewrite: undefined,
    requestHeaders: NO_HEADERS,
    responseHeaders: NO_HEADERS,
    field: '',
  };
}

/** What kube-proxy balances the connections of a Service over that the sidecar does not know, port by port. */
export function hiddenService(service: Service, caller: Caller, inventory: Inventory): HiddenService[] {
  return service.ports.map((port) => ({
    host: service.fqdn,
    domains: serviceDomains(service, caller.namespace),
    port: port.port,
    endpoints: inventory.endpoints(service, port, {}),
  }));
}
