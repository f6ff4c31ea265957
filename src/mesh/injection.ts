import type { KubeObject } from '../base/kubernetes.js';
import { records } from './read.js';

/** Label by which the node's proxy takes a pod's, or a namespace's, connections: `ambient`. */
export const DATAPLANE_MODE = 'istio.io/dataplane-mode';

const INJECT = 'sidecar.istio.io/inject';

type Metadata = Pick<KubeObject['metadata'], 'labels' | 'annotations'>;

/**
 * Whether Istio's injector puts a sidecar into a pod: the pod's own word (label before annotation), else that of its namespace
 * (`istio-injection`, else a revision). undefined: nobody says anything, which means no, unless the namespace's labels are not known.
 */
export function wantsSidecar(pod: Metadata, namespace: Metadata | undefined): boolean | undefined {
  const own = pod.labels?.[INJECT] ?? pod.annotations?.[INJECT];
  if (own !== undefined) return own === 'true';
  if (pod.labels?.['istio.io/rev']) return true;
  const labels = namespace?.labels ?? {};
  if (labels['istio-injection'] !== undefined) return labels['istio-injection'] === 'enabled';
  return labels['istio.io/rev'] === undefined ? undefined : true;
}

/** The pod runs Istio's proxy beside its application, as a container or as a native sidecar. */
export const hasSidecar = ({ spec }: Pick<KubeObject, 'spec'>): boolean =>
  [...records(spec?.containers), ...records(spec?.initContainers)].some(({ name }) => name === 'istio-proxy');
