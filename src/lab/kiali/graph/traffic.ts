import type { GraphOptions } from '../options.js';
import type { PrometheusClient, Row } from '../prometheus.js';
import {
  type End,
  type GraphEdge,
  type GraphNode,
  isOk,
  makeNode,
  nodeId,
  type Protocol,
  serviceEnd,
  type TrafficMap,
} from './nodes.js';
import { namespaceQueries } from './queries.js';
import { addOutgoing, addRate } from './rates.js';
import { type Hop, readHop } from './rows.js';

/** Nodes and edges of one namespace's traffic in its window. */
export async function namespaceTraffic(
  window: { readonly name: string; readonly windowSeconds: number },
  options: GraphOptions,
  prometheus: PrometheusClient,
): Promise<TrafficMap> {
  const traffic: TrafficMap = new Map();
  const place = { namespace: window.name, seconds: window.windowSeconds };
  for (const { metric, queries } of namespaceQueries(place, options.rates, options.includeIdleEdges)) {
    for (const query of queries) {
      for (const row of await prometheus.vector(query, options.queryTime)) addRow(traffic, row, metric, options);
    }
  }
  return traffic;
}

function addRow(traffic: TrafficMap, row: Row, metric: string, options: GraphOptions): void {
  const hop = readHop(row, options);
  if (!hop) return;
  const { labels } = row;
  const isMessages = /istio_.*_messages/.test(metric);
  const isTcp = metric.startsWith('istio_tcp');
  const flags = isMessages ? '' : labels.response_flags;
  if (flags === undefined) return;
  if (isMessages || isTcp) {
    addTraffic(
      traffic,
      hop,
      {
        metric,
        value: row.value,
        protocol: isTcp ? 'tcp' : 'grpc',
        code: '',
        flags,
        host: labels.destination_service ?? '',
      },
      options,
    );
    return;
  }
  const { request_protocol: protocol, response_code: status } = labels;
  if (protocol === undefined || status === undefined) return;
  if (protocol === 'grpc' && options.rates.grpc !== 'requests') return;
  if (protocol === 'http' && options.rates.http !== 'requests') return;
  const code = responseCode(protocol, status, labels.grpc_response_status);
  const host = labels.destination_service ?? '';
  addTraffic(traffic, hop, { metric, value: row.value, protocol: protocol as Protocol, code, flags, host }, options);
}

/** `-` for a request without response; gRPC's own status unless the transport failed. */
function responseCode(protocol: string, status: string, grpcStatus: string | undefined): string {
  if (status === '0') return '-';
  if (protocol !== 'grpc' || /^[45]/.test(status) || grpcStatus === undefined) return status;
  return grpcStatus;
}

interface Count {
  readonly metric: string;
  readonly value: number;
  readonly protocol: Protocol;
  readonly code: string;
  readonly flags: string;
  readonly host: string;
}

function addTraffic(traffic: TrafficMap, hop: Hop, count: Count, options: GraphOptions): void {
  const source = nodeFor(traffic, hop.source, options);
  const dest = nodeFor(traffic, hop.dest, options);
  if (!source || !dest) return;
  // Both proxies report one request under the same ends, code, flags and host: whichever row comes first is the one that counts.
  const identity = JSON.stringify([count.metric, hop.source, hop.dest, count.code, count.flags, count.host]);
  if (!hop.inject) {
    if (addToEdge(source, dest, count, identity)) addDestService(dest, hop.dest);
    return;
  }
  const service = nodeFor(traffic, serviceEnd(hop.dest), options);
  if (!service || !addToEdge(source, service, count, identity)) return;
  addDestService(service, hop.dest);
  addToEdge(service, dest, count, identity);
  addDestService(dest, hop.dest);
}

function nodeFor(traffic: TrafficMap, end: End, options: GraphOptions): GraphNode | undefined {
  const found = nodeId(end, options.graphType);
  if (!found) return undefined;
  const node = traffic.get(found.id) ?? makeNode(end, found.id, found.nodeType, options.graphType);
  traffic.set(found.id, node);
  return node;
}

function addToEdge(source: GraphNode, target: GraphNode, count: Count, identity: string): boolean {
  const { protocol } = count;
  let edge = source.edges.find((each) => each.target.id === target.id && each.protocol === protocol);
  if (!edge) {
    edge = { source, target, protocol, counted: new Set(), rates: new Map(), responses: new Map() };
    source.edges.push(edge);
  }
  if (edge.counted.has(identity)) return false;
  edge.counted.add(identity);
  addRate(edge, count.value, count.code, count.flags, count.host);
  return true;
}

function addDestService(node: GraphNode, { cluster, serviceNamespace: namespace, service: name }: End): void {
  if (isOk(name)) node.destServices.set(`${cluster} ${namespace} ${name}`, { cluster, namespace, name });
}

/** Joins a namespace's graph into the whole; of a node both have, the one seen from its own namespace stays. */
export function mergeTraffic(whole: TrafficMap, namespace: string, part: TrafficMap): void {
  for (const [id, node] of part) {
    const before = whole.get(id);
    if (!before) {
      whole.set(id, node);
      continue;
    }
    const [kept, other] = node.namespace === namespace ? [node, before] : [before, node];
    whole.set(id, kept);
    for (const edge of other.edges) {
      if (kept.edges.some((each) => sameEdge(each, edge))) continue;
      // The edge keeps its own source: Kiali takes the percentage from the rates seen where the edge came from.
      kept.edges.push(edge);
      addOutgoing(kept, edge);
    }
  }
}

const sameEdge = (a: GraphEdge, b: GraphEdge) => a.target.id === b.target.id && a.protocol === b.protocol;
