import { type KubeObject, objectRef } from '../../base/kubernetes.js';

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet'];
const INJECT = 'sidecar.istio.io/inject';

interface Template {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: Record<string, unknown> & { readonly containers?: readonly unknown[] };
}

/**
 * Manifests as a cluster would hold them: with the pods of every workload, all of them ready, and with a sidecar unless the pod itself refuses
 * one (who plans for a mesh has injection on, whether these files say so or not). Pods that the manifests bring stay as they are.
 */
export function withPods(objects: readonly KubeObject[]): KubeObject[] {
  let serial = 0;
  const pods = objects
    .filter(({ kind }) => WORKLOADS.includes(kind))
    .flatMap((workload) => {
      const replicas = Math.min(1000, Number(workload.spec?.replicas ?? 1));
      return Array.from({ length: replicas }, (_, index) => podOf(workload, index, ++serial));
    });
  return [...objects, ...pods];
}

function podOf(workload: KubeObject, index: number, serial: number): KubeObject {
  const { apiVersion, kind, metadata } = workload;
  const { metadata: own = {}, spec = {} } = (workload.spec?.template ?? {}) as Template;
  const refuses = (own.labels?.[INJECT] ?? own.annotations?.[INJECT]) === 'false';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${metadata.name}-${index}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(own.labels ? { labels: own.labels } : {}),
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: objectRef(workload), controller: true }],
    },
    spec: { ...spec, containers: [...(spec.containers ?? []), ...(refuses ? [] : [{ name: 'istio-proxy' }])] },
    status: {
      phase: 'Running',
      podIP: `10.244.${serial >> 8}.${serial & 255}`,
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}
