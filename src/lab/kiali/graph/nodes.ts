import type { GraphType } from '../options.js';

export const UNKNOWN = 'unknown';
export type NodeType = 'app' | 'service' | 'unknown' | 'workload';
export type Protocol = 'http' | 'grpc' | 'tcp';

/** The labels of one end of a request. An end without a workload has '' there. */
export interface End {
  readonly cluster: string;
  readonly serviceNamespace: string;
  readonly service: string;
  readonly workloadNamespace: string;
  readonly workload: string;
  readonly app: string;
  readonly version: string;
}

interface ServiceName {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
}

/** By response code: requests per second by flags and by host. */
export type Responses = Map<string, { readonly flags: Map<string, number>; readonly hosts: Map<string, number> }>;

export interface GraphEdge {
  readonly source: GraphNode;
  readonly target: GraphNode;
  readonly protocol: Protocol;
  /** Rows already counted: the same request reported by the other proxy is not counted again. */
  readonly counted: Set<string>;
  readonly rates: Map<string, number>;
  readonly responses: Responses;
  /** Percent. */
  mtls?: number;
  /** ms. */
  responseTime?: number;
  /** Bytes per second. */
  throughput?: number;
  sourcePrincipal?: string;
  destPrincipal?: string;
}

/** What appenders say of a node, under the names that Kiali's JSON has for it. */
interface NodeMarks {
  hasCB?: true;
  hasFaultInjection?: true;
  hasMirroring?: true;
  hasRequestRouting?: true;
  hasRequestTimeout?: true;
  hasTCPTrafficShifting?: true;
  hasTrafficShifting?: true;
  hasVS?: { hostnames?: string[] };
  isAmbient?: true;
  isGateway?: object;
  isIdle?: true;
  isInaccessible?: true;
  isK8sGatewayAPI?: true;
  isOutOfMesh?: true;
  isOutside?: true;
  isRoot?: true;
  labels?: Record<string, string>;
  healthData?: object;
}

export interface GraphNode {
  readonly id: string;
  readonly nodeType: NodeType;
  readonly cluster: string;
  readonly namespace: string;
  readonly workload: string;
  app: string;
  readonly version: string;
  readonly service: string;
  readonly edges: GraphEdge[];
  /** Requests or bytes per second by name, such as `httpIn5xx`. */
  readonly rates: Map<string, number>;
  readonly destServices: Map<string, ServiceName>;
  readonly marks: NodeMarks;
}

export type TrafficMap = Map<string, GraphNode>;

export const isOk = (value: string): boolean => value !== '' && value !== UNKNOWN;

/** `latest` is what telemetry says when there is no version. */
export const isOkVersion = (value: string): boolean => isOk(value) && value !== 'latest';

/** Services that stand for traffic leaving the mesh. */
export const isEgressCluster = (service: string): boolean =>
  service === 'PassthroughCluster' || service === 'BlackHoleCluster';

/** A node's identity before hashing, by Kiali's rules; undefined when the end names nothing at all. */
export function nodeId(
  end: End,
  graphType: GraphType,
): { readonly id: string; readonly nodeType: NodeType } | undefined {
  const { cluster, service, workload, app, version } = end;
  const namespace = namespaceOf(end);
  if (namespace === UNKNOWN && workload === UNKNOWN && app === UNKNOWN && service === '') {
    return { id: `${cluster}_unknown_source`, nodeType: 'unknown' };
  }
  const asService = (name: string) => ({ id: `svc_${cluster}_${namespace}_${name}`, nodeType: 'service' as const });
  if (workload === UNKNOWN && app === UNKNOWN && service === UNKNOWN) return asService(UNKNOWN);
  if (!isOk(workload) && !isOk(app) && !isOk(service)) return undefined;

  const asWorkload = { id: `wl_${cluster}_${namespace}_${workload}`, nodeType: 'workload' as const };
  if (graphType === 'workload' || graphType === 'service') {
    if (isOk(workload)) return asWorkload;
    return asService(isOk(service) ? service : UNKNOWN);
  }
  if (isOk(app)) {
    const versioned = graphType === 'versionedApp';
    if (versioned && isOk(workload)) return { id: `vapp_${cluster}_${namespace}_${workload}`, nodeType: 'app' };
    if (versioned && isOkVersion(version))
      return { id: `vapp_${cluster}_${namespace}_${app}_${version}`, nodeType: 'app' };
    return { id: `app_${cluster}_${namespace}_${app}`, nodeType: 'app' };
  }
  return isOk(workload) ? asWorkload : asService(service);
}

function namespaceOf(end: End): string {
  return isOk(end.workloadNamespace) ? end.workloadNamespace : end.serviceNamespace;
}

/** A node for the end, with only the fields that its type has. */
export function makeNode(end: End, id: string, nodeType: NodeType, graphType: GraphType): GraphNode {
  const isService = nodeType === 'service';
  const unversioned = nodeType === 'app' && graphType !== 'versionedApp';
  const known = (value: string) => (nodeType === 'workload' && value === UNKNOWN ? '' : value);
  return {
    id,
    nodeType,
    cluster: end.cluster,
    namespace: namespaceOf(end),
    workload: isService || unversioned ? '' : end.workload,
    app: isService ? '' : known(end.app),
    version: isService || unversioned ? '' : known(end.version),
    service: nodeType === 'app' || nodeType === 'workload' ? '' : end.service,
    edges: [],
    rates: new Map(),
    destServices: new Map(),
    marks: {},
  };
}

/** The end that a service node between caller and workload has. */
export function serviceEnd(end: End): End {
  return { ...end, workloadNamespace: '', workload: '', app: '', version: '' };
}
