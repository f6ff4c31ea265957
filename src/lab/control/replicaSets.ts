import type { KubeObject } from '../../base/kubernetes.js';
import { type ControlContext, type Controller, putStatus, timestamp } from './context.js';
import { inject } from './injection.js';
import { randomSuffix, templateHash } from './names.js';
import { isReady, isTerminating, ownerOf, ownerReference, podTemplate, replicasOf, workloadOf } from './objects.js';

/** ReplicaSets and StatefulSets become pods; a surplus is terminated, pods that serve nothing first. */
export function podSetController(context: ControlContext): Controller {
  const { store, random, clock } = context;

  const podsOf = (set: KubeObject): KubeObject[] =>
    store
      .list('pods', set.metadata.namespace)
      .filter((pod) => ownerOf(pod)?.uid === set.metadata.uid && !isTerminating(pod));

  function reconcile(set: KubeObject): void {
    if (isTerminating(set) || !podTemplate(set)) return;
    if (set.kind === 'StatefulSet') reconcileOrdinals(set, podsOf(set));
    else reconcileCount(set, podsOf(set));
    // Counted afterwards: a rollout must not take pods for available that were just told to end.
    const pods = podsOf(set);
    const ready = pods.filter(isReady).length;
    putStatus(context, set.kind === 'StatefulSet' ? 'statefulsets.apps' : 'replicasets.apps', set, {
      ...set.status,
      observedGeneration: set.metadata.generation ?? 1,
      replicas: pods.length,
      ...(set.kind === 'StatefulSet'
        ? { currentReplicas: pods.length, updatedReplicas: pods.length }
        : { fullyLabeledReplicas: pods.length }),
      readyReplicas: ready,
      availableReplicas: ready,
    });
  }

  function reconcileCount(set: KubeObject, pods: readonly KubeObject[]): void {
    const surplus = pods.length - replicasOf(set);
    for (let missing = -surplus; missing > 0; missing--) {
      createPod(set, `${set.metadata.name}-${randomSuffix(random)}`, {});
    }
    if (surplus <= 0) return;
    const oldestLast = [...pods].reverse().sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
    for (const pod of oldestLast.slice(0, surplus)) terminate(pod);
  }

  /** Pods `name-0` .. `name-(n-1)`; a changed template replaces them from the last to the first, one at a time. */
  function reconcileOrdinals(set: KubeObject, pods: readonly KubeObject[]): void {
    const hash = templateHash(set.spec?.template);
    const replicas = replicasOf(set);
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const name = `${set.metadata.name}-${ordinal}`;
      if (!store.get('pods', set.metadata.namespace, name))
        createPod(set, name, { 'controller-revision-hash': hash, 'statefulset.kubernetes.io/pod-name': name });
    }
    const ordinalOf = (pod: KubeObject) => Number(pod.metadata.name.slice(set.metadata.name.length + 1));
    for (const pod of pods) if (ordinalOf(pod) >= replicas) terminate(pod);
    const outdated = pods
      .filter((pod) => pod.metadata.labels?.['controller-revision-hash'] !== hash)
      .sort((a, b) => ordinalOf(b) - ordinalOf(a))[0];
    if (outdated && pods.length === replicas && pods.every(isReady)) terminate(outdated);
  }

  function createPod(set: KubeObject, name: string, extraLabels: Record<string, string>): void {
    const template = podTemplate(set);
    if (!template) return;
    const { namespace } = set.metadata;
    const { annotations } = template.metadata;
    const pod: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        ...(namespace ? { namespace } : {}),
        labels: { ...template.metadata.labels, ...extraLabels },
        ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
        ownerReferences: [ownerReference(set)],
      },
      spec: { serviceAccountName: 'default', ...template.spec },
    };
    store.put('pods', inject(store, pod, workloadOf(pod)));
  }

  function terminate(pod: KubeObject): void {
    store.put('pods', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: timestamp(clock) } });
  }

  return {
    resources: ['replicasets.apps', 'statefulsets.apps', 'pods'],
    reconcile: () => {
      store.list('replicasets.apps').forEach(reconcile);
      store.list('statefulsets.apps').forEach(reconcile);
    },
  };
}
