import type { KubeObject } from '../../base/kubernetes.js';
import type { ClusterView, Workload } from './cluster.js';

function isGateway({ type, labels }: Workload): boolean {
  const component = labels['operator.istio.io/component'] ?? '';
  return (
    type === 'Deployment' &&
    (['IngressGateways', 'EgressGateways'].includes(component) ||
      ['ingressgateway', 'egressgateway'].includes(labels.istio ?? ''))
  );
}

/** True where requests are counted: a sidecar, or a gateway, which is a proxy itself. */
export const hasProxy = (workload: Workload): boolean => workload.hasSidecar || isGateway(workload);

/** Replicas as wanted, made and available, and how many of its proxies follow the control plane. */
export function statusOf(workload: Workload, cluster: ClusterView): unknown {
  const [desired, current, available] = replicasOf(workload);
  return {
    name: workload.name,
    desiredReplicas: desired,
    currentReplicas: current,
    availableReplicas: available,
    syncedProxies: workload.hasSidecar && !isGateway(workload) ? syncedProxies(workload, cluster) : -1,
  };
}

function replicasOf({ type, object }: Workload): [desired: number, current: number, available: number] {
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const { spec = {}, status = {} } = object;
  switch (type) {
    case 'Pod':
      return [1, 1, status.phase === 'Running' ? 1 : 0];
    case 'DaemonSet':
      return [
        number(status.desiredNumberScheduled),
        number(status.currentNumberScheduled),
        number(status.numberAvailable),
      ];
    case 'StatefulSet':
      return [number(spec.replicas), number(status.replicas), number(status.readyReplicas)];
    default:
      return [number(spec.replicas), number(status.replicas), number(status.availableReplicas)];
  }
}

/** Kiali hears of proxies from istiod: -1 without one, and for a workload of which it knows none. */
function syncedProxies({ pods }: Workload, cluster: ClusterView): number {
  const istiod = cluster.workload('istio-system', 'istiod');
  const isReady = ({ status }: KubeObject) => {
    const conditions = (status?.conditions ?? []) as { type?: string; status?: string }[];
    return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  };
  return (istiod && replicasOf(istiod)[2] > 0 && pods.filter(isReady).length) || -1;
}
