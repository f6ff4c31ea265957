import type { GraphEdge, GraphNode, TrafficMap } from './nodes.js';
import { addOutgoing, mergeEdge, resetOutgoing } from './rates.js';

/**
 * Reduces a workload graph with service nodes to services: what a service's workloads call becomes the service's own calls.
 * Workloads remain only as roots.
 */
export function reduceToServices(traffic: TrafficMap): TrafficMap {
  const reduced: TrafficMap = new Map();
  // The edges are changed in place: what a service takes over must be read from the graph as it was.
  const before = new Map<GraphNode, GraphEdge[]>([...traffic.values()].map((node) => [node, [...node.edges]]));
  for (const [id, node] of traffic) {
    const edges = before.get(node) ?? [];
    const taken = node.nodeType === 'service' ? edges.flatMap(({ target }) => before.get(target) ?? []) : edges;
    const toServices = taken.filter(({ target }) => target.nodeType === 'service');
    if (node.nodeType !== 'service' && (!node.marks.isRoot || toServices.length === 0)) continue;
    resetOutgoing(node);
    node.edges.length = 0;
    for (const edge of toServices) {
      addOutgoing(node, edge);
      const same = node.edges.find(
        ({ target, protocol }) => target.id === edge.target.id && protocol === edge.protocol,
      );
      if (same) mergeEdge(same, edge);
      else node.edges.push(node.nodeType === 'service' ? takenOver(edge, node) : edge);
    }
    reduced.set(id, node);
  }
  return reduced;
}

function takenOver(edge: GraphEdge, source: GraphNode): GraphEdge {
  return {
    ...edge,
    source,
    rates: new Map(edge.rates),
    responses: new Map(
      [...edge.responses].map(([code, { flags, hosts }]) => [code, { flags: new Map(flags), hosts: new Map(hosts) }]),
    ),
  };
}
