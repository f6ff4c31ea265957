import { type KubeObject, namespaceOf } from '../../base/kubernetes.js';
import { hasSidecar, wantsSidecar } from '../../mesh/injection.js';
import { podSpec } from './objects.js';
import { mergeScraping } from './scraping.js';
import type { Store } from './store.js';

export const SIDECAR = 'istio-proxy';
const STATUS = 'sidecar.istio.io/status';

/** The pod is an ingress or egress gateway: its proxy stands alone, from the injector's template or written out. */
export function isGatewayPod(pod: KubeObject): boolean {
  const templates = pod.metadata.annotations?.['inject.istio.io/templates'] ?? '';
  if (templates.split(',').some((each) => each.trim() === 'gateway')) return true;
  const { containers } = podSpec(pod);
  return containers.length > 0 && containers.every(({ name }) => name === SIDECAR);
}

function injected(store: Store, pod: KubeObject): boolean {
  const namespace = store.get('namespaces', undefined, namespaceOf(pod));
  // Beside the host's network a proxy cannot redirect anything: only a pod that insists gets one.
  const own = wantsSidecar(pod.metadata, undefined);
  return own ?? (podSpec(pod).hostNetwork !== true && wantsSidecar(pod.metadata, namespace?.metadata) === true);
}

/**
 * The pod as Istio's mutating webhook returns it: with the proxy container, the canonical name and revision labels
 * (facts of the injector: canonical-name label, `app.kubernetes.io/name`, `app`, workload) and the scrape annotations.
 */
export function inject(store: Store, pod: KubeObject, workload: string): KubeObject {
  if (pod.metadata.annotations?.[STATUS] !== undefined || (hasSidecar(pod) && !isGatewayPod(pod))) return pod;
  if (!injected(store, pod)) return pod;
  const labels = pod.metadata.labels ?? {};
  const name = labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app;
  const revision =
    labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version;
  const spec = podSpec(pod);
  const scraping = mergeScraping(pod.metadata.annotations);
  const written = spec.containers.find(({ name: each }) => each === SIDECAR)?.ports ?? [];
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
        ...scraping.annotations,
        [STATUS]: JSON.stringify({ containers: [SIDECAR], revision: 'default' }),
      },
    },
    spec: {
      ...spec,
      containers: [
        ...spec.containers.filter(({ name: each }) => each !== SIDECAR),
        {
          ...spec.containers.find(({ name: each }) => each === SIDECAR),
          name: SIDECAR,
          image: 'docker.io/istio/proxyv2:1.31.0',
          ports: [...written, { name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' }],
          ...(scraping.env.length > 0 ? { env: scraping.env } : {}),
        },
      ],
    },
  };
}
