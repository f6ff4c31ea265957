import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { type TableContext, tablePart } from './context.js';
import { type Attachment, httpRouteBeats, routesFor } from './gatewayApi.js';
import { routeTable } from './gatewayApiRoutes.js';
import type { Inventory } from './inventory.js';
import { NO_HEADERS } from './policies.js';
import { type Alias, clusterName, type Service, type ServicePort, serviceDomains } from './services.js';
import { tcpDestinations } from './tcpRoutes.js';
import type { Caller, HiddenService, PortConfig, RetryPolicy, Route, TcpService, VirtualHost } from './types.js';
import { compileRules, type RuleContext } from './virtualServiceRoutes.js';
import type { RulesOf } from './virtualServices.js';

interface Entry {
  readonly service: Service;
  readonly port: ServicePort;
}

const NOTHING: readonly never[] = [];

/** Route tables of a sidecar: all Services with one port number share a table. */
export function sidecarPorts(inventory: Inventory, context: TableContext): PortConfig[] {
  const byPort = new Map<number, Entry[]>();
  for (const service of context.scope.services.values()) {
    for (const port of service.ports) {
      const entries = byPort.get(port.port);
      if (entries) entries.push({ service, port });
      else byPort.set(port.port, [{ service, port }]);
    }
  }
  return [...byPort].sort(([a], [b]) => a - b).map(([port, entries]) => portConfig(port, entries, inventory, context));
}

function portConfig(port: number, entries: readonly Entry[], inventory: Inventory, context: TableContext): PortConfig {
  const place = { port, gateways: ['mesh'] };
  const { owners, rounds } = context;
  const virtualHosts: VirtualHost[] = [];
  const tcp: TcpService[] = [];
  // A host that is no Service, such as `shop.demo`, takes that name away from the Service.
  let taken = '';
  if (entries.some((entry) => entry.port.protocol !== 'tcp')) {
    for (const [host, [winner]] of owners.others) {
      const routed = tablePart(context, place, `host ${port} ${host}`, [winner], (rules, rulesOf) =>
        routesOf(winner, rules, rulesOf),
      );
      if (!routed) continue;
      virtualHosts.push(
        rounds.value(`other ${port} ${host}`, [routed], () => ({
          name: `${host}:${port}`,
          domains: [host],
          ...routed,
        })),
      );
      taken += `${host} `;
    }
  }
  for (const entry of entries) {
    const { service } = entry;
    const { fqdn } = service;
    const winner = owners.services.get(fqdn)?.[0];
    const aliases = inventory.aliases.get(fqdn) ?? NOTHING;
    if (entry.port.protocol === 'tcp') {
      const inputs = [service, winner, ...aliases];
      tcp.push(
        tablePart(context, place, `tcp ${port} ${fqdn}`, inputs, (rules) => tcpService(entry, winner, aliases, rules)),
      );
      continue;
    }
    const attached = inventory.attachments.byService.get(fqdn) ?? NOTHING;
    const inputs = [service, winner, taken, ...attached.map(({ route }) => route), ...aliases];
    const host = tablePart(context, place, `host ${port} ${fqdn}`, inputs, (rules, rulesOf) =>
      serviceHost(entry, { winner, attached, aliases, taken: taken.split(' '), context }, rules, rulesOf),
    );
    if (host.domains.length > 0) virtualHosts.push(host);
  }
  return rounds.value(`port ${port}`, [...virtualHosts, 'tcp', ...tcp], () => ({ port, virtualHosts, tcp }));
}

function routesOf(object: KubeObject | undefined, context: RuleContext, rulesOf: RulesOf) {
  const routes = object ? compileRules(rulesOf(object), context) : [];
  return object && routes.length > 0 ? { routes, source: objectRef(object) } : undefined;
}

interface Claims {
  readonly winner: KubeObject | undefined;
  readonly attached: readonly Attachment[];
  readonly aliases: readonly Alias[];
  readonly taken: readonly string[];
  readonly context: TableContext;
}

function serviceHost(
  { service, port: { port, protocol } }: Entry,
  { winner, attached, aliases, taken, context: { settings } }: Claims,
  rules: RuleContext,
  rulesOf: RulesOf,
): VirtualHost {
  const { namespace } = rules.caller;
  const httpRoutes = routesFor(attached, service, port, namespace);
  const gatewayApi = httpRouteBeats(httpRoutes, winner, service.fqdn, namespace, settings.exportTo.virtualServices);
  const routed = gatewayApi ? gatewayApiRoutes(httpRoutes, rules) : routesOf(winner, rules, rulesOf);
  if (winner && httpRoutes[0]) warnOfBoth(service, httpRoutes[0], winner, gatewayApi, rules);
  return {
    name: `${service.fqdn}:${port}`,
    domains: serviceDomains(service, namespace, aliases).filter((domain) => !taken.includes(domain)),
    routes: routed?.routes ?? [plainRoute(service, port, rules.defaultRetries)],
    source: routed?.source,
    ...(protocol === 'detect' ? { detected: true } : {}),
  };
}

function tcpService(
  { service, port: { port, tls } }: Entry,
  winner: KubeObject | undefined,
  aliases: readonly Alias[],
  rules: RuleContext,
): TcpService {
  const destinations = tls ? undefined : tcpDestinations(winner, rules);
  return {
    host: service.fqdn,
    domains: serviceDomains(service, rules.caller.namespace, aliases),
    cluster: clusterName(port, '', service.fqdn),
    ...(destinations ? { destinations } : {}),
  };
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
  const routes = routeTable(httpRoutes, context.defaultRetries, context.warn);
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
export function hiddenService(
  service: Service,
  ports: readonly ServicePort[],
  caller: Caller,
  inventory: Inventory,
): HiddenService[] {
  // Nobody but a proxy knows the hosts of ServiceEntries.
  if (service.entry) return [];
  const aliases = inventory.aliases.get(service.fqdn) ?? NOTHING;
  return ports.map((port) => ({
    host: service.fqdn,
    domains: serviceDomains(service, caller.namespace, aliases),
    port: port.port,
    endpoints: inventory.endpoints(service, port, {}),
  }));
}
