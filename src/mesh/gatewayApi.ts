import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { byAge } from './age.js';
import { number, records, text } from './read.js';
import type { Service } from './services.js';
import type { MeshWarning } from './types.js';
import { hostsOf, visibilityOf } from './virtualServices.js';

/** An HTTPRoute that a parentRef binds to a Service; port undefined: every port of it. */
interface Attachment {
  readonly route: KubeObject;
  readonly port: number | undefined;
}

export interface Attachments {
  /** By FQDN of the Service, oldest route first. */
  readonly byService: ReadonlyMap<string, readonly Attachment[]>;
  readonly warnings: readonly MeshWarning[];
}

/**
 * Which HTTPRoutes act on which Services inside the mesh. The group of a parentRef must be written as `""`: left out it means the
 * Gateway API's own group, which has no Service.
 */
export function attachmentsOf(routes: readonly KubeObject[], services: ReadonlyMap<string, Service>): Attachments {
  const byService = new Map<string, Attachment[]>();
  const warnings: MeshWarning[] = [];
  for (const route of routes) {
    const namespace = route.metadata.namespace ?? 'default';
    records(route.spec?.parentRefs).forEach((parent, index) => {
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
      else if (port !== undefined && !service.ports.some((candidate) => candidate.port === port)) {
        refuse('.port', `${fqdn} has no port ${port}; the route is not attached.`);
      } else {
        const known = byService.get(fqdn);
        if (known) known.push({ route, port });
        else byService.set(fqdn, [{ route, port }]);
      }
    });
  }
  return { byService, warnings };
}

/**
 * The HTTPRoutes that a client follows for one Service and port: those of its own namespace alone if there are any, else those of the
 * Service's namespace.
 */
export function routesFor(attachments: Attachments, service: Service, port: number, namespace: string): KubeObject[] {
  const onPort = (attachments.byService.get(service.fqdn) ?? []).filter(
    (attachment) => attachment.port === undefined || attachment.port === port,
  );
  const of = (owner: string): KubeObject[] => [
    ...new Set(onPort.map(({ route }) => route).filter((route) => (route.metadata.namespace ?? 'default') === owner)),
  ];
  const own = of(namespace);
  return own.length > 0 ? own : of(service.namespace);
}

/** Which of the two kinds rules a Service: they are never merged. @param routes not empty, oldest first. */
export function httpRouteBeats(
  routes: readonly KubeObject[],
  virtualService: KubeObject | undefined,
  fqdn: string,
  namespace: string,
): boolean {
  const [oldest] = routes;
  if (!oldest) return false;
  if (!virtualService || !hostsOf(virtualService).includes(fqdn)) return true;
  const visibility = visibilityOf(virtualService, namespace);
  if (visibility === 'private') return false;
  if ((oldest.metadata.namespace ?? 'default') === namespace) return true;
  return visibility === 'public' && byAge(oldest, virtualService) < 0;
}
