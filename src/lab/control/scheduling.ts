import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { podSpec, workloadOf } from './objects.js';
import type { Store } from './store.js';

/** The node that is always there; others are brought as objects. */
export const OWN_NODE = 'lab';

/** Every node that the API server knows is the lab's. */
export const isOwnNode = (store: Store, name: string): boolean =>
  name === OWN_NODE || store.get('nodes', undefined, name) !== undefined;

/**
 * The scheduler: a node whose labels meet the pod's nodeSelector, of several the one with the fewest pods of the same workload. Affinities,
 * taints and resources are not looked at; a pod that no node suits runs all the same.
 */
export function nodeFor(store: Store, pod: KubeObject): string {
  const { nodeSelector } = podSpec(pod);
  const wanted = { ...(nodeSelector as Record<string, string> | undefined) };
  const brought = store
    .list('nodes')
    .filter(({ metadata }) => metadata.name !== OWN_NODE && labelsMatch(wanted, metadata.labels))
    .map(({ metadata }) => metadata.name)
    .sort();
  const alike = store
    .list('pods')
    .filter((other) => other.metadata.namespace === pod.metadata.namespace && workloadOf(other) === workloadOf(pod));
  const count = (node: string) => alike.filter(({ spec }) => spec?.nodeName === node).length;
  return brought.reduce((best, node) => (count(node) < count(best) ? node : best), brought[0] ?? OWN_NODE);
}

/** `topology.kubernetes.io/zone` of the node that a pod runs on. */
export function zoneOf(store: Store, pod: KubeObject): string | undefined {
  const node = store.get('nodes', undefined, String(pod.spec?.nodeName));
  return node?.metadata.labels?.['topology.kubernetes.io/zone'];
}
