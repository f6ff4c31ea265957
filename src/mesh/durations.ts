import type { KubeObject } from '../base/kubernetes.js';
import { durationMs, list, record } from './read.js';

const RULE = [
  'timeout',
  'retries.perTryTimeout',
  'retries.backoff',
  'fault.delay.fixedDelay',
  'fault.delay.exponentialDelay',
  'corsPolicy.maxAge',
];
const POLICY = [
  'outlierDetection.interval',
  'outlierDetection.baseEjectionTime',
  'connectionPool.tcp.connectTimeout',
  'connectionPool.tcp.maxConnectionDuration',
  'connectionPool.tcp.tcpKeepalive.interval',
  'connectionPool.tcp.tcpKeepalive.time',
  'connectionPool.http.idleTimeout',
  'connectionPool.http.http2KeepAlive.interval',
  'connectionPool.http.http2KeepAlive.timeout',
  'loadBalancer.warmup.duration',
  'loadBalancer.warmupDurationSecs',
];
const POLICIES = ['spec.trafficPolicy', 'spec.subsets[].trafficPolicy'];

/** Fields with the rule `duration(self) >= duration('1ms')` in Istio's CRDs (1.31), below the places that hold them; `[]`: each entry. */
const CHECKED: Readonly<Record<string, { readonly places: readonly string[]; readonly fields: readonly string[] }>> = {
  VirtualService: { places: ['spec.http[]'], fields: RULE },
  DestinationRule: {
    places: [...POLICIES, ...POLICIES.map((policy) => `${policy}.portLevelSettings[]`)],
    fields: POLICY,
  },
};

interface Found {
  /** `spec.http[0].timeout` */
  readonly field: string;
  readonly value: unknown;
}

/** Durations that the API server does not take: shorter than 1 ms, `0s` too, or none at all. */
export function refusedDurations({ kind, spec }: KubeObject): Found[] {
  const { places = [], fields = [] } = CHECKED[kind] ?? {};
  return places
    .flatMap((place) => valuesAt({ field: '', value: { spec } }, place.split('.')))
    .flatMap((place) => fields.flatMap((field) => valuesAt(place, field.split('.'))))
    .filter(({ value }) => (durationMs(value) ?? 0) < 1);
}

function valuesAt({ field, value }: Found, [step, ...rest]: readonly string[]): Found[] {
  if (value === undefined) return [];
  if (step === undefined) return [{ field, value }];
  const name = step.replace('[]', '');
  const found = { field: field === '' ? name : `${field}.${name}`, value: record(value)[name] };
  if (name === step) return valuesAt(found, rest);
  return list(found.value).flatMap((each, index) => valuesAt({ field: `${found.field}[${index}]`, value: each }, rest));
}
