import { type KubeObject, namespaceOf, objectRef } from '../base/kubernetes.js';
import { compare, compareAges } from './age.js';
import { type Fields, list, number, records, text } from './read.js';
import type { Service } from './services.js';
import type { Snapshot } from './snapshot.js';
import type { MeshWarning } from './types.js';
import { hostsOf, visibilityOf } from './virtualServices.js';

const GROUP = 'gateway.networking.k8s.io';

/** An HTTPRoute that a parentRef binds to a Service; port undefined: every port of it. */
export interface Attachment {
  readonly route: KubeObject;
  readonly port: number | undefined;
}

/** A parentRef that names a Gateway of the Gateway API. */
interface GatewayAttachment {
  readonly route: KubeObject;
  readonly parent: Fields;
  readonly field: string;
}

export interface Attachments {
  /** By FQDN of the Service, oldest route first. */
  readonly byService: ReadonlyMap<string, readonly Attachment[]>;
  /** By `namespace/name` of the Gateway, oldest route first. */
  readonly toGateways: ReadonlyMap<string, readonly GatewayAttachment[]>;
  readonly warnings: readonly MeshWarning[];
}

/** Istio appends to a route's name, so that of one age `shop-canary` comes before `shop`. */
const madeName = (name: string): string => `${name}~`;

/** The order in which Istio merges routes: oldest first, then by namespace, then by name. */
const byPrecedence = (a: KubeObject, b: KubeObject): number =>
  compareAges(a, b) ||
  compare(namespaceOf(a), namespaceOf(b)) ||
  compare(madeName(a.metadata.name), madeName(b.metadata.name));

/**
 * Which HTTPRoutes act on which Services inside the mesh. The group of a parentRef must be written as `""`: left out it means the
 * Gateway API's own group, which has no Service.
 */
export function attachmentsOf(
  { httpRoutes, grpcRoutes }: Snapshot,
  services: ReadonlyMap<string, Service>,
): Attachments {
  const byService = new Map<string, Attachment[]>();
  const toGateways = new Map<string, GatewayAttachment[]>();
  const warnings: MeshWarning[] = [];
  for (const route of [...httpRoutes, ...grpcRoutes].sort(byPrecedence)) {
    const namespace = namespaceOf(route);
    records(route.spec?.parentRefs).forEach((parent, index) => {
      if ((text(parent.kind) ?? 'Gateway') === 'Gateway' && (text(parent.group) ?? GROUP) === GROUP) {
        const key = `${text(parent.namespace) ?? namespace}/${text(parent.name) ?? ''}`;
        const known = toGateways.get(key);
        const attachment = { route, parent, field: `spec.parentRefs[${index}]` };
        if (known) known.push(attachment);
        else toGateways.set(key, [attachment]);
        return;
      }
      if (text(parent.kind) !== 'Service') return;
      const refuse = (field: string, message: string): void => {
        const place = `spec.parentRefs[${index}]${field}`;
        warnings.push({ code: 'HTTPROUTE_NOT_ATTACHED', object: objectRef(route), field: place, message });
      };
      const fqdn = `${text(parent.name) ?? ''}.${text(parent.namespace) ?? namespace}.svc.cluster.local`;
      const port = number(parent.port);
      const service = services.get(fqdn);
      if (text(parent.group) !== '')
        refuse('.group', 'A Service needs `group: ""`, written out; the route is not attached.');
      else if (!service) refuse('.name', `There is no Service ${fqdn}; the route is not attached.`);
      else {
        if (port !== undefined && !service.ports.some((candidate) => candidate.port === port)) {
          // It still names the Service, which wildcards then leave alone.
          refuse('.port', `${fqdn} has no port ${port}; the route is not attached.`);
        }
        const known = byService.get(fqdn);
        if (known) known.push({ route, port });
        else byService.set(fqdn, [{ route, port }]);
      }
    });
  }
  return { byService, toGateways, warnings };
}

/**
 * The routes that a client follows for one Service and port: those of its own namespace alone if there are any, else those of the
 * Service's namespace. Routes that name the port and routes that name none are not merged: those with the oldest count, of the
 * same age those that name the port.
 * @param attached oldest first.
 */
export function routesFor(
  attached: readonly Attachment[],
  service: Service,
  port: number,
  namespace: string,
  defaultExportTo: readonly string[],
): KubeObject[] {
  const onPort = attached.filter((attachment) => attachment.port === undefined || attachment.port === port);
  const of = (owner: string): KubeObject[] => {
    const own = onPort.filter(({ route }) => namespaceOf(route) === owner);
    const [oldest] = own;
    if (!oldest) return [];
    const named = own.find((each) => each.port !== undefined && compareAges(each.route, oldest.route) === 0);
    const { port: counts } = named ?? oldest;
    return [...new Set(own.filter((each) => each.port === counts).map(({ route }) => route))];
  };
  const own = of(namespace);
  if (own.length > 0) return own;
  return defaultExportTo.includes('.') ? [] : of(service.namespace);
}

/** Which of the two kinds rules a Service: they are never merged. @param routes not empty, oldest first. */
export function httpRouteBeats(
  routes: readonly KubeObject[],
  virtualService: KubeObject | undefined,
  fqdn: string,
  namespace: string,
  defaultExportTo: readonly string[],
): boolean {
  const [oldest] = routes;
  if (!oldest) return false;
  if (!virtualService || !hostsOf(virtualService).includes(fqdn)) return true;
  return routePrecedes(oldest, virtualService, fqdn, namespace, defaultExportTo);
}

/** Which of the two Istio reads first for clients of the namespace. @param route on the Service `fqdn`. */
export function routePrecedes(
  route: KubeObject,
  virtualService: KubeObject,
  fqdn: string,
  namespace: string,
  defaultExportTo: readonly string[],
): boolean {
  const visibility = visibilityOf(virtualService, namespace, defaultExportTo);
  const consumer = !fqdn.endsWith(`.${namespace}.svc.cluster.local`);
  if (visibility === 'private') {
    // Where private is the default, it is that of the routes as well, which then come first.
    return !consumer && list(virtualService.spec?.exportTo).length === 0;
  }
  const own = namespaceOf(route) === namespace;
  // What is exported by name comes before what all see, and only a default makes routes private.
  if (visibility === 'named') return own && defaultExportTo.includes('.');
  if (own) return true;
  // What Istio makes of routes is named after their namespace.
  const order =
    compareAges(route, virtualService) || compare(madeName(namespaceOf(route)), virtualService.metadata.name);
  return visibility === 'public' && order < 0;
}
