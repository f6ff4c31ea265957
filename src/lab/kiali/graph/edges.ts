import type { GraphOptions } from '../options.js';
import type { PrometheusClient } from '../prometheus.js';
import { type End, nodeId, serviceEnd, type TrafficMap } from './nodes.js';
import { responseTimeQueries, securityQueries, throughputQueries } from './queries.js';
import { readHop, readTrustedHop } from './rows.js';

interface Window {
  readonly namespace: string;
  readonly seconds: number;
}

function pairKey(source: End, dest: End, options: GraphOptions): string | undefined {
  const from = nodeId(source, options.graphType);
  const to = nodeId(dest, options.graphType);
  return from && to && `${from.id} ${to.id}`;
}

/**
 * Response times, ms, on the edges. Quantiles of several edges cannot be added, so with service nodes only the edge from the
 * service to the workload has one. The destination's view is asked first and wins.
 */
export async function addResponseTimes(
  traffic: TrafficMap,
  window: Window,
  options: GraphOptions,
  prometheus: PrometheusClient,
): Promise<void> {
  const { rates } = options;
  if (traffic.size === 0 || (rates.grpc !== 'requests' && rates.http !== 'requests')) return;
  const found = new Map<string, number>();
  for (const query of responseTimeQueries(window, options.responseTimeQuantile)) {
    for (const row of await prometheus.vector(query, options.queryTime)) {
      const protocol = row.labels.request_protocol;
      const skipped =
        (protocol === 'http' && rates.http !== 'requests') || (protocol === 'grpc' && rates.grpc !== 'requests');
      const hop = protocol === undefined || skipped || Number.isNaN(row.value) ? undefined : readHop(row, options);
      const pair = hop && pairKey(hop.inject ? serviceEnd(hop.dest) : hop.source, hop.dest, options);
      const key = `${pair} ${protocol}`;
      if (pair !== undefined && !found.has(key)) found.set(key, row.value);
    }
  }
  for (const edge of edgesOf(traffic)) {
    const value = found.get(`${edge.source.id} ${edge.target.id} ${edge.protocol}`);
    if (value !== undefined) edge.responseTime = value;
  }
}

/** Bytes per second on HTTP edges; with service nodes only behind them. */
export async function addThroughput(
  traffic: TrafficMap,
  window: Window,
  options: GraphOptions,
  prometheus: PrometheusClient,
): Promise<void> {
  if (traffic.size === 0 || options.rates.http !== 'requests') return;
  const found = new Map<string, number>();
  for (const query of throughputQueries(window, options.throughputType)) {
    for (const row of await prometheus.vector(query, options.queryTime)) {
      const hop = Number.isNaN(row.value) ? undefined : readHop(row, options);
      const pair = hop && pairKey(hop.inject ? serviceEnd(hop.dest) : hop.source, hop.dest, options);
      if (pair !== undefined) found.set(pair, (found.get(pair) ?? 0) + row.value);
    }
  }
  for (const edge of edgesOf(traffic)) {
    const value = edge.protocol === 'http' ? found.get(`${edge.source.id} ${edge.target.id}`) : undefined;
    if (value !== undefined) edge.throughput = value;
  }
}

interface Security {
  /** Requests per second by policy; a later row of one policy replaces an earlier one, as in Kiali. */
  readonly policies: Map<string, number>;
  readonly sourcePrincipal: string;
  readonly destPrincipal: string;
}

/** Share of mutual TLS and the principals on every edge, from the destination's telemetry. */
export async function addSecurity(
  traffic: TrafficMap,
  window: Window,
  options: GraphOptions,
  prometheus: PrometheusClient,
): Promise<void> {
  if (traffic.size === 0) return;
  const found = new Map<string, Security>();
  for (const query of securityQueries(window, options.rates)) {
    for (const row of await prometheus.vector(query, options.queryTime)) {
      const {
        source_principal: sourcePrincipal,
        destination_principal: destPrincipal,
        connection_security_policy: policy,
      } = row.labels;
      const hop = readTrustedHop(row, options);
      if (!hop || sourcePrincipal === undefined || destPrincipal === undefined) continue;
      const service = serviceEnd(hop.dest);
      const pairs = hop.inject
        ? [[hop.source, service] as const, [service, hop.dest] as const]
        : [[hop.source, hop.dest] as const];
      for (const [from, to] of pairs) {
        const key = pairKey(from, to, options);
        if (key === undefined) continue;
        const entry = found.get(key) ?? { policies: new Map(), sourcePrincipal, destPrincipal };
        found.set(key, entry);
        entry.policies.set(policy ?? 'unknown', row.value);
      }
    }
  }
  for (const edge of edgesOf(traffic)) {
    const entry = found.get(`${edge.source.id} ${edge.target.id}`);
    if (!entry) continue;
    const mutual = entry.policies.get('mutual_tls') ?? 0;
    const all = [...entry.policies.values()].reduce((sum, rate) => sum + rate, 0);
    if (mutual > 0) edge.mtls = (mutual / all) * 100;
    edge.sourcePrincipal = entry.sourcePrincipal;
    edge.destPrincipal = entry.destPrincipal;
  }
}

function* edgesOf(traffic: TrafficMap) {
  for (const node of traffic.values()) yield* node.edges;
}
