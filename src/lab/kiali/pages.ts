import type { KubeObject } from '../../base/kubernetes.js';
import { CLUSTER, type ClusterView, type Namespace } from './cluster.js';
import { Failure } from './failure.js';
import type { PrometheusClient } from './prometheus.js';

/** What the lab's API server says at /version. */
const KUBERNETES_VERSION = 'v1.34.1';
const CONTROL_PLANE = 'istio-system';

/** What `/api` and `/api/status` say. The Prometheus entry is left out while Prometheus does not answer. */
export async function statusPage(version: string, prometheus: PrometheusClient): Promise<unknown> {
  const prometheusVersion = await prometheus.version();
  return {
    status: {
      'Disabled features': '',
      'Kiali commit hash': 'unknown',
      'Kiali container version': version,
      'Kiali state': 'running',
      'Kiali version': version,
    },
    externalServices: [
      { name: `Kubernetes-${CLUSTER}`, version: KUBERNETES_VERSION, tempoConfig: {} },
      ...(prometheusVersion === undefined ? [] : [{ name: 'Prometheus', version: prometheusVersion, tempoConfig: {} }]),
    ],
    warningMessages: [],
    istioEnvironment: { istioAPIEnabled: true },
  };
}

export function namespacePage({ name, labels, annotations }: Namespace): unknown {
  return {
    name,
    cluster: CLUSTER,
    isAmbient: labels['istio.io/dataplane-mode'] === 'ambient',
    labels: { 'kubernetes.io/metadata.name': name, ...labels },
    annotations: Object.keys(annotations).length > 0 ? annotations : null,
  };
}

/** Health of the control plane's parts and of what Kiali itself needs. */
export async function istioStatusPage(cluster: ClusterView, prometheus: PrometheusClient): Promise<unknown> {
  if (!cluster.namespaces().some(({ name }) => name === CONTROL_PLANE)) {
    throw new Failure(404, `namespaces ${JSON.stringify(CONTROL_PLANE)} not found`);
  }
  const deployments = cluster.list('deployments.apps', CONTROL_PLANE);
  const part = (name: string, label: string, value: string, isCore: boolean, notReady: string) => {
    const found = deployments.find((deployment) => templateLabels(deployment)[label] === value);
    const wanted = Number(found?.spec?.replicas ?? 1);
    const ready = wanted > 0 && Number(found?.status?.availableReplicas ?? 0) >= wanted;
    return { name, status: found === undefined ? 'NotFound' : ready ? 'Healthy' : notReady, is_core: isCore };
  };
  const reachable = (await prometheus.healthy()) ? 'Healthy' : 'Unreachable';
  return [
    part('istiod', 'app', 'istiod', true, 'NotReady'),
    part('istio=ingressgateway', 'istio', 'ingressgateway', true, 'Unhealthy'),
    part('istio=egressgateway', 'istio', 'egressgateway', false, 'Unhealthy'),
    { name: 'prometheus', status: reachable, is_core: false },
    { name: 'custom dashboards', status: reachable, is_core: false },
  ];
}

function templateLabels(deployment: KubeObject): Readonly<Record<string, string>> {
  const template = deployment.spec?.template as { metadata?: { labels?: Record<string, string> } } | undefined;
  return { ...template?.metadata?.labels, ...deployment.metadata.labels };
}

/** Lists by the key Kiali 1.x gives them, and where the lab stores them. */
const CONFIG_LISTS = {
  destinationRules: 'destinationrules.networking.istio.io',
  envoyFilters: 'envoyfilters.networking.istio.io',
  gateways: 'gateways.networking.istio.io',
  serviceEntries: 'serviceentries.networking.istio.io',
  sidecars: 'sidecars.networking.istio.io',
  virtualServices: 'virtualservices.networking.istio.io',
  workloadEntries: 'workloadentries.networking.istio.io',
  workloadGroups: 'workloadgroups.networking.istio.io',
  wasmPlugins: 'wasmplugins.extensions.istio.io',
  telemetries: 'telemetries.telemetry.istio.io',
  k8sGateways: 'gateways.gateway.networking.k8s.io',
  k8sGRPCRoutes: 'grpcroutes.gateway.networking.k8s.io',
  k8sHTTPRoutes: 'httproutes.gateway.networking.k8s.io',
  k8sReferenceGrants: 'referencegrants.gateway.networking.k8s.io',
  k8sTCPRoutes: 'tcproutes.gateway.networking.k8s.io',
  k8sTLSRoutes: 'tlsroutes.gateway.networking.k8s.io',
  authorizationPolicies: 'authorizationpolicies.security.istio.io',
  peerAuthentications: 'peerauthentications.security.istio.io',
  requestAuthentications: 'requestauthentications.security.istio.io',
} as const;

/** Istio's objects, of one namespace or of all; `objects` (comma list of the old type names) leaves out the others. Not validated. */
export function configPage(cluster: ClusterView, namespace: string | undefined, objects: string | null): unknown {
  const wanted = objects ? new Set(objects.split(',').map((name) => name.trim().toLowerCase())) : undefined;
  const lists = Object.entries(CONFIG_LISTS).map(([key, resource]) => {
    const shown = wanted === undefined || wanted.has(key.toLowerCase());
    return [key, shown ? cluster.list(resource, namespace) : []];
  });
  return { ...Object.fromEntries(lists), validations: {} };
}
