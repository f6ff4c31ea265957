import { type KubeObject, labelsMatch, objectRef } from '../base/kubernetes.js';
import type { TableContext } from './context.js';
import { routeTable, withKnownMirrors } from './gatewayApiRoutes.js';
import type { Inventory } from './inventory.js';
import { type Fields, labels, number, record, records, text, texts } from './read.js';
import { hostMatches } from './services.js';
import type { MeshWarning, VirtualHost } from './types.js';

/** The label that names a workload's Gateway. */
export const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';

const HTTP_LISTENERS = new Set(['HTTP', 'HTTPS']);

interface Listener {
  readonly name: string;
  readonly port: number;
  /** `*`: every host. */
  readonly hostname: string;
  readonly fields: Fields;
}

/** By port the hosts of the listeners of the Gateway whose name the caller's label tells. */
export function kubernetesGatewayHosts(
  inventory: Inventory,
  { caller, settings, scope, warn }: TableContext,
): ReadonlyMap<number, readonly VirtualHost[]> {
  const ports = new Map<number, VirtualHost[]>();
  const gateway = inventory.snapshot.kubernetesGateways.find(
    ({ metadata }) =>
      metadata.name === caller.labels[GATEWAY_NAME] && (metadata.namespace ?? 'default') === caller.namespace,
  );
  if (!gateway) return ports;
  for (const listener of listenersOf(gateway)) {
    const hosts = ports.get(listener.port) ?? [];
    ports.set(listener.port, hosts);
    for (const [host, routes] of routesByHost(gateway, listener, inventory, warn)) {
      const [oldest] = routes;
      const table = routeTable(routes, settings.defaultRetries, warn, (route, backend) =>
        mayName(route, backend, inventory),
      );
      if (!oldest || table.length === 0 || hosts.some(({ domains }) => domains.includes(host))) continue;
      const known = withKnownMirrors(table, scope.services);
      hosts.push({ name: `${host}:${listener.port}`, domains: [host], routes: known, source: objectRef(oldest) });
    }
  }
  return ports;
}

const listenersOf = (gateway: KubeObject): Listener[] =>
  records(gateway.spec?.listeners).flatMap((fields) => {
    const port = number(fields.port);
    if (port === undefined || !HTTP_LISTENERS.has(text(fields.protocol) ?? '')) return [];
    return [{ name: text(fields.name) ?? '', port, hostname: text(fields.hostname) || '*', fields }];
  });

function routesByHost(
  gateway: KubeObject,
  listener: Listener,
  inventory: Inventory,
  warn: (warning: MeshWarning) => void,
): ReadonlyMap<string, KubeObject[]> {
  const byHost = new Map<string, KubeObject[]>();
  for (const { route, parent, field } of inventory.attachments.toGateways.get(keyOf(gateway)) ?? []) {
    const section = text(parent.sectionName);
    const port = number(parent.port);
    if ((section && section !== listener.name) || (port !== undefined && port !== listener.port)) continue;
    if (!allows(gateway, listener, route, inventory)) {
      const message = `Listener ${listener.name} of ${objectRef(gateway)} takes no routes of namespace ${route.metadata.namespace} (allowedRoutes); the route is not attached to it.`;
      warn({ code: 'HTTPROUTE_NOT_ATTACHED', object: objectRef(route), field, message });
      continue;
    }
    const hosts = commonHosts(listener.hostname, texts(route.spec?.hostnames));
    if (hosts.length === 0) {
      const message = `None of its hostnames is one of listener ${listener.name} (${listener.hostname}); the route is not attached to it.`;
      warn({ code: 'HTTPROUTE_NOT_ATTACHED', object: objectRef(route), field: 'spec.hostnames', message });
    }
    for (const host of hosts) {
      const known = byHost.get(host);
      if (!known) byHost.set(host, [route]);
      else if (!known.includes(route)) known.push(route);
    }
  }
  return byHost;
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? 'default'}/${metadata.name}`;

function allows(gateway: KubeObject, { fields }: Listener, route: KubeObject, { snapshot }: Inventory): boolean {
  const namespaces = record(record(fields.allowedRoutes).namespaces);
  const owner = route.metadata.namespace ?? 'default';
  switch (text(namespaces.from) ?? 'Same') {
    case 'All':
      return true;
    case 'Selector': {
      const wanted = labels(record(namespaces.selector).matchLabels);
      const object = snapshot.namespaces.find(({ metadata }) => metadata.name === owner);
      return labelsMatch({ ...wanted }, { 'kubernetes.io/metadata.name': owner, ...object?.metadata.labels });
    }
    default:
      return owner === (gateway.metadata.namespace ?? 'default');
  }
}

/** Of a listener's host name and a route's: the narrower of each pair that overlaps. */
function commonHosts(listener: string, route: readonly string[]): string[] {
  if (route.length === 0) return [listener];
  return route.flatMap((host) => {
    if (hostMatches(listener, host)) return [host];
    return hostMatches(host, listener) ? [listener] : [];
  });
}

/** A backend in another namespace needs a ReferenceGrant there. */
function mayName(route: KubeObject, backend: Fields, { snapshot }: Inventory): boolean {
  const from = route.metadata.namespace ?? 'default';
  const to = text(backend.namespace) ?? from;
  if (to === from) return true;
  return snapshot.referenceGrants.some(
    (grant) =>
      (grant.metadata.namespace ?? 'default') === to &&
      records(grant.spec?.from).some((entry) => entry.kind === route.kind && entry.namespace === from) &&
      records(grant.spec?.to).some(
        (entry) => (text(entry.kind) ?? 'Service') === 'Service' && (!text(entry.name) || entry.name === backend.name),
      ),
  );
}
