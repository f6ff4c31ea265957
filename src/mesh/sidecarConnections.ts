import type { KubeObject } from '../base/kubernetes.js';
import type { Backing } from './endpoints.js';
import type { Inventory } from './inventory.js';
import { type Alias, aliasDomains, clusterName, type Service, type ServicePort, serviceDomains } from './services.js';
import { type Entry, hasNoAddress } from './strangers.js';
import { prefixLength } from './subnets.js';
import { tcpRule } from './tcpRoutes.js';
import { tlsRoutes } from './tlsRoutes.js';
import type { Caller, Destination, HiddenService, TcpService, TlsRoute } from './types.js';
import type { RuleContext } from './virtualServiceRoutes.js';
import { wantsEveryAddress } from './withoutAddress.js';

const NOTHING: readonly never[] = [];

/** Whose connections they are, and what may route them. */
export interface Connections {
  readonly entry: Entry;
  /** VirtualServices, in order of precedence. */
  readonly claims: readonly KubeObject[];
  readonly aliases: readonly Alias[];
  /** undefined: the Service's own address is dialled. */
  readonly backing: Backing | undefined;
  /** Other hosts read HTTP where it would take every connection. */
  readonly besideHttp: boolean;
}

/** What a sidecar does with the connections of one port of a Service that it does not read requests on. */
export function tcpService(
  { entry, claims, aliases, backing, besideHttp }: Connections,
  rules: RuleContext,
): TcpService {
  const { service, port: servicePort } = entry;
  const { port, tls } = servicePort;
  const { fqdn } = service;
  const address = addressOf(service, servicePort, backing);
  const cluster = clusterName(port, '', fqdn);
  const rule = tls ? undefined : tcpRule(claims, address, rules);
  const routes = tls ? (tlsRoutes(claims, address, rules) ?? routesByName(service, port)) : undefined;
  return {
    host: fqdn,
    // Nobody finds it by a name that may stand in a request.
    domains: besideHttp ? [] : serviceDomains(service, rules.caller.namespace, aliases),
    cluster,
    ...(wantsEveryAddress(entry) || (tls && hasNoAddress(service)) ? { anyAddress: true } : {}),
    ...(besideHttp ? { besideHttp } : {}),
    ...(rule ? { destinations: rule.destinations, source: rule.source } : {}),
    ...(routes ? { tls: routes } : {}),
    ...(routes && !service.entry ? { passed: backing?.pods(servicePort) ?? [] } : {}),
  };
}

/** What clients dial; those of a headless Service dial a pod, of which one stands for all. undefined: not known. */
function addressOf(service: Service, port: ServicePort, backing: Backing | undefined): string | undefined {
  const pod = service.headless ? backing?.pods(port).find(({ ready }) => ready) : undefined;
  return service.clusterIp ?? service.entry?.addresses[0] ?? pod?.ip;
}

/**
 * A Service whose protocol is detected, as one of connections, where a `tcp` rule is meant for subnets that hold its address: proxies compare
 * addresses before they look for HTTP, so the rule takes requests too. undefined: there is no such rule.
 */
export function takenBySubnet(connections: Connections, rules: RuleContext): TcpService | undefined {
  const { entry, claims, backing } = connections;
  const { service, port } = entry;
  const address = addressOf(service, port, backing);
  const rule = tcpRule(claims, address, rules);
  if (!rule || prefixLength(address, rule.subnets) <= 0) return undefined;
  const message = `Its subnets hold ${address}, the address of ${service.fqdn}, and port ${port.port} names no protocol, so the rule takes HTTP requests too, connection by connection, and no http rule is asked; name the port http.`;
  rules.warn({ code: 'HTTP_RULES_IGNORED', object: rule.source, field: `${rule.field}.match`, message });
  return tcpService(connections, rules);
}

/** A host without address is told apart by its name alone. */
function routesByName(service: Service, port: number): TlsRoute[] | undefined {
  if (!hasNoAddress(service)) return undefined;
  const destinations = [wholeService(service, port)];
  return [{ serverNames: [service.fqdn.toLowerCase()], destinations, source: '', field: '' }];
}

/** All of a Service, balanced. */
export const wholeService = ({ fqdn }: Service, port: number): Destination => ({
  cluster: clusterName(port, '', fqdn),
  host: fqdn,
  subset: '',
  port,
  weight: 100,
  field: '',
});

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
  const domains = serviceDomains(service, caller.namespace, aliases);
  return ports.map((port) => ({ host: service.fqdn, domains, ...behind(service, port, inventory) }));
}

/** The same for an ExternalName that a sidecar does not know, of a Service that it does know. */
export const hiddenAlias = (alias: Alias, service: Service, caller: Caller, inventory: Inventory): HiddenService[] =>
  service.ports.map((port) => ({
    host: alias.fqdn,
    domains: aliasDomains(alias, caller.namespace),
    ...behind(service, port, inventory),
  }));

const behind = (service: Service, port: ServicePort, inventory: Inventory) => ({
  ...(service.headless ? { headless: true } : {}),
  port: port.port,
  endpoints: inventory.backings.get(service.fqdn)?.pods(port) ?? [],
});
