import { z } from 'zod';
import type { TrafficGraph, WindowCounts } from './types.js';
import { versionMapper, type WatchedService } from './versions.js';

/** Kiali writes its rates as text with two decimals. */
const Rates = z.record(z.string(), z.string());
const Node = z.looseObject({
  id: z.string(),
  nodeType: z.string(),
  namespace: z.string().optional(),
  workload: z.string().optional(),
  app: z.string().optional(),
  version: z.string().optional(),
  service: z.string().optional(),
  isBox: z.unknown().optional(),
  traffic: z
    .array(z.object({ protocol: z.string().optional(), rates: Rates.optional() }))
    .nullish()
    .transform((value) => value ?? []),
});
const Edge = z.object({
  source: z.string(),
  target: z.string(),
  responseTime: z.string().optional(),
  traffic: z.object({ protocol: z.string().optional(), rates: Rates.optional() }).optional(),
});

/** The answer of `GET /api/namespaces/graph`, of all releases that have it; unknown fields are ignored. */
export const KialiGraph = z.object({
  elements: z
    .object({
      // An empty list is written as null.
      nodes: z.array(z.object({ data: Node }).transform(({ data }) => data)).nullish(),
      edges: z.array(z.object({ data: Edge }).transform(({ data }) => data)).nullish(),
    })
    .transform(({ nodes, edges }) => ({ nodes: nodes ?? [], edges: edges ?? [] })),
});
export type KialiGraph = z.infer<typeof KialiGraph>;
type KialiNode = KialiGraph['elements']['nodes'][number];
type KialiEdge = KialiGraph['elements']['edges'][number];

/** Badges of the page that say something about a release. */
const FLAGS = [
  'hasVS',
  'hasRequestRouting',
  'hasTrafficShifting',
  'hasMirroring',
  'hasFaultInjection',
  'hasRequestTimeout',
  'hasCB',
  'isRoot',
  'isGateway',
  'isIdle',
  'isDead',
  'isOutOfMesh',
  'isOutside',
];

const number = (text: string | undefined): number => {
  const value = Number(text ?? 0);
  return Number.isFinite(value) ? value : 0;
};

/** Requests per second; a TCP edge carries bytes and no requests. */
function edgeRate({ traffic }: KialiEdge): number {
  return number(traffic?.rates?.http) + number(traffic?.rates?.grpc);
}

function edgeFailures({ traffic }: KialiEdge): number {
  const rates = traffic?.rates;
  return number(rates?.http5xx) + number(rates?.httpNoResponse) + number(rates?.grpcErr);
}

/** The whole graph, boxes left out. */
export function trafficGraph({ elements }: KialiGraph): TrafficGraph {
  const sum = (node: KialiNode, direction: 'In' | 'Out') =>
    node.traffic.reduce(
      (total, { rates }) => total + number(rates?.[`http${direction}`]) + number(rates?.[`grpc${direction}`]),
      0,
    );
  const nodes = elements.nodes.filter((node) => node.nodeType !== 'box' && !node.isBox);
  const known = new Set(nodes.map(({ id }) => id));
  return {
    nodes: nodes.map((node) => ({
      id: node.id,
      kind: node.nodeType === 'service' ? 'service' : node.nodeType === 'unknown' ? 'unknown' : 'workload',
      namespace: node.namespace ?? '',
      app: node.app ?? '',
      version: node.version ?? '',
      label: nodeLabel(node),
      inRate: sum(node, 'In'),
      outRate: sum(node, 'Out'),
      flags: FLAGS.filter((flag) => Boolean(node[flag])),
    })),
    edges: elements.edges
      .filter(({ source, target }) => known.has(source) && known.has(target))
      .map((edge) => {
        const rates = edge.traffic?.rates;
        return {
          from: edge.source,
          to: edge.target,
          rate: edgeRate(edge),
          percent: number(rates?.httpPercentReq ?? rates?.grpcPercentReq),
          errorPercent: number(rates?.httpPercentErr ?? rates?.grpcPercentErr),
          ...(edge.responseTime === undefined ? {} : { responseTime: number(edge.responseTime) }),
        };
      }),
  };
}

function nodeLabel(node: KialiNode): string {
  if (node.nodeType === 'unknown') return 'unknown';
  if (node.nodeType === 'service') return node.service ?? 'unknown';
  const app = node.app && node.app !== 'unknown' ? node.app : (node.workload ?? 'unknown');
  return node.version && node.version !== 'latest' ? `${app} ${node.version}` : app;
}

/**
 * Requests of the service under watch in a window, from the rates of the edges around its service node. The edges behind it are of all
 * callers together and hold mirror copies and retries; what goes in and does not come out reached no version.
 * @returns undefined when the graph shows no request to the service.
 */
export function countEdges(
  { elements }: KialiGraph,
  watched: WatchedService,
  windowSeconds: number,
): WindowCounts | undefined {
  const nodes = new Map(elements.nodes.map((node) => [node.id, node]));
  const isService = (id: string) => {
    const node = nodes.get(id);
    return node?.nodeType === 'service' && node.service === watched.service && node.namespace === watched.namespace;
  };
  const incoming = elements.edges.filter((edge) => isService(edge.target));
  const outgoing = elements.edges.filter((edge) => isService(edge.source));
  const requests = (rate: number) => rate * windowSeconds;
  const total = (edges: readonly KialiEdge[]) => edges.reduce((sum, edge) => sum + edgeRate(edge), 0);
  if (total(incoming) + total(outgoing) === 0) return undefined;

  const versionOf = versionMapper(watched.versions);
  const versions = Object.fromEntries(Object.keys(watched.versions).map((name) => [name, { total: 0, failed: 0 }]));
  const lost = requests(Math.max(0, total(incoming) - total(outgoing)));
  const unknown = { total: lost, failed: lost };
  for (const edge of outgoing) {
    const target = nodes.get(edge.target);
    const version = versionOf({
      revision: target?.version ?? '',
      version: '',
      workload: target?.workload ?? '',
    });
    const account = (version === undefined ? undefined : versions[version]) ?? unknown;
    account.total += requests(edgeRate(edge));
    account.failed += requests(edgeFailures(edge));
  }
  const foreign: Record<string, number> = {};
  for (const edge of incoming) {
    const source = nodes.get(edge.source);
    const workload = source?.workload ?? source?.app ?? 'unknown';
    const namespace = source?.namespace ?? 'unknown';
    const rate = edgeRate(edge);
    const own =
      watched.from === undefined
        ? workload === 'unknown'
        : workload === watched.from && namespace === watched.namespace;
    if (own || rate === 0) continue;
    const key = `${workload}.${namespace}`;
    foreign[key] = (foreign[key] ?? 0) + requests(rate);
  }
  return {
    versions,
    unknown,
    responses: {},
    foreign,
    unmarked: 0,
    failed: unknown.failed + Object.values(versions).reduce((sum, { failed }) => sum + failed, 0),
    sent: 0,
    byUri: [],
  };
}
