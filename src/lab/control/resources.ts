import { apiGroup } from '../../base/kubernetes.js';

/** `deployments.apps`, `pods`, `virtualservices.networking.istio.io`: plural and group, as kubectl writes it. */
export type ResourceName = string;

/** One kind that the embedded cluster serves. */
export interface ResourceKind {
  /** Key in the Store: `deployments.apps`, `pods`. */
  readonly resource: ResourceName;
  /** API group, empty for the core group. */
  readonly group: string;
  /** Served versions, the preferred (and stored) one first. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Has a `/status` subresource: writes of the main resource leave `status` alone. */
  readonly status: boolean;
  readonly scale: boolean;
  /** Defined by a CustomResourceDefinition in a real cluster: no strategic merge patch, lists are atomic. */
  readonly custom: boolean;
  readonly categories: readonly string[];
}

/** Flags: n namespaced, s status, c scale, x custom, a in `kubectl get all`. */
const TABLE: readonly (readonly [group: string, versions: string, flags: string, kinds: string])[] = [
  ['', 'v1', '', 'Node/nodes/no'],
  ['', 'v1', 's', 'Namespace/namespaces/ns PersistentVolume/persistentvolumes/pv'],
  ['', 'v1', 'nsa', 'Pod/pods/po Service/services/svc'],
  ['', 'v1', 'n', 'Endpoints/endpoints/ep ConfigMap/configmaps/cm Secret/secrets ServiceAccount/serviceaccounts/sa'],
  ['', 'v1', 'n', 'Event/events/ev LimitRange/limitranges/limits'],
  ['', 'v1', 'ns', 'PersistentVolumeClaim/persistentvolumeclaims/pvc ResourceQuota/resourcequotas/quota'],
  ['apps', 'v1', 'nsca', 'Deployment/deployments/deploy ReplicaSet/replicasets/rs StatefulSet/statefulsets/sts'],
  ['apps', 'v1', 'nsa', 'DaemonSet/daemonsets/ds'],
  ['batch', 'v1', 'nsa', 'Job/jobs CronJob/cronjobs/cj'],
  ['autoscaling', 'v2 v1', 'nsa', 'HorizontalPodAutoscaler/horizontalpodautoscalers/hpa'],
  ['policy', 'v1', 'ns', 'PodDisruptionBudget/poddisruptionbudgets/pdb'],
  ['discovery.k8s.io', 'v1', 'n', 'EndpointSlice/endpointslices'],
  ['coordination.k8s.io', 'v1', 'n', 'Lease/leases'],
  ['networking.k8s.io', 'v1', 'ns', 'Ingress/ingresses/ing'],
  ['networking.k8s.io', 'v1', 'n', 'NetworkPolicy/networkpolicies/netpol'],
  ['networking.k8s.io', 'v1', '', 'IngressClass/ingressclasses'],
  ['rbac.authorization.k8s.io', 'v1', 'n', 'Role/roles RoleBinding/rolebindings'],
  ['rbac.authorization.k8s.io', 'v1', '', 'ClusterRole/clusterroles ClusterRoleBinding/clusterrolebindings'],
  ['storage.k8s.io', 'v1', '', 'StorageClass/storageclasses/sc'],
  ['scheduling.k8s.io', 'v1', '', 'PriorityClass/priorityclasses/pc'],
  ['apiextensions.k8s.io', 'v1', 's', 'CustomResourceDefinition/customresourcedefinitions/crd,crds'],
  [
    'admissionregistration.k8s.io',
    'v1',
    '',
    'ValidatingWebhookConfiguration/validatingwebhookconfigurations MutatingWebhookConfiguration/mutatingwebhookconfigurations',
  ],
  [
    'networking.istio.io',
    'v1 v1beta1 v1alpha3',
    'nsx',
    'VirtualService/virtualservices/vs DestinationRule/destinationrules/dr Gateway/gateways/gw ServiceEntry/serviceentries/se Sidecar/sidecars',
  ],
  [
    'networking.istio.io',
    'v1 v1beta1 v1alpha3',
    'nsx',
    'WorkloadEntry/workloadentries/we WorkloadGroup/workloadgroups/wg',
  ],
  ['networking.istio.io', 'v1alpha3', 'nsx', 'EnvoyFilter/envoyfilters'],
  ['networking.istio.io', 'v1beta1', 'nsx', 'ProxyConfig/proxyconfigs'],
  [
    'security.istio.io',
    'v1 v1beta1',
    'nsx',
    'AuthorizationPolicy/authorizationpolicies/ap PeerAuthentication/peerauthentications/pa RequestAuthentication/requestauthentications/ra',
  ],
  ['telemetry.istio.io', 'v1 v1alpha1', 'nsx', 'Telemetry/telemetries/telemetry'],
  ['extensions.istio.io', 'v1alpha1', 'nsx', 'WasmPlugin/wasmplugins'],
  ['gateway.networking.k8s.io', 'v1 v1beta1', 'nsx', 'Gateway/gateways/gtw HTTPRoute/httproutes'],
  ['gateway.networking.k8s.io', 'v1', 'nsx', 'GRPCRoute/grpcroutes'],
  ['gateway.networking.k8s.io', 'v1beta1', 'nx', 'ReferenceGrant/referencegrants/refgrant'],
  ['gateway.networking.k8s.io', 'v1 v1beta1', 'sx', 'GatewayClass/gatewayclasses/gc'],
  ['policy.linkerd.io', 'v1beta3 v1beta2', 'nsx', 'HTTPRoute/httproutes'],
  ['policy.linkerd.io', 'v1beta3 v1beta1', 'nx', 'Server/servers/srv'],
  ['policy.linkerd.io', 'v1beta1', 'nx', 'ServerAuthorization/serverauthorizations/saz'],
  ['policy.linkerd.io', 'v1alpha1', 'nx', 'AuthorizationPolicy/authorizationpolicies/authzpolicy'],
  ['linkerd.io', 'v1alpha2', 'nx', 'ServiceProfile/serviceprofiles/sp'],
  ['k6.io', 'v1alpha1', 'nsx', 'TestRun/testruns'],
  ['split.smi-spec.io', 'v1alpha2 v1alpha1', 'nx', 'TrafficSplit/trafficsplits/ts'],
];

function kindsOfRow([group, versions, flags, kinds]: (typeof TABLE)[number]): ResourceKind[] {
  return kinds.split(' ').map((text) => {
    const [kind = '', plural = '', shortNames = ''] = text.split('/');
    return {
      resource: group ? `${plural}.${group}` : plural,
      group,
      versions: versions.split(' '),
      kind,
      plural,
      singular: kind.toLowerCase(),
      shortNames: shortNames ? shortNames.split(',') : [],
      namespaced: flags.includes('n'),
      status: flags.includes('s'),
      scale: flags.includes('c'),
      custom: flags.includes('x'),
      categories: flags.includes('a') ? ['all'] : [],
    };
  });
}

/** Every kind that the embedded cluster serves; the order is that of `kubectl api-resources`' groups. */
export const RESOURCES: readonly ResourceKind[] = TABLE.flatMap(kindsOfRow);

const byName = new Map(RESOURCES.map((entry) => [entry.resource, entry]));
const byGroupKind = new Map(RESOURCES.map((entry) => [`${entry.group}/${entry.kind}`, entry]));

/** Built-in kinds whose objects carry no `metadata.generation`. */
const WITHOUT_GENERATION = new Set(
  'nodes namespaces services endpoints configmaps secrets serviceaccounts events limitranges resourcequotas persistentvolumes persistentvolumeclaims leases.coordination.k8s.io roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io clusterroles.rbac.authorization.k8s.io clusterrolebindings.rbac.authorization.k8s.io storageclasses.storage.k8s.io horizontalpodautoscalers.autoscaling'.split(
    ' ',
  ),
);

export const hasGeneration = (resource: ResourceName): boolean => !WITHOUT_GENERATION.has(resource);

/** The kind behind a Store key such as `deployments.apps`; undefined when the cluster does not serve it. */
export function resourceKind(resource: ResourceName): ResourceKind | undefined {
  return byName.get(resource);
}

/** `networking.istio.io/v1`, `v1`: what stored objects of the kind carry. */
export function storedApiVersion(entry: ResourceKind): string {
  return entry.group ? `${entry.group}/${entry.versions[0]}` : (entry.versions[0] ?? 'v1');
}

/**
 * Where objects of a kind live in the Store; any served version of the group will do.
 * @returns undefined when the cluster does not serve the kind in that version.
 */
export function resourceFor(apiVersion: string, kind: string): ResourceKind | undefined {
  const entry = byGroupKind.get(`${apiGroup(apiVersion)}/${kind}`);
  return entry?.versions.includes(apiVersion.slice(apiVersion.indexOf('/') + 1)) ? entry : undefined;
}
