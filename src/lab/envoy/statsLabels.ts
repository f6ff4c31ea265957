import type { Identity } from '../control/identity.js';
import { PEER, SECURITY } from './identityHeaders.js';
import { TLVS } from './identityTlvs.js';
import type { Message } from './proto.js';

/** Environment of the process: the only way to say a word of one's own inside COALESCE. */
export const WORDS = { ISTIO_UNKNOWN: 'unknown', ISTIO_LATEST: 'latest', ISTIO_NONE: 'none' } as const;

interface Operator {
  readonly command: string;
  readonly param?: string;
}

/** The first that is known. */
const firstOf = (...operators: readonly Operator[]): string => `%COALESCE(${JSON.stringify({ operators })})%`;

const word = (name: keyof typeof WORDS): Operator => ({ command: 'ENVIRONMENT', param: name });
const UNKNOWN = word('ISTIO_UNKNOWN');
const LATEST = word('ISTIO_LATEST');
const told = (namespace: string, key: string): Operator => ({
  command: 'DYNAMIC_METADATA',
  param: `${namespace}:${key}`,
});
/** What endpoint discovery says of the chosen host. */
const host = (key: string): Operator => ({ command: 'UPSTREAM_METADATA', param: `istio:${key}` });
/** What the host's sidecar would tell on a byte connection. */
const hostTells = (key: string): Operator => ({ command: 'UPSTREAM_METADATA', param: `weighbridge:${key}` });
const cluster = (key: string): Operator => ({ command: 'CLUSTER_METADATA', param: `istio:${key}` });
const route = (key: string): Operator => ({ command: 'METADATA', param: `ROUTE:weighbridge:${key}` });
const AUTHORITY: Operator = { command: 'REQ', param: ':authority' };

/** What one proxy knows of itself and of the other side: a literal, or a format string. */
type Side = { readonly [Field in keyof Identity]: string };

const fallback = (field: keyof Identity): Operator => (field === 'canonicalRevision' ? LATEST : UNKNOWN);

function side(of: (field: keyof Identity) => readonly Operator[]): Side {
  const value = (field: keyof Identity) => firstOf(...of(field), fallback(field));
  return {
    workload: value('workload'),
    namespace: value('namespace'),
    canonicalService: value('canonicalService'),
    canonicalRevision: value('canonicalRevision'),
    app: value('app'),
    version: value('version'),
    principal: value('principal'),
    cluster: value('cluster'),
  };
}

/** App, version and principal are told by the other sidecar alone. */
const IN_ENDPOINTS: ReadonlySet<keyof Identity> = new Set([
  'workload',
  'namespace',
  'canonicalService',
  'canonicalRevision',
  'cluster',
]);

const callee: Side = side((field) => [told(PEER, field), ...(IN_ENDPOINTS.has(field) ? [host(field)] : [])]);
const calleeOfBytes: Side = side((field) => [hostTells(field), ...(IN_ENDPOINTS.has(field) ? [host(field)] : [])]);
const caller: Side = side((field) => [told(PEER, field)]);
const callerOfBytes: Side = side((field) => [told(TLVS, field)]);

interface Labels {
  readonly reporter: 'source' | 'destination';
  readonly source: Side;
  readonly destination: Side;
  readonly service: { readonly host: string; readonly name: string; readonly namespace: string };
  readonly protocol: 'http' | 'tcp';
  readonly security: string;
}

/** Istio's standard labels in the order in which its proxies emit them; an own label that is empty is left out. */
function tags({ reporter, source, destination, service, protocol, security }: Labels): Message[] {
  const all: [name: string, value: string][] = [
    ['reporter', reporter],
    ['source_workload', source.workload],
    ['source_canonical_service', source.canonicalService],
    ['source_canonical_revision', source.canonicalRevision],
    ['source_workload_namespace', source.namespace],
    ['source_principal', source.principal],
    ['source_app', source.app],
    ['source_version', source.version],
    ['source_cluster', source.cluster],
    ['destination_workload', destination.workload],
    ['destination_workload_namespace', destination.namespace],
    ['destination_principal', destination.principal],
    ['destination_app', destination.app],
    ['destination_version', destination.version],
    ['destination_service', service.host],
    ['destination_canonical_service', destination.canonicalService],
    ['destination_canonical_revision', destination.canonicalRevision],
    ['destination_service_name', service.name],
    ['destination_service_namespace', service.namespace],
    ['destination_cluster', destination.cluster],
    ['request_protocol', protocol],
    ...(protocol === 'http' ? ([['response_code', '%RESPONSE_CODE%']] as [string, string][]) : []),
    ['response_flags', '%RESPONSE_FLAGS%'],
    ['connection_security_policy', security],
  ];
  return all.filter(([, value]) => value !== '').map(([name, value]) => ({ name, value_format: value }));
}

const clusterService = {
  host: firstOf(cluster('host')),
  name: firstOf(cluster('name')),
  namespace: firstOf(cluster('namespace')),
};

/** Where no cluster is reached, the metrics name the Host header. */
const requestedService = {
  host: firstOf(cluster('host'), AUTHORITY, UNKNOWN),
  name: firstOf(cluster('name'), route('service'), AUTHORITY, UNKNOWN),
  namespace: firstOf(cluster('namespace'), UNKNOWN),
};

const connectedService = {
  host: firstOf(cluster('host'), UNKNOWN),
  name: firstOf(cluster('name'), UNKNOWN),
  namespace: firstOf(cluster('namespace'), UNKNOWN),
};

export const sourceOfRequests = (own: Identity): Labels => ({
  reporter: 'source',
  source: own,
  destination: callee,
  service: requestedService,
  protocol: 'http',
  security: 'unknown',
});

export const destinationOfRequests = (own: Identity): Labels => ({
  reporter: 'destination',
  source: caller,
  destination: own,
  service: clusterService,
  protocol: 'http',
  security: firstOf(told(PEER, SECURITY)),
});

export const sourceOfBytes = (own: Identity): Labels => ({
  reporter: 'source',
  source: own,
  destination: calleeOfBytes,
  service: connectedService,
  protocol: 'tcp',
  security: 'unknown',
});

export const destinationOfBytes = (own: Identity): Labels => ({
  reporter: 'destination',
  source: callerOfBytes,
  destination: own,
  service: clusterService,
  protocol: 'tcp',
  security: firstOf(told(TLVS, SECURITY), word('ISTIO_NONE')),
});

export { type Labels, tags };
