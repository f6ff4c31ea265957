import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { clustersOf } from './clusters.js';
import { type AppliedRule, destinationRuleFor } from './destinationRules.js';
import { type Inventory, inventoryOf } from './inventory.js';
import { DEFAULT_RETRIES, NO_HEADERS } from './policies.js';
import { clusterName, exportedTo, type Service, type ServicePort, serviceDomains } from './services.js';
import type {
  Caller,
  Cluster,
  MeshObjects,
  MeshWarning,
  PortConfig,
  ProxyConfig,
  RetryPolicy,
  Route,
  TcpService,
  VirtualHost,
} from './types.js';
import { compileRules, type RuleContext } from './virtualServiceRoutes.js';
import { gatewaysOf, type HostOwners, httpRules, ownersOf, visibleVirtualServices } from './virtualServices.js';

const ROOT_NAMESPACE = 'istio-system';

/**
 * What Istio's control plane makes of the objects for one proxy: routes, clusters and endpoints.
 * The result depends on nothing but the arguments. Work that all proxies share is done once per `objects` array,
 * so the array must not be changed afterwards: a new state of the cluster is a new array.
 */
export function compileProxyConfig(objects: MeshObjects, caller: Caller): ProxyConfig {
  const inventory = inventoryOf(objects);
  const warnings: MeshWarning[] = [];
  const services = new Map<string, Service>();
  for (const service of inventory.services.values()) {
    if (exportedTo(service.exportTo, service.namespace, caller.namespace)) services.set(service.fqdn, service);
  }
  const clusters: Record<string, Cluster> = {};
  const rules = new Map<string, AppliedRule>();
  for (const service of services.values()) {
    const rule = destinationRuleFor(service, caller, inventory, ROOT_NAMESPACE);
    if (rule) rules.set(service.fqdn, rule);
    for (const cluster of clustersOf(service, rule, inventory)) clusters[cluster.name] = cluster;
  }
  const ports = sidecarPorts(inventory, caller, services, warnings);
  return { ports, clusters, warnings };
}

function sidecarPorts(
  inventory: Inventory,
  caller: Caller,
  services: ReadonlyMap<string, Service>,
  warnings: MeshWarning[],
): PortConfig[] {
  const visible = visibleVirtualServices(inventory.virtualServices, caller.namespace);
  const owners = ownersOf(
    visible.filter((object) => gatewaysOf(object).includes('mesh')),
    services,
  );
  const byPort = new Map<number, { service: Service; port: ServicePort }[]>();
  for (const service of services.values()) {
    for (const port of service.ports) {
      const entries = byPort.get(port.port);
      if (entries) entries.push({ service, port });
      else byPort.set(port.port, [{ service, port }]);
    }
  }
  return [...byPort]
    .sort(([a], [b]) => a - b)
    .map(([port, entries]) => {
      const context: RuleContext = {
        caller,
        port,
        gateways: ['mesh'],
        services,
        defaultRetries: DEFAULT_RETRIES,
        warn: (warning) => warnings.push(warning),
      };
      return portConfig(entries, owners, context);
    });
}

function portConfig(
  entries: readonly { service: Service; port: ServicePort }[],
  owners: HostOwners,
  context: RuleContext,
): PortConfig {
  const { port, caller } = context;
  const http = entries.filter((entry) => entry.port.protocol !== 'tcp');
  const tcp: TcpService[] = entries
    .filter((entry) => entry.port.protocol === 'tcp')
    .map(({ service }) => ({
      host: service.fqdn,
      domains: serviceDomains(service, caller.namespace),
      cluster: clusterName(port, '', service.fqdn),
    }));
  const taken = new Set<string>();
  const virtualHosts: VirtualHost[] = [];
  const add = (host: VirtualHost): void => {
    const domains = host.domains.filter((domain) => !taken.has(domain));
    for (const domain of domains) taken.add(domain);
    if (domains.length > 0) virtualHosts.push({ ...host, domains });
  };
  if (http.length > 0) {
    for (const [host, objects] of owners.others) {
      const routes = routesOf(objects[0], context);
      if (!routes) continue;
      add({ name: `${host}:${port}`, domains: [host], routes: routes.routes, source: objectRef(routes.object) });
    }
  }
  for (const { service, port: servicePort } of http) {
    const routed = routesOf(owners.services.get(service.fqdn)?.[0], context);
    add({
      name: `${service.fqdn}:${port}`,
      domains: serviceDomains(service, caller.namespace),
      routes: routed?.routes ?? [plainRoute(service, port, context.defaultRetries)],
      source: routed ? objectRef(routed.object) : undefined,
      ...(servicePort.protocol === 'detect' ? { detected: true } : {}),
    });
  }
  return { port, virtualHosts, tcp };
}

function routesOf(
  object: KubeObject | undefined,
  context: RuleContext,
): { routes: Route[]; object: KubeObject } | undefined {
  if (!object) return undefined;
  const routes = compileRules(httpRules(object), context);
  return routes.length > 0 ? { routes, object } : undefined;
}

/** What a Service gets without any route object: balancing over its ready pods, with Istio's default retries. */
export function plainRoute(service: Service, port: number, retries: RetryPolicy): Route {
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
