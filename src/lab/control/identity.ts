import { type KubeObject, namespaceOf } from '../../base/kubernetes.js';

/** Who one side of a request is, with the values that the metric labels carry. */
export interface Identity {
  readonly workload: string;
  readonly namespace: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly app: string;
  readonly version: string;
  readonly principal: string;
  readonly cluster: string;
}

export const IDENTITY_FIELDS = [
  'workload',
  'namespace',
  'canonicalService',
  'canonicalRevision',
  'app',
  'version',
  'principal',
  'cluster',
] as const satisfies readonly (keyof Identity)[];

/** How Istio writes a side that it knows nothing of. */
export const UNKNOWN_IDENTITY: Identity = {
  workload: 'unknown',
  namespace: 'unknown',
  canonicalService: 'unknown',
  // A missing revision reads `latest` wherever it is looked up.
  canonicalRevision: 'latest',
  app: 'unknown',
  version: 'unknown',
  principal: 'unknown',
  cluster: 'unknown',
};

/** SPIFFE identity of a service account in the default trust domain. */
export const principalOf = (namespace: string, serviceAccount: string): string =>
  `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`;

type Labels = Readonly<Record<string, string>>;

export const canonicalServiceOf = (labels: Labels, workload: string): string =>
  labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? workload;

export const canonicalRevisionOf = (labels: Labels): string =>
  labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version ?? 'latest';

/** How a pod's sidecar describes itself to others; in its own metrics `app` and `version` are its labels or empty. */
export function identityOfPod(
  pod: KubeObject,
  workload: string,
  serviceAccount: string,
): { readonly told: Identity; readonly own: Identity } {
  const labels = pod.metadata.labels ?? {};
  const namespace = namespaceOf(pod);
  const common = {
    workload,
    namespace,
    canonicalService: canonicalServiceOf(labels, workload),
    canonicalRevision: canonicalRevisionOf(labels),
    principal: principalOf(namespace, serviceAccount),
    cluster: 'Kubernetes',
  };
  const app = labels['app.kubernetes.io/name'] ?? labels.app ?? 'unknown';
  const version = labels['app.kubernetes.io/version'] ?? labels.version ?? 'unknown';
  return {
    told: { ...common, app, version },
    own: { ...common, app: labels.app ?? '', version: labels.version ?? '' },
  };
}
