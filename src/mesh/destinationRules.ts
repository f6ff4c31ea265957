import type { KubeObject } from '../base/kubernetes.js';
import { millis } from '../base/units.js';
import { sameItems } from './memo.js';
import { durationMs, type Fields, isRecord, labels, number, record, records, text } from './read.js';
import { type RuleIndexes, ruleFor } from './ruleIndex.js';
import type { Service } from './services.js';
import type { Caller, Cluster } from './types.js';

/** The rule that one proxy uses for one Service. */
export interface AppliedRule {
  readonly trafficPolicy: Fields;
  readonly subsets: readonly Subset[];
  /** The oldest of the merged objects. */
  readonly object: KubeObject;
  /** The one that the traffic policy is of. */
  readonly policyObject: KubeObject;
}

export interface Subset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly trafficPolicy: Fields;
  readonly object: KubeObject;
  readonly field: string;
}

/** By host the rules that a proxy uses for Services. The same objects are the same rule. */
export function destinationRulesFor(
  services: ReadonlyMap<string, Service>,
  caller: Caller,
  indexes: RuleIndexes,
): ReadonlyMap<string, AppliedRule> {
  const rules = new Map<string, AppliedRule>();
  for (const [host, service] of services) {
    const found = ruleFor(indexes, host, service.namespace, caller);
    const rule = found && merge(found.objects);
    if (rule) rules.set(host, rule);
  }
  return rules;
}

/** The last merger that each object was the oldest of: the same objects are the same rule. */
const mergers = new WeakMap<KubeObject, { readonly rules: readonly KubeObject[]; readonly applied: AppliedRule }>();

function merge(rules: readonly KubeObject[]): AppliedRule | undefined {
  const [oldest] = rules;
  if (!oldest) return undefined;
  const known = mergers.get(oldest);
  if (known && sameItems(known.rules, rules)) return known.applied;
  const applied = merged(oldest, rules);
  mergers.set(oldest, { rules, applied });
  return applied;
}

function merged(oldest: KubeObject, rules: readonly KubeObject[]): AppliedRule {
  const subsets = new Map<string, Subset>();
  for (const object of rules) {
    records(object.spec?.subsets).forEach((subset, index) => {
      const name = text(subset.name) ?? '';
      if (name === '' || subsets.has(name)) return;
      const field = `spec.subsets[${index}]`;
      subsets.set(name, {
        name,
        labels: labels(subset.labels),
        trafficPolicy: record(subset.trafficPolicy),
        object,
        field,
      });
    });
  }
  const policy = rules.find((rule) => isRecord(rule.spec?.trafficPolicy));
  const policyObject = policy ?? oldest;
  return {
    trafficPolicy: record(policy?.spec?.trafficPolicy),
    subsets: [...subsets.values()],
    object: oldest,
    policyObject,
  };
}

/** The policy of one port: port level settings replace the rule's, a subset's own fields replace both. */
export function trafficPolicy(rule: AppliedRule | undefined, subset: Subset | undefined, port: number): Fields {
  const level = (policy: Fields): Fields => {
    const forPort = records(policy.portLevelSettings).find((entry) => number(record(entry.port).number) === port);
    return forPort ?? policy;
  };
  const merged = { ...(rule?.trafficPolicy ?? {}), ...(subset?.trafficPolicy ?? {}) };
  return level(merged);
}

type Tuning = Pick<Cluster, 'balancing' | 'hash' | 'outlier' | 'limits' | 'tls'>;

const TLS_MODES: Readonly<Record<string, NonNullable<Cluster['tls']>>> = {
  DISABLE: 'disable',
  SIMPLE: 'simple',
  MUTUAL: 'mutual',
  ISTIO_MUTUAL: 'istio-mutual',
};

const SIMPLE: Readonly<Record<string, Cluster['balancing']>> = {
  ROUND_ROBIN: 'round-robin',
  RANDOM: 'random',
  LEAST_REQUEST: 'least-request',
  LEAST_CONN: 'least-request',
  PASSTHROUGH: 'original-dst',
};

export function tuning(policy: Fields): Tuning {
  const balancer = record(policy.loadBalancer);
  const hash = hashOf(record(balancer.consistentHash));
  const pool = record(policy.connectionPool);
  const maxConnections = number(record(pool.tcp).maxConnections);
  const maxPending = number(record(pool.http).http1MaxPendingRequests);
  // An empty block means the first of the modes.
  const tls = isRecord(policy.tls) ? TLS_MODES[text(policy.tls.mode) ?? 'DISABLE'] : undefined;
  return {
    balancing: hash ? 'ring-hash' : (SIMPLE[text(balancer.simple) ?? ''] ?? 'least-request'),
    hash,
    outlier: outlierOf(policy.outlierDetection),
    limits: {
      ...(maxConnections ? { maxConnections } : {}),
      ...(maxPending ? { maxPending } : {}),
    },
    ...(tls ? { tls } : {}),
  };
}

function hashOf(fields: Fields): Cluster['hash'] {
  const header = text(fields.httpHeaderName);
  if (header) return { by: 'header', name: header.toLowerCase() };
  const cookie = text(record(fields.httpCookie).name);
  if (cookie) return { by: 'cookie', name: cookie };
  const query = text(fields.httpQueryParameterName);
  if (query) return { by: 'query', name: query };
  return fields.useSourceIp === true ? { by: 'source-ip', name: '' } : undefined;
}

/** The block switches detection on, an empty one too, with Envoy's defaults for what it leaves out. */
function outlierOf(value: unknown): Cluster['outlier'] {
  if (!isRecord(value)) return undefined;
  const gateway = number(value.consecutiveGatewayErrors);
  return {
    consecutive5xx: number(value.consecutive5xxErrors) ?? 5,
    ...(gateway ? { consecutiveGateway: gateway } : {}),
    interval: millis(durationMs(value.interval) ?? 10_000),
    baseEjection: millis(durationMs(value.baseEjectionTime) ?? 30_000),
    maxEjectionPercent: number(value.maxEjectionPercent) ?? 10,
  };
}
