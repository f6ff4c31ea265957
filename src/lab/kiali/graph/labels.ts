import type { ClusterView } from '../cluster.js';
import type { GraphNode, TrafficMap } from './nodes.js';

/** Gives nodes of the asked namespaces the labels of their object, without the two that Kiali shows as fields. */
export function labelNodes(traffic: TrafficMap, cluster: ClusterView): void {
  for (const node of traffic.values()) {
    if (node.marks.isOutside || node.marks.isInaccessible) continue;
    const { app: _app, version: _version, ...labels } = labelsOf(node, cluster);
    if (Object.keys(labels).length > 0) node.marks.labels = labels;
  }
}

function labelsOf(node: GraphNode, cluster: ClusterView): Readonly<Record<string, string>> {
  if (node.nodeType === 'service') return cluster.service(node.namespace, node.service)?.metadata.labels ?? {};
  if (node.nodeType === 'unknown') return {};
  if (node.workload !== '') return cluster.workload(node.namespace, node.workload)?.labels ?? {};
  return cluster.workloads(node.namespace).find(({ labels }) => labels.app === node.app)?.labels ?? {};
}
