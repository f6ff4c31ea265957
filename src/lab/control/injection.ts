import type { KubeObject } from '../../base/kubernetes.js';
import { podSpec } from './objects.js';
import type { Store } from './store.js';

export const SIDECAR = 'istio-proxy';
const INJECT = 'sidecar.istio.io/inject';

/** True when the pod has a sidecar container, as a regular or as a native (init) one. */
export function hasSidecar(pod: KubeObject): boolean {
  const { containers, initContainers } = podSpec(pod);
  return [...containers, ...(initContainers ?? [])].some((container) => container.name === SIDECAR);
}

/** Istio's injection policy: the pod's own word (label before annotation), else the namespace's label. */
function wantsSidecar(store: Store, pod: KubeObject): boolean {
  const own = pod.metadata.labels?.[INJECT] ?? pod.metadata.annotations?.[INJECT];
  if (own !== undefined) return own === 'true';
  if (podSpec(pod).hostNetwork === true) return false;
  const labels = store.get('namespaces', undefined, pod.metadata.namespace ?? 'default')?.metadata.labels ?? {};
  if (labels['istio-injection'] !== undefined) return labels['istio-injection'] === 'enabled';
  return labels['istio.io/rev'] !== undefined;
}

/**
 * The pod as Istio's mutating webhook returns it: with the proxy container, the canonical name and revision labels
 * (facts of the injector: canonical-name label, `app.kubernetes.io/name`, `app`, workload) and the scrape annotations.
 */
export function inject(store: Store, pod: KubeObject, workload: string): KubeObject {
  if (hasSidecar(pod) || !wantsSidecar(store, pod)) return pod;
  const labels = pod.metadata.labels ?? {};
  const name = labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app;
  const revision =
    labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version;
  const spec = podSpec(pod);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...labels,
        'security.istio.io/tlsMode': 'istio',
        'service.istio.io/canonical-name': name ?? workload,
        'service.istio.io/canonical-revision': revision ?? 'latest',
      },
      annotations: {
        ...pod.metadata.annotations,
        'prometheus.io/path': '/stats/prometheus',
        'prometheus.io/port': '15020',
        'prometheus.io/scrape': 'true',
        'sidecar.istio.io/status': JSON.stringify({ containers: [SIDECAR], revision: 'default' }),
      },
    },
    spec: {
      ...spec,
      containers: [
        ...spec.containers,
        {
          name: SIDECAR,
          image: 'docker.io/istio/proxyv2:1.31.0',
          ports: [{ name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' }],
        },
      ],
    },
  };
}
