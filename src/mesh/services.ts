import type { KubeObject } from '../base/kubernetes.js';
import { type PortProtocol, portProtocol } from './protocol.js';
import { labels, number, record, records, text } from './read.js';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number | string;
  readonly protocol: Exclude<PortProtocol, 'udp'>;
}

export interface Service {
  readonly name: string;
  readonly namespace: string;
  /** `name.namespace.svc.cluster.local` */
  readonly fqdn: string;
  readonly ports: readonly ServicePort[];
  /** undefined: endpoints are managed by hand. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly clusterIp: string | undefined;
  readonly headless: boolean;
  /** Empty: every namespace. */
  readonly exportTo: readonly string[];
}

/** Istio's view of a Kubernetes Service; undefined for ExternalName, which names no pods. */
export function serviceOf(object: KubeObject): Service | undefined {
  const spec = record(object.spec);
  if (text(spec.type) === 'ExternalName') return undefined;
  const { name, namespace = 'default' } = object.metadata;
  const clusterIp = text(spec.clusterIP);
  const selector = labels(spec.selector);
  const annotation = object.metadata.annotations?.['networking.istio.io/exportTo'];
  return {
    name,
    namespace,
    fqdn: `${name}.${namespace}.svc.cluster.local`,
    ports: records(spec.ports).flatMap((port) => {
      const value = number(port.port);
      const protocol = portProtocol(port);
      if (value === undefined || protocol === 'udp') return [];
      const targetPort = number(port.targetPort) ?? text(port.targetPort) ?? value;
      return [{ name: text(port.name) ?? '', port: value, targetPort, protocol }];
    }),
    selector: Object.keys(selector).length > 0 ? selector : undefined,
    clusterIp: clusterIp && clusterIp !== 'None' ? clusterIp : undefined,
    headless: clusterIp === 'None',
    exportTo: annotation ? annotation.split(',').map((part) => part.trim()) : [],
  };
}

/** The names a client in `namespace` may write for the Service, port left out. */
export function serviceDomains(service: Service, namespace: string): string[] {
  const { name, fqdn } = service;
  const domains = [fqdn, `${fqdn}.`, `${name}.${service.namespace}.svc`, `${name}.${service.namespace}`];
  if (service.namespace === namespace) domains.push(name);
  if (service.clusterIp) domains.push(service.clusterIp);
  return domains;
}

/** True when an `exportTo` list of an object in `owner` lets clients of `namespace` see it; an empty list means every namespace. */
export function exportedTo(exportTo: readonly string[], owner: string, namespace: string): boolean {
  if (exportTo.length === 0) return true;
  return exportTo.some((entry) => entry === '*' || entry === namespace || (entry === '.' && owner === namespace));
}

/** Istio's cluster name. */
export const clusterName = (port: number, subset: string, host: string): string => `outbound|${port}|${subset}|${host}`;

/** `*` , `*.suffix` or an exact name against a host; no partial labels. */
export function hostMatches(pattern: string, host: string): boolean {
  if (pattern === '*' || pattern === host) return true;
  return pattern.startsWith('*') && host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
}
