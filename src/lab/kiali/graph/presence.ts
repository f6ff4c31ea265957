import { CLUSTER, type ClusterView } from '../cluster.js';
import type { GraphOptions } from '../options.js';
import {
  type End,
  type GraphNode,
  isEgressCluster,
  isOkVersion,
  makeNode,
  nodeId,
  type TrafficMap,
  UNKNOWN,
} from './nodes.js';
import { PROTOCOLS } from './rates.js';

/** Removes unknown callers without traffic and services that nothing calls, until none is left. */
export function removeDeadNodes(traffic: TrafficMap): void {
  for (let removed = true; removed; ) {
    removed = false;
    for (const [id, node] of traffic) {
      if (hasTraffic(node) || !isDead(node)) continue;
      traffic.delete(id);
      removed = true;
    }
    for (const node of traffic.values()) {
      for (let i = node.edges.length - 1; i >= 0; i--) {
        if (!traffic.has(node.edges[i]?.target.id ?? '')) node.edges.splice(i, 1);
      }
    }
  }
}

function hasTraffic(node: GraphNode): boolean {
  return PROTOCOLS.some(
    ({ protocol, out }) => (node.rates.get(`${protocol}In`) ?? 0) > 0 || (node.rates.get(out) ?? 0) > 0,
  );
}

/** Kiali 1.89 cannot see workloads here (its list of namespaces is empty), so none is ever dead; only unknown callers are. */
function isDead(node: GraphNode): boolean {
  if (node.nodeType === 'service') return node.edges.length === 0 && !isEgressCluster(node.service);
  return node.nodeType === 'unknown';
}

/** Adds the services and workloads that had no traffic. */
export function addIdleNodes(
  traffic: TrafficMap,
  namespace: string,
  cluster: ClusterView,
  options: GraphOptions,
): void {
  const empty = {
    cluster: CLUSTER,
    serviceNamespace: '',
    service: '',
    workloadNamespace: '',
    workload: '',
    app: '',
    version: '',
  };
  const ends: End[] = [];
  if (options.injectServiceNodes) {
    for (const { metadata } of cluster.services(namespace))
      ends.push({ ...empty, serviceNamespace: namespace, service: metadata.name });
  }
  // Kiali looks at workloads within its loop over the clusters' service lists: without service nodes there are no idle nodes at all.
  if (options.injectServiceNodes && options.graphType !== 'service') {
    for (const { name, labels } of cluster.workloads(namespace)) {
      ends.push({
        ...empty,
        workloadNamespace: namespace,
        workload: name,
        app: labels.app ?? UNKNOWN,
        version: labels.version ?? UNKNOWN,
      });
    }
  }
  for (const end of ends) {
    const found = nodeId(end, options.graphType);
    if (!found || traffic.has(found.id)) continue;
    const node = makeNode(end, found.id, found.nodeType, options.graphType);
    node.marks.isIdle = true;
    traffic.set(found.id, node);
  }
}

/** Marks nodes whose pods lack a sidecar. A workload that cannot be found is taken for ambient: Kiali 1.89's own quirk. */
export function markOutOfMesh(traffic: TrafficMap, cluster: ClusterView, options: GraphOptions): void {
  for (const node of traffic.values()) {
    if (!options.accessible.has(node.namespace) || node.namespace === 'istio-system') continue;
    if (node.nodeType !== 'workload' && node.nodeType !== 'app') continue;
    const workloads = cluster.workloads(node.namespace).filter((workload) => {
      if (node.nodeType === 'workload') return workload.name === node.workload;
      return (
        workload.labels.app === node.app && (!isOkVersion(node.version) || workload.labels.version === node.version)
      );
    });
    if (workloads.length === 0) node.marks.isAmbient = true;
    else if (workloads.some(({ hasSidecar }) => !hasSidecar)) node.marks.isOutOfMesh = true;
  }
}

/** Last, over the whole graph: what lies outside the asked or the known namespaces, and where traffic begins. */
export function markBorders(traffic: TrafficMap, options: GraphOptions): void {
  const asked = new Set(options.namespaces.map(({ name }) => name));
  const targets = new Set<string>();
  for (const node of traffic.values()) for (const edge of node.edges) targets.add(edge.target.id);
  for (const node of traffic.values()) {
    const hidden =
      node.nodeType === 'unknown' ||
      (node.nodeType === 'service' && (node.namespace === UNKNOWN || isEgressCluster(node.service)));
    if (!hidden && node.namespace !== UNKNOWN && !asked.has(node.namespace)) node.marks.isOutside = true;
    if (hidden || node.cluster !== CLUSTER || !options.accessible.has(node.namespace)) node.marks.isInaccessible = true;
    if (node.edges.length > 0 && !targets.has(node.id)) node.marks.isRoot = true;
  }
}
