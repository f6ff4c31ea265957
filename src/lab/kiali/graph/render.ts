import { createHash } from 'node:crypto';
import type { GraphOptions } from '../options.js';
import { boxNodes, type NodeData } from './boxes.js';
import { goFixed, rateText } from './gofloat.js';
import type { GraphEdge, GraphNode, Responses, TrafficMap } from './nodes.js';
import { PROTOCOLS, type ProtocolRates } from './rates.js';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

interface EdgeData {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly traffic: {
    readonly protocol?: string;
    readonly rates?: Record<string, string>;
    readonly responses?: object;
  };
  readonly [field: string]: unknown;
}

/** The answer of Kiali's graph endpoints. All numbers of the elements are strings. */
export interface GraphDocument {
  readonly timestamp: number;
  readonly duration: number;
  readonly graphType: string;
  readonly elements: { readonly nodes: readonly { data: NodeData }[]; readonly edges: readonly { data: EdgeData }[] };
}

export function renderGraph(traffic: TrafficMap, options: GraphOptions): GraphDocument {
  const nodes = [...traffic.values()].map(renderNode);
  const boxes = boxNodes(nodes, options);
  const edges = [...traffic.values()].flatMap((node) => node.edges.map(renderEdge));
  return {
    timestamp: options.queryTime,
    duration: Math.trunc(options.durationSeconds),
    graphType: options.graphType,
    elements: {
      nodes: [...boxes, ...nodes].sort(byBoxAndName).map((data) => ({ data })),
      edges: edges.sort(byEnds).map((data) => ({ data })),
    },
  };
}

function renderNode(node: GraphNode): NodeData {
  const { nodeType, cluster, namespace, workload, app, version, service, marks } = node;
  const { healthData = null, labels, ...flags } = marks;
  const traffic = PROTOCOLS.flatMap(({ protocol, nodeRates }) => {
    const rates = ratesText(node.rates, nodeRates);
    return Object.keys(rates).length > 0 ? [{ protocol, rates }] : [];
  });
  return {
    id: md5(node.id),
    nodeType,
    cluster,
    namespace,
    ...nonEmpty({ workload, app, version, service }),
    ...(node.destServices.size > 0 ? { destServices: [...node.destServices.values()] } : {}),
    ...(labels ? { labels } : {}),
    ...(traffic.length > 0 ? { traffic } : {}),
    healthData,
    ...flags,
  };
}

function renderEdge(edge: GraphEdge): EdgeData {
  const source = md5(edge.source.id);
  const target = md5(edge.target.id);
  return {
    id: md5(`${source}.${target}.${edge.protocol}`),
    source,
    target,
    ...(edge.destPrincipal ? { destPrincipal: edge.destPrincipal } : {}),
    ...(edge.mtls === undefined ? {} : { isMTLS: goFixed(edge.mtls, 0) }),
    ...(edge.responseTime === undefined ? {} : { responseTime: goFixed(edge.responseTime, 0) }),
    ...(edge.sourcePrincipal ? { sourcePrincipal: edge.sourcePrincipal } : {}),
    ...(edge.throughput === undefined ? {} : { throughput: goFixed(edge.throughput, 0) }),
    traffic: { protocol: edge.protocol, ...edgeTraffic(edge) },
  };
}

function edgeTraffic(edge: GraphEdge): { rates?: Record<string, string>; responses?: object } {
  const kind = PROTOCOLS.find(({ protocol }) => protocol === edge.protocol);
  const total = edge.rates.get(edge.protocol) ?? 0;
  if (!kind || total <= 0) return {};
  const names = kind.edgeRates.map(({ name }) => name);
  return {
    rates: { ...ratesText(edge.rates, names), ...percentages(edge, kind, total) },
    responses: responsesText(edge.responses, total),
  };
}

/** Failed share of the edge, and the edge's share of everything its source sends. */
function percentages(edge: GraphEdge, kind: ProtocolRates, total: number): Record<string, string> {
  const found: Record<string, string> = {};
  const failed = kind.edgeRates.reduce(
    (sum, { name, isError }) => sum + (isError ? (edge.rates.get(name) ?? 0) : 0),
    0,
  );
  const failedPercent = (failed / total) * 100;
  if (kind.percentErr && failedPercent > 0) found[kind.percentErr] = goFixed(failedPercent, 1);
  const share = (total / (edge.source.rates.get(kind.out) ?? 0)) * 100;
  if (kind.percentReq && share > 0) found[kind.percentReq] = goFixed(share, 1);
  return found;
}

function responsesText(responses: Responses, total: number): object {
  const percent = (rates: Map<string, number>) =>
    Object.fromEntries(sorted(rates).map(([name, value]) => [name, goFixed((value / total) * 100, 1)]));
  return Object.fromEntries(
    sorted(responses).map(([code, { flags, hosts }]) => [code, { flags: percent(flags), hosts: percent(hosts) }]),
  );
}

/** Go writes maps in the order of their keys. */
function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function ratesText(rates: ReadonlyMap<string, number>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    [...names].sort().flatMap((name) => {
      const value = rates.get(name) ?? 0;
      return value > 0 ? [[name, rateText(value)]] : [];
    }),
  );
}

function nonEmpty(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

const BOX_ORDER = ['cluster', 'namespace', 'app'];
const NAME_ORDER = ['cluster', 'namespace', 'app', 'version', 'service', 'workload'] as const;

function byBoxAndName(a: NodeData, b: NodeData): number {
  const rank = ({ isBox }: NodeData) => (isBox === undefined ? BOX_ORDER.length : BOX_ORDER.indexOf(isBox));
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  for (const field of NAME_ORDER) {
    const [left, right] = [a[field] ?? '', b[field] ?? ''];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function byEnds(a: EdgeData, b: EdgeData): number {
  const key = ({ source, target, traffic }: EdgeData) => `${source} ${target} ${traffic.protocol}`;
  return key(a) < key(b) ? -1 : 1;
}
