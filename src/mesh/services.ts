import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { perObject } from './memo.js';
import type { TrafficDistribution } from './nearness.js';
import { isTls, type PortProtocol, portProtocol } from './protocol.js';
import { type Fields, labels, number, record, records, text } from './read.js';
import type { Endpoint } from './types.js';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number | string;
  readonly protocol: Exclude<PortProtocol, 'udp'>;
  /** Connections are encrypted already: `tls` rules apply to them, `tcp` rules do not. */
  readonly tls?: boolean;
  /** Where its protocol is written: `spec.ports[0].name`. */
  readonly field: string;
}

export interface Service {
  readonly name: string;
  readonly namespace: string;
  /** `name.namespace.svc.cluster.local`, or a host of a ServiceEntry. */
  readonly fqdn: string;
  readonly ports: readonly ServicePort[];
  /** TCP ports that their name calls UDP: no proxy routes them. */
  readonly unrouted?: readonly ServicePort[];
  /** undefined: endpoints are managed by hand. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly clusterIp: string | undefined;
  readonly headless: boolean;
  /** Empty: every namespace. */
  readonly exportTo: readonly string[];
  /** Whether clients prefer endpoints near them, whatever the DestinationRules say of outliers. */
  readonly trafficDistribution?: TrafficDistribution;
  /** Only of a host that a ServiceEntry registers. */
  readonly entry?: {
    /** The proxy sends to the address that the client dials. */
    readonly dialled: boolean;
    /** Addresses that clients may dial instead of the host. */
    readonly addresses: readonly string[];
    /** Those written as subnets: of them nobody knows which one clients dial. */
    readonly subnets: readonly string[];
    /** As written in the ServiceEntry; one with a workloadSelector has a selector instead. */
    endpoints(port: ServicePort): readonly Endpoint[];
  };
}

/** Istio's view of a Kubernetes Service; undefined for ExternalName, which names no pods: see {@link aliasOf}. */
export const serviceOf = perObject((object: KubeObject): Service | undefined => {
  const spec = record(object.spec);
  if (text(spec.type) === 'ExternalName') return undefined;
  const { name, namespace = 'default' } = object.metadata;
  const clusterIp = text(spec.clusterIP);
  const selector = labels(spec.selector);
  const unrouted = portsOf(spec, (protocol) => protocol === 'udp');
  const near =
    text(spec.trafficDistribution) ?? object.metadata.annotations?.['networking.istio.io/traffic-distribution'];
  const distribution = DISTRIBUTIONS[near?.toLowerCase() ?? ''];
  return {
    name,
    namespace,
    fqdn: `${name}.${namespace}.svc.cluster.local`,
    ports: portsOf(spec, (protocol) => protocol !== 'udp'),
    ...(unrouted.length > 0 ? { unrouted } : {}),
    selector: Object.keys(selector).length > 0 ? selector : undefined,
    clusterIp: clusterIp && clusterIp !== 'None' ? clusterIp : undefined,
    headless: clusterIp === 'None',
    exportTo: exportsOf(object),
    ...(distribution ? { trafficDistribution: distribution } : {}),
  };
});

const exportsOf = ({ metadata }: KubeObject): string[] =>
  metadata.annotations?.['networking.istio.io/exportTo']?.split(',').map((part) => part.trim()) ?? [];

const DISTRIBUTIONS: Readonly<Record<string, TrafficDistribution>> = {
  preferclose: 'same-zone',
  prefersamezone: 'same-zone',
  prefersamenode: 'same-node',
};

function portsOf(spec: Fields, wanted: (protocol: PortProtocol) => boolean): ServicePort[] {
  return records(spec.ports).flatMap((port, index) => {
    const value = number(port.port);
    const protocol = portProtocol(port);
    if (value === undefined || !wanted(protocol) || text(port.protocol) === 'UDP') return [];
    const targetPort = number(port.targetPort) ?? text(port.targetPort) ?? value;
    const name = text(port.name) ?? '';
    const tls = isTls(port);
    const field = `spec.ports[${index}].${text(port.appProtocol) === undefined ? 'name' : 'appProtocol'}`;
    return [
      {
        name,
        port: value,
        targetPort,
        protocol: protocol === 'udp' ? 'tcp' : protocol,
        ...(tls ? { tls } : {}),
        field,
      },
    ];
  });
}

/** The object that it was read from: `ServiceEntry/demo/pay`. */
export const serviceRef = ({ entry, namespace, name }: Service): string =>
  objectRef({ kind: entry ? 'ServiceEntry' : 'Service', metadata: { name, namespace } });

/** A Service of type ExternalName: another name for a host. */
export interface Alias {
  readonly name: string;
  readonly namespace: string;
  readonly fqdn: string;
  readonly target: string;
  readonly ports: readonly ServicePort[];
  /** As a Service's. */
  readonly exportTo: readonly string[];
}

export const aliasOf = perObject((object: KubeObject): Alias | undefined => {
  const { name, namespace = 'default' } = object.metadata;
  const spec = record(object.spec);
  const target = text(spec.externalName);
  if (spec.type !== 'ExternalName' || !target) return undefined;
  const fqdn = `${name}.${namespace}.svc.cluster.local`;
  const ports = portsOf(spec, (protocol) => protocol !== 'udp');
  return { name, namespace, fqdn, target, ports, exportTo: exportsOf(object) };
});

/** The names a client in `namespace` may write for the Service, port left out. */
export function serviceDomains(service: Service, namespace: string, aliases: readonly Alias[] = []): string[] {
  const { name, fqdn, entry } = service;
  const domains = entry
    ? [...entryDomains(fqdn, namespace), ...entry.addresses]
    : clusterDomains(name, service.namespace, namespace);
  if (service.clusterIp) domains.push(service.clusterIp);
  for (const alias of aliases) domains.push(...aliasDomains(alias, namespace));
  return domains;
}

export const aliasDomains = (alias: Alias, namespace: string): string[] =>
  clusterDomains(alias.name, alias.namespace, namespace);

function clusterDomains(name: string, owner: string, namespace: string): string[] {
  const short = `${name}.${owner}`;
  const domains = [`${short}.svc.cluster.local`, `${short}.svc.cluster.local.`, `${short}.svc`, short];
  if (owner === namespace) domains.push(name);
  return domains;
}

/** A ServiceEntry may claim a name inside of the cluster, which clients then shorten as usual. */
function entryDomains(host: string, namespace: string): string[] {
  const [, name, owner] = /^([^.*]+)\.([^.]+)\.svc\.cluster\.local$/.exec(host) ?? [];
  return name && owner ? clusterDomains(name, owner, namespace) : host.startsWith('*') ? [host] : [host, `${host}.`];
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
