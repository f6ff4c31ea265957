import type { KubeObject } from '../../base/kubernetes.js';
import { type ControlContext, type Controller, putStatus, timestamp } from './context.js';
import { inject } from './injection.js';
import { randomSuffix, templateHash } from './names.js';
import { isReady, isTerminating, ownerOf, ownerReference, podTemplate, workloadOf } from './objects.js';

const HASH = 'controller-revision-hash';

/** DaemonSets become one pod, for the lab has one node; a changed template replaces it, unless the strategy is OnDelete. */
export function daemonSetController(context: ControlContext): Controller {
  const { store, random, clock } = context;

  const podsOf = (set: KubeObject): KubeObject[] =>
    store
      .list('pods', set.metadata.namespace)
      .filter((pod) => ownerOf(pod)?.uid === set.metadata.uid && !isTerminating(pod));

  function reconcile(set: KubeObject): void {
    const template = podTemplate(set);
    if (isTerminating(set) || !template) return;
    const hash = templateHash(set.spec?.template);
    const pods = podsOf(set);
    const strategy = (set.spec?.updateStrategy ?? {}) as { type?: string };
    const [newest, ...surplus] = [...pods].sort((a, b) => Number(isCurrent(b, hash)) - Number(isCurrent(a, hash)));
    for (const pod of surplus) terminate(pod);
    if (!newest) createPod(set, template, hash);
    else if (!isCurrent(newest, hash) && strategy.type !== 'OnDelete') {
      // As with maxUnavailable 1, the default: the old pod goes first.
      terminate(newest);
      createPod(set, template, hash);
    }
    writeStatus(set, hash);
  }

  function writeStatus(set: KubeObject, hash: string): void {
    const pods = podsOf(set);
    const ready = pods.filter(isReady).length;
    const scheduled = Math.min(pods.length, 1);
    putStatus(context, 'daemonsets.apps', set, {
      ...set.status,
      observedGeneration: set.metadata.generation ?? 1,
      currentNumberScheduled: scheduled,
      desiredNumberScheduled: 1,
      numberMisscheduled: 0,
      updatedNumberScheduled: pods.filter((pod) => isCurrent(pod, hash)).length,
      numberReady: ready,
      numberAvailable: ready,
      numberUnavailable: 1 - Math.min(ready, 1),
    });
  }

  function createPod(set: KubeObject, template: NonNullable<ReturnType<typeof podTemplate>>, hash: string): void {
    const { namespace } = set.metadata;
    const { annotations, labels } = template.metadata;
    const pod: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${set.metadata.name}-${randomSuffix(random)}`,
        ...(namespace ? { namespace } : {}),
        labels: { ...labels, [HASH]: hash, 'pod-template-generation': String(set.metadata.generation ?? 1) },
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
    resources: ['daemonsets.apps', 'pods'],
    reconcile: () => store.list('daemonsets.apps').forEach(reconcile),
  };
}

const isCurrent = (pod: KubeObject, hash: string): boolean => pod.metadata.labels?.[HASH] === hash;
