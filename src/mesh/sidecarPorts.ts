import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { type TableContext, tablePart } from './context.js';
import { type Attachment, httpRouteBeats, routesFor } from './gatewayApi.js';
import { routeTable, withKnownBackends } from './gatewayApiRoutes.js';
import type { Inventory } from './inventory.js';
import { perObject } from './memo.js';
import { NO_HEADERS } from './policies.js';
import { type Alias, aliasDomains, type Service, serviceDomains } from './services.js';
import { type Connections, takenBySubnet, tcpService, wholeService } from './sidecarConnections.js';
import { aliasesOn, type Entry, keepsName, strangersOn } from './strangers.js';
import type { PortConfig, RetryPolicy, Route, TcpService, VirtualHost } from './types.js';
import { aliasesWithPort, compileRules, type RuleContext } from './virtualServiceRoutes.js';
import { hostsOf, type RulesOf } from './virtualServices.js';
import { everyAddress, wantsEveryAddress, warnOfHttp, warnOfTaker } from './withoutAddress.js';

const NOTHING: readonly never[] = [];

/** Route tables of a sidecar: all Services with one port number share a table. */
export function sidecarPorts(inventory: Inventory, context: TableContext): PortConfig[] {
  return entriesByPort(context.scope.callable).map(([port, entries]) => portConfig(port, entries, inventory, context));
}

/** In the order of the port numbers. */
const entriesByPort = perObject((services: ReadonlyMap<string, Service>): [port: number, entries: Entry[]][] => {
  const byPort = new Map<number, Entry[]>();
  for (const service of services.values()) {
    for (const port of service.ports) {
      const entries = byPort.get(port.port);
      if (entries) entries.push({ service, port });
      else byPort.set(port.port, [{ service, port }]);
    }
  }
  return [...byPort].sort(([a], [b]) => a - b);
});

function portConfig(port: number, entries: readonly Entry[], inventory: Inventory, context: TableContext): PortConfig {
  const place = { port, gateways: ['mesh'] };
  const kinds = { host: `host ${port}`, tcp: `tcp ${port}`, other: `other ${port}` };
  const { owners, rounds } = context;
  const strangers = new Map<string, Routed>();
  for (const [host, claims] of strangersOn(port, entries, context)) {
    const routed = tablePart(context, place, kinds.host, host, claims, (rules, rulesOf) =>
      routedBy(host, undefined, { claims, attached: NOTHING, context }, rules, rulesOf),
    );
    if (routed) strangers.set(host, routed);
  }
  for (const alias of aliasesOn(port, context)) {
    const claims = mostSpecific(owners.services.get(alias.fqdn) ?? NOTHING, NOTHING, alias.fqdn);
    const routed = tablePart(context, place, kinds.host, alias.fqdn, claims, (rules, rulesOf) =>
      routedBy(alias.fqdn, undefined, { claims, attached: NOTHING, context }, rules, rulesOf),
    );
    for (const name of routed ? aliasDomains(alias, context.caller.namespace) : []) {
      if (routed && !strangers.has(name)) strangers.set(name, routed);
    }
  }
  const virtualHosts: VirtualHost[] = [];
  const tcp: TcpService[] = [];
  const shared = everyAddress(entries, inventory);
  for (const entry of entries) {
    const { service } = entry;
    const { fqdn } = service;
    const claims = owners.services.get(fqdn) ?? NOTHING;
    const aliases = context.scope.aliases.get(fqdn) ?? NOTHING;
    const connections = <T>(make: (all: Connections, rules: RuleContext) => T): T => {
      const backing = entry.port.tls || service.headless ? inventory.backings.get(fqdn) : undefined;
      const besideHttp = entry === shared.taker && shared.besideHttp;
      const all = { entry, claims: inPrecedence(claims, context), aliases, backing, besideHttp };
      const inputs = [service, all.claims, aliases, backing, besideHttp];
      return tablePart(context, place, kinds.tcp, fqdn, inputs, (rules) => make(all, rules));
    };
    if (entry.port.protocol === 'tcp') {
      if (shared.taker && entry !== shared.taker && wantsEveryAddress(entry)) {
        warnOfTaker(entry, shared.taker, context);
        continue;
      }
      if (entry === shared.taker && shared.besideHttp) warnOfHttp(entry, context);
      tcp.push(connections(tcpService));
      continue;
    }
    const taken = entry.port.protocol === 'detect' && claims.length > 0 && connections(takenBySubnet);
    if (taken) {
      tcp.push(taken);
      continue;
    }
    const attached = attachedTo(fqdn, inventory, context);
    const rivals = rivalsOf(service, aliases, strangers, context);
    const routes = attached === NOTHING ? NOTHING : attached.map(({ route }) => route);
    const inputs = [service, claims, rivals, routes, aliases];
    const host = tablePart(context, place, kinds.host, fqdn, inputs, (rules, rulesOf) =>
      serviceHost(entry, { claims, attached, aliases, rivals, context }, rules, rulesOf),
    );
    for (const [name] of rivals) if (host.domains.includes(name)) strangers.delete(name);
    if (host.domains.length > 0) virtualHosts.push(host);
  }
  for (const [host, routed] of strangers) {
    virtualHosts.push(
      rounds.value(kinds.other, host, [routed], () => ({
        name: `${host}:${port}`,
        // Only Services have short names.
        domains: [host],
        routes: routed.routes,
        source: routed.source,
      })),
    );
  }
  return rounds.value('port', `${port}`, [virtualHosts, tcp], () => ({ port, virtualHosts, tcp }));
}

/** Rules for connections are taken in the order of their objects: an exact host does not stand before a wildcard there. */
function inPrecedence(claims: readonly KubeObject[], { scope }: TableContext): readonly KubeObject[] {
  if (claims.length < 2) return claims;
  const wanted = new Set(claims);
  return scope.virtualServices.filter((object) => wanted.has(object));
}

/** The routes of a host, and whose they are. */
interface Routed extends Pick<VirtualHost, 'routes' | 'source'> {
  readonly winner: KubeObject;
}

type Rivals = readonly (readonly [name: string, owner: KubeObject])[];

/** Names of the Service that are hosts of VirtualServices in their own right. */
function rivalsOf(
  service: Service,
  aliases: readonly Alias[],
  strangers: ReadonlyMap<string, Routed>,
  { caller }: TableContext,
): Rivals {
  if (strangers.size === 0) return NOTHING;
  return serviceDomains(service, caller.namespace, aliases).flatMap((name) => {
    const routed = strangers.get(name);
    return routed ? [[name, routed.winner] as const] : [];
  });
}

function routesOf(object: KubeObject, context: RuleContext, rulesOf: RulesOf): Routed | undefined {
  const routes = compileRules(rulesOf(object), context);
  return routes.length > 0 ? { routes, source: objectRef(object), winner: object } : undefined;
}

function attachedTo(host: string, { attachments }: Inventory, { scope }: TableContext): readonly Attachment[] {
  return attachments.byService.get(host)?.filter(({ route }) => scope.sees(route, host)) ?? NOTHING;
}

interface Claims {
  /** VirtualServices, in order of precedence. */
  readonly claims: readonly KubeObject[];
  readonly attached: readonly Attachment[];
  readonly context: TableContext;
}

/** A wildcard rules a Service that no object names, wherever that one applies, and only the most specific one does. */
function mostSpecific(
  claims: readonly KubeObject[],
  attached: readonly Attachment[],
  host: string,
): readonly KubeObject[] {
  const exact = claims.filter((object) => hostsOf(object).includes(host));
  return exact.length > 0 || attached.length > 0 ? exact : claims.slice(0, 1);
}

/**
 * The routes of the first object that rules a host and has any for this client, for rules may be meant for others alone; undefined: nobody
 * has.
 */
function routedBy(
  host: string,
  service: Service | undefined,
  { claims, attached, context: { settings } }: Claims,
  rules: RuleContext,
  rulesOf: RulesOf,
): Routed | undefined {
  const { namespace } = rules.caller;
  const defaults = settings.exportTo.virtualServices;
  const httpRoutes = service ? routesFor(attached, service, rules.port, namespace, defaults) : [];
  const [winner] = claims;
  if (winner && httpRoutes[0]) {
    warnOfBoth(host, httpRoutes[0], winner, httpRouteBeats(httpRoutes, winner, host, namespace, defaults), rules);
  }
  let untried = httpRoutes.length > 0;
  for (const object of service ? mostSpecific(claims, attached, host) : claims) {
    if (untried && httpRouteBeats(httpRoutes, object, host, namespace, defaults)) {
      untried = false;
      const routed = gatewayApiRoutes(httpRoutes, rules);
      if (routed) return routed;
    }
    const routed = routesOf(object, rules, rulesOf);
    if (routed) return routed;
  }
  return untried ? gatewayApiRoutes(httpRoutes, rules) : undefined;
}

function serviceHost(
  { service, port: { port, protocol } }: Entry,
  { aliases, rivals, ...claims }: Claims & { readonly aliases: readonly Alias[]; readonly rivals: Rivals },
  rules: RuleContext,
  rulesOf: RulesOf,
): VirtualHost {
  const routed = routedBy(service.fqdn, service, claims, rules, rulesOf);
  const { namespace } = rules.caller;
  const taken = new Set(
    rivals
      .filter(([, owner]) => !keepsName(service, routed?.winner, owner, namespace, claims.context.settings))
      .map(([name]) => name),
  );
  const domains = serviceDomains(service, namespace, aliases);
  return {
    name: `${service.fqdn}:${port}`,
    domains: domains.filter((domain) => !taken.has(domain)),
    routes: routed?.routes ?? [plainRoute(service, port, rules.defaultRetries)],
    source: routed?.source,
    ...(protocol === 'detect' ? { detected: true } : {}),
  };
}

function warnOfBoth(
  host: string,
  httpRoute: KubeObject,
  virtualService: KubeObject,
  gatewayApi: boolean,
  context: RuleContext,
): void {
  const [wins, loses] = gatewayApi ? [httpRoute, virtualService] : [virtualService, httpRoute];
  const message = `${objectRef(wins)} routes ${host} too and wins for clients in ${context.caller.namespace}; nothing of this object applies there.`;
  context.warn({ code: 'DUPLICATE_ROUTE', object: objectRef(loses), field: 'spec', message });
}

function gatewayApiRoutes(httpRoutes: readonly KubeObject[], context: RuleContext): Routed | undefined {
  const [oldest] = httpRoutes;
  const routes = withKnownBackends(routeTable(httpRoutes, context.defaultRetries, context.warn), {
    services: context.services,
    aliases: aliasesWithPort(context),
  });
  return oldest && routes.length > 0 ? { routes, source: objectRef(oldest), winner: oldest } : undefined;
}

/** What a Service gets without any route object: balancing over its ready pods, with the mesh's default retries. */
function plainRoute(service: Service, port: number, retries: RetryPolicy): Route {
  return {
    name: 'default',
    matches: [],
    action: { kind: 'forward', destinations: [wholeService(service, port)] },
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
