import { type KubeObject, labelsMatch, namespaceOf } from '../base/kubernetes.js';
import { importsOf } from './imports.js';
import type { Inventory } from './inventory.js';
import { isRecord, labels, record, records } from './read.js';
import { type Alias, exportedTo, type Service } from './services.js';
import { policyMode } from './settings.js';
import type { Caller } from './types.js';
import { resolveDestination } from './virtualServiceRoutes.js';
import { gatewaysOf, hostsOf, visibleVirtualServices } from './virtualServices.js';

/** What one proxy is told of. */
export interface Scope {
  /** Services that routes may lead to. */
  readonly services: ReadonlyMap<string, Service>;
  /** Those of them that may be called by their names. */
  readonly callable: ReadonlyMap<string, Service>;
  /** Services that exist and whose names this proxy is not told. */
  readonly hidden: readonly Service[];
  /** By the Service that they stand for: ExternalNames by which it may be called too. */
  readonly aliases: ReadonlyMap<string, readonly Alias[]>;
  /** By their own names: those ExternalNames that routes may name, as hosts and as destinations. */
  readonly aliasHosts: ReadonlyMap<string, Alias>;
  /** In order of precedence. */
  readonly virtualServices: readonly KubeObject[];
  readonly unknownHosts: 'allow-any' | 'registry-only';
  /** Whether the proxy is told of a route of the Gateway API for a host. */
  sees(route: KubeObject, host: string): boolean;
}

/** exportTo first, then the Sidecar object that governs the workload. */
export function scopeOf(inventory: Inventory, caller: Caller): Scope {
  const { settings } = inventory;
  const { exportTo } = settings;
  const all = [...inventory.services.values()];
  if (caller.sidecar === false) {
    const none = new Map<string, Service>();
    return {
      services: none,
      callable: none,
      hidden: all,
      aliases: inventory.aliases,
      aliasHosts: new Map(),
      virtualServices: [],
      unknownHosts: 'allow-any',
      sees: () => false,
    };
  }
  const isExported = (service: Pick<Service, 'exportTo' | 'namespace'>): boolean =>
    exportedTo(service.exportTo.length > 0 ? service.exportTo : exportTo.services, service.namespace, caller.namespace);
  const exported = all.filter(isExported);
  const everyAlias = [...inventory.aliasHosts.values()].every(isExported);
  const aliasHosts = everyAlias
    ? inventory.aliasHosts
    : new Map([...inventory.aliasHosts].filter(([, alias]) => isExported(alias)));
  const virtualServices = visibleVirtualServices(inventory.virtualServices, caller.namespace, exportTo.virtualServices);
  const sidecar = caller.gateway ? undefined : sidecarFor(inventory.sidecars, caller, settings.rootNamespace);
  // Of the client's own namespace nobody asks whether a destination is exported.
  const withReached = (services: readonly Service[], reached: ReadonlySet<string>): readonly Service[] => {
    const seen = new Set(services);
    return all.filter(
      (service) => seen.has(service) || (service.namespace === caller.namespace && reached.has(service.fqdn)),
    );
  };
  const unknownHosts = policyMode(sidecar?.spec?.outboundTrafficPolicy) ?? settings.unknownHosts;
  const imported = sidecar && importsOf(sidecar, caller.namespace);
  if (!imported) {
    const everything = exported.length === all.length;
    const callable = everything ? inventory.services : byName(exported);
    return {
      // A gateway's scope, as Istio makes it, is what is exported and nothing else.
      services:
        everything || caller.gateway
          ? callable
          : byName(
              withReached(
                exported,
                reachedBy(virtualServices, inventory, () => true),
              ),
            ),
      callable,
      hidden: without(inventory, exported),
      aliases: inventory.aliases,
      aliasHosts,
      virtualServices,
      unknownHosts,
      sees: () => true,
    };
  }
  const kept = virtualServices.filter((object) => imported.some(namespaceOf(object), hostsOf(object)));
  const sees = (route: KubeObject, host: string): boolean => imported.some(namespaceOf(route), [host]);
  // Destinations of imported routes come with them, or they would lead nowhere; they still cannot be called themselves.
  const reached = reachedBy(kept, inventory, sees);
  const callable = exported.filter((service) => imported.some(service.namespace, [service.fqdn]));
  return {
    services: byName(
      withReached(exported, reached).filter(
        (service) => imported.some(service.namespace, [service.fqdn]) || reached.has(service.fqdn),
      ),
    ),
    callable: byName(callable),
    hidden: without(inventory, callable),
    aliases: new Map(
      callable.flatMap((service) => {
        const all = inventory.aliases.get(service.fqdn);
        return all ? [[service.fqdn, imported.aliases(service, all)] as const] : [];
      }),
    ),
    aliasHosts: new Map([...aliasHosts].filter(([host, { namespace }]) => imported.some(namespace, [host]))),
    virtualServices: kept,
    unknownHosts,
    sees,
  };
}

/** Destinations of routes that apply to clients in the mesh. */
function reachedBy(
  virtualServices: readonly KubeObject[],
  { attachments }: Inventory,
  sees: Scope['sees'],
): ReadonlySet<string> {
  return new Set([
    ...virtualServices.filter((object) => gatewaysOf(object).includes('mesh')).flatMap(destinationHosts),
    ...[...attachments.byService].flatMap(([host, attached]) =>
      attached.flatMap(({ route }) => (sees(route, host) ? backendHosts(route) : [])),
    ),
  ]);
}

const byName = (services: readonly Service[]): ReadonlyMap<string, Service> =>
  new Map(services.map((service) => [service.fqdn, service]));

function without(inventory: Inventory, services: readonly Service[]): Service[] {
  if (services.length === inventory.services.size) return [];
  const visible = new Set(services);
  return [...inventory.services.values()].filter((service) => !visible.has(service));
}

/**
 * The Sidecar that governs a workload: one with a matching workloadSelector, else the namespace's own, else the root namespace's.
 * @param sidecars oldest first
 */
export function sidecarFor(
  sidecars: readonly KubeObject[],
  caller: Pick<Caller, 'namespace' | 'labels'>,
  rootNamespace: string,
): KubeObject | undefined {
  const selectorOf = (object: KubeObject) => labels(record(object.spec?.workloadSelector).labels);
  const selects = (object: KubeObject) => Object.keys(selectorOf(object)).length > 0;
  const own = sidecars.filter((object) => namespaceOf(object) === caller.namespace);
  return (
    own.find((object) => selects(object) && labelsMatch({ ...selectorOf(object) }, { ...caller.labels })) ??
    own.find((object) => !selects(object)) ??
    sidecars.find((object) => object.metadata.namespace === rootNamespace && !selects(object))
  );
}

function destinationHosts(object: KubeObject): string[] {
  const spec = record(object.spec);
  const destinations = [...records(spec.http), ...records(spec.tcp), ...records(spec.tls)].flatMap((rule) => [
    ...records(rule.route).map((entry) => record(entry.destination)),
    ...(isRecord(rule.mirror) ? [rule.mirror] : []),
    ...records(rule.mirrors).map((entry) => record(entry.destination)),
  ]);
  const nowhere = { services: new Map<string, Service>(), aliases: new Map<string, Alias>(), port: 0 };
  return destinations.map((destination) => resolveDestination(destination, object, nowhere).host);
}

function backendHosts({ metadata, spec = {} }: KubeObject): string[] {
  return records(spec.rules).flatMap((rule) =>
    [
      ...records(rule.backendRefs),
      ...records(rule.filters).map((filter) => record(record(filter.requestMirror).backendRef)),
    ].map(({ name, namespace }) => `${name}.${namespace ?? namespaceOf({ metadata })}.svc.cluster.local`),
  );
}
