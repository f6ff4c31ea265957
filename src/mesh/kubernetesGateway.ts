import { type KubeObject, labelsMatch, namespaceOf, objectRef } from '../base/kubernetes.js';
import { compare, compareAges } from './age.js';
import type { TableContext } from './context.js';
import { routeTable, withKnownBackends } from './gatewayApiRoutes.js';
import type { Inventory } from './inventory.js';
import { catchAllLast } from './matches.js';
import { type Fields, labels, number, record, records, text, texts } from './read.js';
import { hostMatches } from './services.js';
import type { Route, VirtualHost } from './types.js';
import { visibilityOf } from './virtualServices.js';

/** The label that names a workload's Gateway. */
export const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';

const HTTP_LISTENERS = new Set(['HTTP', 'HTTPS']);

interface Listener {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  /** `*`: every host. */
  readonly hostname: string;
  readonly fields: Fields;
}

/** Routes that are attached to one listener under one of their host names: Istio merges them before anything else. */
interface Group {
  readonly hostname: string;
  /** Whose age and namespace count for all. */
  readonly first: KubeObject;
  readonly routes: KubeObject[];
}

/**
 * By port the hosts of the listeners of the Gateway whose name the caller's label tells. A host has the rules of every group that overlaps it,
 * one group after the other whatever they match, catch-all rules last.
 */
export function kubernetesGatewayHosts(
  inventory: Inventory,
  context: TableContext,
): ReadonlyMap<number, readonly VirtualHost[]> {
  const { caller, settings, scope, warn } = context;
  const ports = new Map<number, Map<string, { routes: Route[]; source: string }>>();
  const gateway = inventory.snapshot.kubernetesGateways.find(
    (candidate) =>
      candidate.metadata.name === caller.labels[GATEWAY_NAME] && namespaceOf(candidate) === caller.namespace,
  );
  const listeners = gateway ? listenersOf(gateway) : [];
  for (const listener of listeners) {
    const hosts = ports.get(listener.port) ?? new Map();
    ports.set(listener.port, hosts);
    for (const { hostname, first, routes } of groupsOf(listener, listeners, inventory, context)) {
      const host = narrower(listener.hostname, hostname);
      const table = routeTable(routes, settings.defaultRetries, warn, (route, backend) =>
        mayName(route, backend, inventory),
      );
      if (host === undefined || table.length === 0) continue;
      const merged = hosts.get(host) ?? { routes: [], source: objectRef(first) };
      merged.routes.push(...withKnownBackends(table, { services: scope.services, aliases: scope.aliasHosts }));
      hosts.set(host, merged);
    }
  }
  return new Map(
    [...ports].map(([port, hosts]) => [
      port,
      [...hosts].map(([host, { routes, source }]) => ({
        name: `${host}:${port}`,
        domains: [host],
        routes: catchAllLast(routes),
        source,
      })),
    ]),
  );
}

/** In Istio's order, by name. Of two for one port and host name the first written counts. */
function listenersOf(gateway: KubeObject): Listener[] {
  const listeners: Listener[] = [];
  for (const fields of records(gateway.spec?.listeners)) {
    const port = number(fields.port);
    const protocol = text(fields.protocol) ?? '';
    const hostname = text(fields.hostname) || '*';
    if (port === undefined || !HTTP_LISTENERS.has(protocol)) continue;
    if (listeners.some((other) => other.port === port && other.hostname === hostname)) continue;
    listeners.push({ name: text(fields.name) ?? '', port, protocol, hostname, fields });
  }
  return listeners.sort((a, b) => compare(a.name, b.name));
}

/** In the order in which Istio takes them: those of the Gateway's own namespace first, then by the age of their first route. */
function groupsOf(
  listener: Listener,
  listeners: readonly Listener[],
  inventory: Inventory,
  { caller, settings, warn }: TableContext,
): Group[] {
  const gateway = `${caller.namespace}/${caller.labels[GATEWAY_NAME]}`;
  const groups = new Map<string, Group>();
  for (const { route, parent, field } of inventory.attachments.toGateways.get(gateway) ?? []) {
    const section = text(parent.sectionName);
    const port = number(parent.port);
    if ((section && section !== listener.name) || (port !== undefined && port !== listener.port)) continue;
    const place = { code: 'HTTPROUTE_NOT_ATTACHED', object: objectRef(route) };
    if (!allows(caller.namespace, listener, route, inventory)) {
      const message = `Listener ${listener.name} of Gateway/${gateway} takes no routes of namespace ${route.metadata.namespace} (allowedRoutes); the route is not attached to it.`;
      warn({ ...place, field, message });
      continue;
    }
    const written = texts(route.spec?.hostnames);
    const hostnames = written.length > 0 ? written : ['*'];
    if (!hostnames.some((hostname) => narrower(listener.hostname, hostname) !== undefined)) {
      const message = `None of its hostnames is one of listener ${listener.name} (${listener.hostname}); the route is not attached to it.`;
      warn({ ...place, field: 'spec.hostnames', message });
      continue;
    }
    for (const hostname of hostnames) {
      const other = moreExact(hostname, listener, listeners);
      if (other) {
        const message = `Listener ${listener.name} leaves ${hostname} to listener ${other.name} of the same port, which names it more exactly; the route is attached to the former alone (sectionName).`;
        if (section) warn({ ...place, field: `${field}.sectionName`, message });
        continue;
      }
      const known = groups.get(hostname);
      if (!known) groups.set(hostname, { hostname, first: route, routes: [route] });
      else if (!known.routes.includes(route)) known.routes.push(route);
    }
  }
  const rank = ({ first }: Group): number => {
    const visibility = visibilityOf(first, caller.namespace, settings.exportTo.virtualServices);
    const own = visibility === 'public' && namespaceOf(first) === caller.namespace;
    return [undefined, 'private', 'named', 'public'].indexOf(visibility) - (own ? 0.5 : 0);
  };
  return [...groups.values()]
    .filter((group) => rank(group) > 0)
    .sort((a, b) => rank(a) - rank(b) || compareAges(a.first, b.first) || compare(a.hostname, b.hostname));
}

/** The listener of the same port that names a host more exactly: one with a wildcard leaves it to that one. */
const moreExact = (hostname: string, listener: Listener, listeners: readonly Listener[]): Listener | undefined =>
  listener.hostname.startsWith('*')
    ? listeners.find(
        (other) =>
          other.port === listener.port &&
          other.protocol === listener.protocol &&
          other.hostname !== listener.hostname &&
          other.hostname.length >= listener.hostname.length &&
          hostMatches(other.hostname, hostname),
      )
    : undefined;

function allows(namespace: string, { fields }: Listener, route: KubeObject, { snapshot }: Inventory): boolean {
  const namespaces = record(record(fields.allowedRoutes).namespaces);
  const owner = namespaceOf(route);
  switch (text(namespaces.from) ?? 'Same') {
    case 'All':
      return true;
    case 'Selector': {
      const wanted = labels(record(namespaces.selector).matchLabels);
      const object = snapshot.namespaces.find(({ metadata }) => metadata.name === owner);
      return labelsMatch({ ...wanted }, { 'kubernetes.io/metadata.name': owner, ...object?.metadata.labels });
    }
    default:
      return owner === namespace;
  }
}

/** Of a listener's host name and a route's the one that the other covers; undefined: they do not overlap. */
function narrower(listener: string, route: string): string | undefined {
  if (hostMatches(listener, route)) return route;
  return hostMatches(route, listener) ? listener : undefined;
}

/** A backend in another namespace needs a ReferenceGrant there. */
function mayName(route: KubeObject, backend: Fields, { snapshot }: Inventory): boolean {
  const from = namespaceOf(route);
  const to = text(backend.namespace) ?? from;
  if (to === from) return true;
  return snapshot.referenceGrants.some(
    (grant) =>
      namespaceOf(grant) === to &&
      records(grant.spec?.from).some((entry) => entry.kind === route.kind && entry.namespace === from) &&
      records(grant.spec?.to).some(
        (entry) => (text(entry.kind) ?? 'Service') === 'Service' && (!text(entry.name) || entry.name === backend.name),
      ),
  );
}
