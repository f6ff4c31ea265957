import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import { policyLeftOut } from '../control/policies.js';

/** Kinds that change nothing, and what that means. */
const KINDS: Readonly<Record<string, string>> = {
  PeerAuthentication: 'the proxies tell each other who they are, and encrypt nothing',
  RequestAuthentication: 'tokens are not looked at',
  ServiceEntry: 'hosts outside the cluster are passed through',
  EnvoyFilter: 'the proxies are configured without it',
  WasmPlugin: 'the proxies are configured without it',
  ProxyConfig: 'the proxies are configured without it',
  Telemetry: "the metrics are Istio's standard ones",
  GRPCRoute: 'its requests are balanced like any others',
  ServiceProfile: 'Linkerd has proxies of its own',
  TrafficSplit: 'Linkerd has proxies of its own',
};

const DESTINATION_POLICY = [
  'tls',
  'connectionPool.tcp.connectTimeout',
  'connectionPool.tcp.idleTimeout',
  'connectionPool.tcp.maxConnectionDuration',
  'connectionPool.tcp.tcpKeepalive',
  'connectionPool.http.http2MaxRequests',
  'connectionPool.http.maxRequestsPerConnection',
  'connectionPool.http.maxRetries',
  'connectionPool.http.idleTimeout',
  'connectionPool.http.h2UpgradePolicy',
  'loadBalancer.consistentHash.maglev',
  'loadBalancer.consistentHash.ringHash',
  'loadBalancer.consistentHash.httpCookie.ttl',
  'loadBalancer.warmup',
  'loadBalancer.warmupDurationSecs',
  'outlierDetection.consecutiveLocalOriginFailures',
  'outlierDetection.minHealthPercent',
  'outlierDetection.splitExternalLocalOriginErrors',
];

/** Fields that are not handed to the proxies. `[]` stands for every entry of a list. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  VirtualService: [
    'spec.tls',
    'spec.http[].corsPolicy',
    'spec.http[].retries.backoff',
    'spec.http[].retries.retryRemoteLocalities',
    'spec.http[].retries.retryIgnorePreviousHosts',
  ],
  DestinationRule: [
    ...DESTINATION_POLICY.map((field) => `spec.trafficPolicy.${field}`),
    ...DESTINATION_POLICY.map((field) => `spec.trafficPolicy.portLevelSettings[].${field}`),
    ...DESTINATION_POLICY.map((field) => `spec.subsets[].trafficPolicy.${field}`),
  ],
};

/** What of an object the rehearsal on Envoys leaves out, one sentence each. */
export function notCovered(object: KubeObject): string[] {
  const whole = KINDS[object.kind];
  if (whole) return [`${objectRef(object)} is not rehearsed: ${whole}`];
  const policy = policyLeftOut(object);
  if (policy.length > 0) return policy;
  const places = (FIELDS[object.kind] ?? []).flatMap((path) => placesOf(object, path.split('.'), ''));
  return places.map((place) => `${objectRef(object)}: ${place} is not rehearsed`);
}

/** Where a path leads in a value, with the lists' positions filled in. */
function placesOf(value: unknown, [first, ...rest]: readonly string[], walked: string): string[] {
  if (value === undefined || value === null) return [];
  if (first === undefined) return [walked];
  if (typeof value !== 'object') return [];
  const name = first.replace('[]', '');
  const next = (value as Record<string, unknown>)[name];
  const place = walked ? `${walked}.${name}` : name;
  if (!first.endsWith('[]')) return placesOf(next, rest, place);
  return Array.isArray(next) ? next.flatMap((item, index) => placesOf(item, rest, `${place}[${index}]`)) : [];
}
