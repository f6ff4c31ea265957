import type { KubeObject } from '../../base/kubernetes.js';
import { type ControlContext, type Controller, putStatus, timestamp } from '../control/context.js';
import { inject } from '../control/injection.js';
import { randomSuffix } from '../control/names.js';
import { isReady, isTerminating, ownerOf, ownerReference, podTemplate, workloadOf } from '../control/objects.js';

/** Has the Job come to its end, and how? Undefined: not yet. */
export function jobEnd(job: KubeObject | undefined): 'complete' | 'failed' | undefined {
  const { succeeded = 0, failed = 0 } = (job?.status ?? {}) as { succeeded?: number; failed?: number };
  if (succeeded > 0) return 'complete';
  return failed > 0 ? 'failed' : undefined;
}

/**
 * Jobs of TestRuns become one pod each, which is never tried again (`backoffLimit: 0`). Other Jobs stay objects: the lab has no program for
 * them that would end.
 */
export function jobController(context: ControlContext): Controller {
  const { store, random, clock } = context;

  const podOf = (job: KubeObject): KubeObject | undefined =>
    store.list('pods', job.metadata.namespace).find((pod) => ownerOf(pod)?.uid === job.metadata.uid);

  function createPod(job: KubeObject): void {
    const template = podTemplate(job);
    if (!template) return;
    const { name, namespace, uid = '' } = job.metadata;
    const { labels, annotations } = template.metadata;
    const identity = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    };
    const pod: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${name}-${randomSuffix(random)}`,
        ...(namespace ? { namespace } : {}),
        labels: { ...labels, ...identity },
        ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
        ownerReferences: [ownerReference(job)],
      },
      spec: { serviceAccountName: 'default', ...template.spec },
    };
    store.put('pods', inject(store, pod, workloadOf(pod)));
  }

  function writeStatus(job: KubeObject, pod: KubeObject | undefined): void {
    const phase = pod?.status?.phase;
    const over = phase === 'Succeeded' || phase === 'Failed';
    const condition = (type: string, reason: string) => ({
      type,
      status: 'True',
      reason,
      lastProbeTime: timestamp(clock),
      lastTransitionTime: timestamp(clock),
    });
    putStatus(context, 'jobs.batch', job, {
      startTime: job.status?.startTime ?? timestamp(clock),
      ...(over ? {} : { active: 1, ready: pod && isReady(pod) ? 1 : 0 }),
      ...(phase === 'Succeeded'
        ? { succeeded: 1, completionTime: timestamp(clock), conditions: [condition('Complete', 'CompletionsReached')] }
        : {}),
      ...(phase === 'Failed' ? { failed: 1, conditions: [condition('Failed', 'BackoffLimitExceeded')] } : {}),
    });
  }

  function reconcile(job: KubeObject): void {
    if (isTerminating(job) || ownerOf(job)?.kind !== 'TestRun' || jobEnd(job)) return;
    const pod = podOf(job);
    const lost = !pod && job.status?.startTime !== undefined;
    if (!pod && !lost) createPod(job);
    // A pod that was deleted counts as a failed try, and there is only one.
    if (lost) putStatus(context, 'jobs.batch', job, { ...job.status, active: 0, failed: 1 });
    else writeStatus(job, podOf(job));
  }

  return {
    resources: ['jobs.batch', 'pods'],
    reconcile: () => store.list('jobs.batch').forEach(reconcile),
  };
}
