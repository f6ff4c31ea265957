import { errorText } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import { ApiError, type ClusterClient } from './client.js';
import { listVisible } from './visible.js';

const ISTIO = ['networking.istio.io/v1', 'networking.istio.io/v1beta1'];
const GATEWAY_API = ['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1'];

/** Every kind that a mesh is compiled from; API versions newest first. */
const KINDS: readonly (readonly [apiVersions: readonly string[], kind: string])[] = [
  [['v1'], 'Namespace'],
  [['v1'], 'Service'],
  [['v1'], 'Pod'],
  [['v1'], 'Node'],
  [['apps/v1'], 'Deployment'],
  [['apps/v1'], 'StatefulSet'],
  [['discovery.k8s.io/v1'], 'EndpointSlice'],
  [ISTIO, 'VirtualService'],
  [ISTIO, 'DestinationRule'],
  [ISTIO, 'Gateway'],
  [ISTIO, 'Sidecar'],
  [ISTIO, 'ServiceEntry'],
  [ISTIO, 'WorkloadEntry'],
  [['security.istio.io/v1', 'security.istio.io/v1beta1'], 'PeerAuthentication'],
  [['security.istio.io/v1', 'security.istio.io/v1beta1'], 'AuthorizationPolicy'],
  [['telemetry.istio.io/v1', 'telemetry.istio.io/v1alpha1'], 'Telemetry'],
  [GATEWAY_API, 'Gateway'],
  [GATEWAY_API, 'HTTPRoute'],
  [GATEWAY_API, 'GRPCRoute'],
  [['gateway.networking.k8s.io/v1beta1'], 'ReferenceGrant'],
];

/**
 * Everything of a live cluster that decides where requests go, and the kinds that the credentials may not list (which then count as
 * having no objects). Kinds that are not installed have none.
 * @param namespace listed alone where the credentials may not list the whole cluster.
 * @throws ApiError, EnvironmentError when the API server does not answer.
 */
export async function readWholeMesh(
  client: ClusterClient,
  namespace?: string,
): Promise<{ readonly objects: KubeObject[]; readonly unread: string[] }> {
  const reads = await Promise.all(
    KINDS.map(async ([apiVersions, kind]) => ({ kind, ...(await listVisible(client, apiVersions, kind, namespace)) })),
  );
  const unread = reads.flatMap(({ kind, from, refused }) =>
    from === undefined && refused ? [`${kind}: ${errorText(refused)}`] : [],
  );
  const here = reads.filter(({ from }) => from === 'namespace');
  const [first] = here;
  if (first?.refused) {
    const kinds = [...new Set(here.map(({ kind }) => kind))].join(', ');
    unread.push(`other namespaces than ${namespace} of ${kinds}: ${errorText(first.refused)}`);
  }
  const config = await client
    .get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'istio-system', name: 'istio' })
    .catch((error: unknown) => {
      if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return undefined;
      throw error;
    });
  return { objects: [...reads.flatMap(({ objects }) => objects), ...(config ? [config] : [])], unread };
}
