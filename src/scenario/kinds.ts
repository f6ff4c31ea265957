import { apiGroup } from '../base/kubernetes.js';

/** Kinds of the API groups that weighbridge knows, so that a misspelt one is found before a cluster sees it. */
const NAMESPACED: Readonly<Record<string, readonly string[]>> = {
  '': [
    'ConfigMap',
    'Endpoints',
    'Event',
    'LimitRange',
    'PersistentVolumeClaim',
    'Pod',
    'PodTemplate',
    'ReplicationController',
    'ResourceQuota',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  apps: ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  batch: ['CronJob', 'Job'],
  autoscaling: ['HorizontalPodAutoscaler'],
  policy: ['PodDisruptionBudget'],
  'coordination.k8s.io': ['Lease'],
  'discovery.k8s.io': ['EndpointSlice'],
  'networking.k8s.io': ['Ingress', 'NetworkPolicy'],
  'rbac.authorization.k8s.io': ['Role', 'RoleBinding'],
  'networking.istio.io': [
    'DestinationRule',
    'EnvoyFilter',
    'Gateway',
    'ProxyConfig',
    'ServiceEntry',
    'Sidecar',
    'VirtualService',
    'WorkloadEntry',
    'WorkloadGroup',
  ],
  'security.istio.io': ['AuthorizationPolicy', 'PeerAuthentication', 'RequestAuthentication'],
  'telemetry.istio.io': ['Telemetry'],
  'gateway.networking.k8s.io': [
    'BackendTLSPolicy',
    'GRPCRoute',
    'Gateway',
    'HTTPRoute',
    'ReferenceGrant',
    'TCPRoute',
    'TLSRoute',
    'UDPRoute',
  ],
  'policy.linkerd.io': ['AuthorizationPolicy', 'HTTPRoute', 'MeshTLSAuthentication', 'NetworkAuthentication', 'Server'],
  'linkerd.io': ['ServiceProfile'],
  'split.smi-spec.io': ['TrafficSplit'],
};
const CLUSTER_SCOPED: Readonly<Record<string, readonly string[]>> = {
  '': ['Namespace', 'Node', 'PersistentVolume'],
  'networking.k8s.io': ['IngressClass'],
  'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding'],
  'storage.k8s.io': ['StorageClass'],
  'scheduling.k8s.io': ['PriorityClass'],
  'apiextensions.k8s.io': ['CustomResourceDefinition'],
  'admissionregistration.k8s.io': ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
  'gateway.networking.k8s.io': ['GatewayClass'],
};

/** Kinds whose pods come from `spec.template`. */
export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'] as const;

/** Every kind that can be named without its API group. */
export const KNOWN_KINDS: readonly string[] = [
  ...new Set([...Object.values(NAMESPACED), ...Object.values(CLUSTER_SCOPED)].flat()),
].sort();

/** The kinds of a known API group, or undefined when the group is not known: then any kind may exist. */
export function kindsOfGroup(apiVersion: string): readonly string[] | undefined {
  const group = apiGroup(apiVersion);
  if (!Object.hasOwn(NAMESPACED, group) && !Object.hasOwn(CLUSTER_SCOPED, group)) return undefined;
  return [...(NAMESPACED[group] ?? []), ...(CLUSTER_SCOPED[group] ?? [])];
}

/** False for kinds known to be cluster-scoped; kinds of unknown groups count as namespaced, as most are. */
export function isNamespaced(apiVersion: string, kind: string): boolean {
  return !(CLUSTER_SCOPED[apiGroup(apiVersion)] ?? []).includes(kind);
}
