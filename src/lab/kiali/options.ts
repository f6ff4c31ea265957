import type { Namespace } from './cluster.js';
import { badRequest, Failure } from './failure.js';

export type GraphType = 'app' | 'service' | 'versionedApp' | 'workload';

/** What a graph request asks for, checked and with Kiali 1.89's defaults. */
export interface GraphOptions {
  readonly namespaces: readonly { readonly name: string; readonly windowSeconds: number }[];
  /** As asked, not as cut to a namespace's age; seconds. */
  readonly durationSeconds: number;
  readonly graphType: GraphType;
  readonly injectServiceNodes: boolean;
  readonly includeIdleEdges: boolean;
  /** Seconds since the epoch. */
  readonly queryTime: number;
  /** undefined: all of them. */
  readonly appenders: ReadonlySet<string> | undefined;
  readonly boxBy: string;
  readonly rates: { readonly http: string; readonly grpc: string; readonly tcp: string };
  /** undefined: the average. */
  readonly responseTimeQuantile: number | undefined;
  readonly throughputType: 'request' | 'response';
  readonly accessible: ReadonlySet<string>;
}

const APPENDERS = new Set([
  'aggregateNode',
  'ambient',
  'deadNode',
  'health',
  'idleNode',
  'istio',
  'labeler',
  'meshCheck',
  'outsider',
  'responseTime',
  'securityPolicy',
  'serviceEntry',
  'sidecarsCheck',
  'throughput',
  'trafficGenerator',
  'workloadEntry',
]);
const UNIT_SECONDS: Readonly<Record<string, number>> = {
  y: 31_536_000,
  w: 604_800,
  d: 86_400,
  h: 3_600,
  m: 60,
  s: 1,
  ms: 0.001,
};

/**
 * Reads the query parameters of a graph request; unknown ones are ignored.
 * @throws Failure 400 with Kiali's text, 403 for a namespace that does not exist.
 */
export function parseGraphOptions(params: URLSearchParams, known: readonly Namespace[], nowMs: number): GraphOptions {
  const graphType = oneOf(params, 'graphType', ['app', 'service', 'versionedApp', 'workload'], 'workload', 'graphType');
  oneOf(params, 'configVendor', ['cytoscape'], 'cytoscape', 'configVendor');
  const durationSeconds = durationOf(params);
  const boxBy = params.get('boxBy') || 'none';
  if (params.get('boxBy') && boxBy.split(',').some((box) => !['app', 'cluster', 'namespace'].includes(box.trim()))) {
    throw badRequest(`Invalid boxBy [${boxBy}]`);
  }
  const includeIdleEdges = flag(params, 'includeIdleEdges');
  const injectServiceNodes = graphType === 'service' || flag(params, 'injectServiceNodes');
  const queryTime = queryTimeOf(params, nowMs);
  oneOf(params, 'telemetryVendor', ['istio'], 'istio', 'telemetryVendor');
  const namespaces = namespacesOf(params, known, durationSeconds, queryTime);
  const rates = {
    grpc: oneOf(params, 'rateGrpc', ['none', 'received', 'requests', 'sent', 'total'], 'requests', 'gRPC Rate'),
    http: oneOf(params, 'rateHttp', ['none', 'requests'], 'requests', 'HTTP Rate'),
    tcp: oneOf(params, 'rateTcp', ['none', 'received', 'sent', 'total'], 'sent', 'TCP Rate'),
  };
  return {
    namespaces,
    durationSeconds,
    graphType,
    injectServiceNodes,
    includeIdleEdges,
    queryTime,
    appenders: appendersOf(params),
    boxBy,
    rates,
    responseTimeQuantile: quantileOf(params),
    throughputType: throughputOf(params),
    accessible: new Set(known.map(({ name }) => name)),
  };
}

function oneOf<T extends string>(
  params: URLSearchParams,
  name: string,
  allowed: readonly T[],
  fallback: T,
  word: string,
): T {
  const value = params.get(name) || fallback;
  if (!(allowed as readonly string[]).includes(value)) throw badRequest(`Invalid ${word} [${value}]`);
  return value as T;
}

/** Go's ParseBool. */
function flag(params: URLSearchParams, name: string): boolean {
  const text = params.get(name) || 'false';
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw badRequest(`Invalid ${name} [${text}]`);
}

function durationOf(params: URLSearchParams): number {
  const text = params.get('duration') || '10m';
  if (text === '0') return 0;
  if (!/^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(text))
    throw badRequest(`Invalid duration [${text}]`);
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[ywdhms])/g))
    seconds += Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0);
  return seconds;
}

function queryTimeOf(params: URLSearchParams, nowMs: number): number {
  const text = params.get('queryTime');
  if (!text) return Math.floor(nowMs / 1000);
  const seconds = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(seconds)) throw badRequest(`Invalid queryTime [${text}]`);
  return seconds;
}

/** The window never reaches back before the namespace's creation. */
function namespacesOf(
  params: URLSearchParams,
  known: readonly Namespace[],
  durationSeconds: number,
  queryTime: number,
) {
  const text = params.get('namespaces');
  if (!text) throw badRequest('At least one namespace must be specified via the namespaces query parameter.');
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  return names.map((name) => {
    const namespace = known.find((each) => each.name === name);
    if (!namespace) throw new Failure(403, `Requested namespace [${name}] is not accessible.`);
    const ageSeconds = Number.isNaN(namespace.createdMs)
      ? Number.POSITIVE_INFINITY
      : queryTime - namespace.createdMs / 1000;
    if (ageSeconds <= 0) {
      const time = new Date(queryTime * 1000).toISOString().replace('T', ' ').replace('.000Z', ' +0000 UTC');
      throw badRequest(`Namespace [${name}] did not exist at requested queryTime [${time}]`);
    }
    return { name, windowSeconds: Math.trunc(Math.min(durationSeconds, ageSeconds)) };
  });
}

function appendersOf(params: URLSearchParams): ReadonlySet<string> | undefined {
  if (!params.has('appenders')) return undefined;
  const names = (params.get('appenders') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.find((name) => !APPENDERS.has(name));
  if (unknown !== undefined) throw badRequest(`Invalid appender [${unknown}]`);
  return new Set(names.map((name) => (name === 'sidecarsCheck' ? 'meshCheck' : name)));
}

function quantileOf(params: URLSearchParams): number | undefined {
  const text = params.get('responseTime') || '95';
  if (text === 'avg') return undefined;
  if (!['50', '95', '99'].includes(text)) {
    throw badRequest(`Invalid responseTime, must be one of: avg | 50 | 95 | 99: [${text}]`);
  }
  return Number(text) / 100;
}

function throughputOf(params: URLSearchParams): 'request' | 'response' {
  const text = params.get('throughputType') || 'response';
  if (text !== 'request' && text !== 'response') {
    throw badRequest(`Invalid throughputType, expecting one of (request, response). [${text}]`);
  }
  return text;
}
