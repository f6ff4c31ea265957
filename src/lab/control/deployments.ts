import type { KubeObject } from '../../base/kubernetes.js';
import { type Condition, type ControlContext, type Controller, conditions, putStatus } from './context.js';
import { templateHash } from './names.js';
import { matchLabels, ownerOf, ownerReference, type PodTemplate, podTemplate, replicasOf } from './objects.js';

const REVISION = 'deployment.kubernetes.io/revision';

/** A count or a percentage of `total`, as `maxSurge` and `maxUnavailable` are written. */
function countOf(value: unknown, total: number, round: (n: number) => number): number {
  if (typeof value === 'number' && Number.isFinite(value)) return Math.max(0, Math.trunc(value));
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(typeof value === 'string' ? value : '25%')?.[1];
  return round((Number(percent ?? 25) / 100) * total);
}

const statusNumber = (object: KubeObject, field: string): number => {
  const value = object.status?.[field];
  return typeof value === 'number' ? value : 0;
};

/** Deployments become ReplicaSets, one per template; a changed template is rolled out within maxSurge and maxUnavailable. */
export function deploymentController(context: ControlContext): Controller {
  const { store } = context;

  function reconcile(deployment: KubeObject): void {
    const template = podTemplate(deployment);
    if (!template || deployment.metadata.deletionTimestamp) return;
    const { namespace } = deployment.metadata;
    const owned = store
      .list('replicasets.apps', namespace)
      .filter((set) => ownerOf(set)?.uid === deployment.metadata.uid);
    const hash = templateHash(deployment.spec?.template);
    const name = `${deployment.metadata.name}-${hash}`;
    const current = owned.find((set) => set.metadata.name === name);
    const paused = deployment.spec?.paused === true;
    if (!current && !paused) createSet(deployment, template, hash, owned);
    else if (!paused && current) rollOut(deployment, current, owned);
    else if (owned.length > 0) scaleNewest(deployment, owned);
    const complete = writeStatus(deployment, name, owned);
    if (complete) prune(deployment, name, owned);
  }

  /** Of the sets that older templates left empty, `revisionHistoryLimit` stay for a rollback: the newest. */
  function prune(deployment: KubeObject, currentName: string, owned: readonly KubeObject[]): void {
    const empty = owned.filter(
      (set) =>
        set.metadata.name !== currentName &&
        !set.metadata.deletionTimestamp &&
        replicasOf(set) === 0 &&
        statusNumber(set, 'replicas') === 0,
    );
    const surplus = empty.length - historyLimit(deployment);
    const oldestFirst = empty.sort((a, b) => revisionOf(a) - revisionOf(b));
    for (const set of oldestFirst.slice(0, Math.max(0, surplus)))
      store.remove('replicasets.apps', set.metadata.namespace, set.metadata.name);
  }

  function createSet(deployment: KubeObject, template: PodTemplate, hash: string, owned: readonly KubeObject[]): void {
    const { metadata } = deployment;
    const labels = { ...template.metadata.labels, 'pod-template-hash': hash };
    store.put('replicasets.apps', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${metadata.name}-${hash}`,
        ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
        labels,
        annotations: { [REVISION]: String(newestRevision(owned) + 1) },
        ownerReferences: [ownerReference(deployment)],
      },
      spec: {
        replicas: owned.length === 0 ? replicasOf(deployment) : 0,
        selector: { matchLabels: { ...matchLabels(deployment), 'pod-template-hash': hash } },
        template: { metadata: { ...template.metadata, labels }, spec: template.spec },
      },
    });
  }

  function rollOut(deployment: KubeObject, current: KubeObject, owned: readonly KubeObject[]): void {
    const desired = replicasOf(deployment);
    const others = owned.filter((set) => set !== current && replicasOf(set) > 0);
    const newest = newestRevision(owned);
    if (revisionOf(current) < newest) setRevision(current, newest + 1);
    if (others.length === 0) {
      scale(current, desired);
      return;
    }
    const strategy = (deployment.spec?.strategy ?? {}) as Record<string, unknown>;
    if (strategy.type === 'Recreate') {
      for (const set of others) scale(set, 0);
      if (others.every((set) => statusNumber(set, 'replicas') === 0)) scale(current, desired);
      return;
    }
    const rolling = (strategy.rollingUpdate ?? {}) as Record<string, unknown>;
    const surge = countOf(rolling.maxSurge, desired, Math.ceil);
    const unavailable = countOf(rolling.maxUnavailable, desired, Math.floor);
    const total = replicasOf(current) + others.reduce((sum, set) => sum + replicasOf(set), 0);
    const room = desired + Math.max(surge, unavailable === 0 ? 1 : 0) - total;
    if (room > 0) scale(current, Math.min(desired, replicasOf(current) + room));
    else if (replicasOf(current) > desired) scale(current, desired);
    // Pods that are not available count as gone: they may be replaced without lowering what serves.
    let available = owned.reduce((sum, set) => sum + statusNumber(set, 'availableReplicas'), 0);
    for (const set of others) {
      const serving = Math.min(statusNumber(set, 'availableReplicas'), replicasOf(set));
      const spare = Math.max(0, Math.min(serving, available - (desired - unavailable)));
      available -= spare;
      scale(set, serving - spare);
    }
  }

  /** A paused rollout still follows `spec.replicas`. */
  function scaleNewest(deployment: KubeObject, owned: readonly KubeObject[]): void {
    const newest = owned.reduce((a, b) => (revisionOf(b) > revisionOf(a) ? b : a));
    scale(newest, replicasOf(deployment));
  }

  function scale(set: KubeObject, replicas: number): void {
    if (replicasOf(set) !== replicas) store.put('replicasets.apps', { ...set, spec: { ...set.spec, replicas } });
  }

  function setRevision(set: KubeObject, revision: number): void {
    const annotations = { ...set.metadata.annotations, [REVISION]: String(revision) };
    const newest = store.get('replicasets.apps', set.metadata.namespace, set.metadata.name) ?? set;
    store.put('replicasets.apps', { ...newest, metadata: { ...newest.metadata, annotations } });
  }

  /** @returns true when the rollout is complete. */
  function writeStatus(deployment: KubeObject, currentName: string, owned: readonly KubeObject[]): boolean {
    const sum = (field: string) => owned.reduce((total, set) => total + statusNumber(set, field), 0);
    const current = owned.find((set) => set.metadata.name === currentName);
    const desired = replicasOf(deployment);
    const [replicas, ready, available] = [sum('replicas'), sum('readyReplicas'), sum('availableReplicas')];
    const updated = current ? statusNumber(current, 'replicas') : 0;
    const strategy = (deployment.spec?.strategy ?? {}) as Record<string, Record<string, unknown>>;
    const allowed = countOf(strategy.rollingUpdate?.maxUnavailable, desired, Math.floor);
    const enough = available >= desired - allowed;
    const complete = updated === desired && replicas === desired && available >= desired;
    const name = current?.metadata.name ?? currentName;
    const now: Condition[] = [
      enough
        ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment lacks minimum availability.'),
      complete
        ? condition('Progressing', 'True', 'NewReplicaSetAvailable', `ReplicaSet "${name}" has progressed.`)
        : condition('Progressing', 'True', 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`),
    ];
    putStatus(context, 'deployments.apps', deployment, {
      observedGeneration: deployment.metadata.generation ?? 1,
      replicas,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: available,
      unavailableReplicas: Math.max(0, replicas - available, desired - available),
      conditions: conditions(context.clock, deployment.status?.conditions, now),
    });
    return complete;
  }

  return {
    resources: ['deployments.apps', 'replicasets.apps'],
    reconcile: () => store.list('deployments.apps').forEach(reconcile),
  };
}

function condition(type: string, status: 'True' | 'False', reason: string, message: string): Condition {
  return { type, status, reason, message };
}

/** `spec.revisionHistoryLimit`, Kubernetes' default 10. */
function historyLimit(deployment: KubeObject): number {
  const limit = deployment.spec?.revisionHistoryLimit;
  return typeof limit === 'number' && Number.isInteger(limit) && limit >= 0 ? limit : 10;
}

const revisionOf = (set: KubeObject): number => Number(set.metadata.annotations?.[REVISION] ?? 0) || 0;

const newestRevision = (sets: readonly KubeObject[]): number => Math.max(0, ...sets.map(revisionOf));
