import type { Identity } from '../control/identity.js';
import { istioLabels, type LabelFacts } from '../control/istioLabels.js';
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

const fallback = (field: keyof Identity): Operator => (field === 'canonicalRevision' ? LATEST : UNKNOWN);

function side(of: (field: keyof Identity) => readonly Operator[]): Identity {
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

const callee: Identity = side((field) => [told(PEER, field), ...(IN_ENDPOINTS.has(field) ? [host(field)] : [])]);
const calleeOfBytes: Identity = side((field) => [hostTells(field), ...(IN_ENDPOINTS.has(field) ? [host(field)] : [])]);
const caller: Identity = side((field) => [told(PEER, field)]);
const callerOfBytes: Identity = side((field) => [told(TLVS, field)]);

/** The same of every request or connection that a proxy counts on one side. */
export type Labels = Omit<LabelFacts, 'code' | 'flags'>;

/** Istio's standard labels, each with what Envoy shall fill in. */
export const tags = (labels: Labels): Message[] =>
  istioLabels({
    ...labels,
    code: labels.protocol === 'tcp' ? undefined : '%RESPONSE_CODE%',
    flags: '%RESPONSE_FLAGS%',
  }).map(([name, value]) => ({ name, value_format: value }));

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
