import type { KubeObject } from '../../base/kubernetes.js';
import { type ControlContext, type Controller, conditions, putStatus } from '../control/context.js';
import { isReady, isTerminating, ownerOf } from '../control/objects.js';
import type { PodLogs } from '../control/programs.js';
import { jobEnd } from './jobs.js';
import { initializerJob, runnerJob, runnerService, specOf, starterJob } from './objects.js';

const TEST_RUNS = 'testruns.k6.io';

/**
 * Plays the k6-operator: walks every TestRun through its stages. A crossed threshold or a failed runner does not change the stage, a script
 * that cannot be read does, and a pod that never starts holds it where it is, as in reality.
 */
export function testRunController(context: ControlContext, logs: PodLogs): Controller {
  const { store, clock } = context;

  function setStage(testRun: KubeObject, stage: string, running: 'True' | 'False' | undefined = undefined): void {
    const status = testRun.status ?? {};
    putStatus(context, TEST_RUNS, testRun, {
      ...status,
      stage,
      ...(running === undefined
        ? {}
        : {
            conditions: conditions(clock, status.conditions, [
              { type: 'TestRunRunning', status: running, reason: `TestRunRunning${running}`, message: '' },
            ]),
          }),
    });
  }

  const jobOf = (testRun: KubeObject, suffix: string): KubeObject | undefined =>
    store.get('jobs.batch', testRun.metadata.namespace, `${testRun.metadata.name}-${suffix}`);

  const podOf = (job: KubeObject | undefined): KubeObject | undefined =>
    job && store.list('pods', job.metadata.namespace).find((pod) => ownerOf(pod)?.uid === job.metadata.uid);

  const runnersOf = (testRun: KubeObject) =>
    Array.from({ length: specOf(testRun).parallelism }, (_, i) => jobOf(testRun, String(i + 1)));

  /** @returns false: there are Jobs of this name from before, and the operator gets no further. */
  function create(objects: readonly KubeObject[]): boolean {
    const resource = ({ kind }: KubeObject) => (kind === 'Job' ? 'jobs.batch' : 'services');
    const taken = objects.some((one) => store.get(resource(one), one.metadata.namespace, one.metadata.name));
    if (!taken) for (const one of objects) store.put(resource(one), one);
    return !taken;
  }

  function begin(testRun: KubeObject): void {
    const { script, initializer, parallelism } = specOf(testRun);
    // The operator says so in its own log and leaves the TestRun alone.
    if (parallelism < 1) return;
    if (!script.configMap?.name) setStage(testRun, 'error', 'False');
    else if (initializer?.disabled) setStage(testRun, 'initialized', 'True');
    else if (create([initializerJob(testRun)])) setStage(testRun, 'initialization', 'True');
  }

  function inspect(testRun: KubeObject): void {
    const job = jobOf(testRun, 'initializer');
    const end = jobEnd(job);
    if (end === undefined) return;
    const pod = podOf(job);
    const output = pod ? logs.read(pod.metadata.namespace ?? '', pod.metadata.name, 'k6') : '';
    const needed = end === 'complete' ? mostVus(output) : undefined;
    const enough = needed !== undefined && needed >= specOf(testRun).parallelism;
    setStage(testRun, enough ? 'initialized' : 'error', enough ? 'True' : 'False');
  }

  function launch(testRun: KubeObject): void {
    const indices = Array.from({ length: specOf(testRun).parallelism }, (_, i) => i + 1);
    const objects = indices.flatMap((index) => [runnerJob(testRun, index), runnerService(testRun, index)]);
    if (create(objects)) setStage(testRun, 'created');
  }

  function letGo(testRun: KubeObject): void {
    const pods = runnersOf(testRun).map(podOf);
    if (!pods.every((pod) => pod !== undefined && isReady(pod))) return;
    if (create([starterJob(testRun)])) setStage(testRun, 'started', 'True');
  }

  function finish(testRun: KubeObject): void {
    if (runnersOf(testRun).every((job) => jobEnd(job) !== undefined)) setStage(testRun, 'stopped', 'False');
  }

  function cleanUp(testRun: KubeObject): void {
    const { namespace, name } = testRun.metadata;
    if (specOf(testRun).cleanup === 'post') store.remove(TEST_RUNS, namespace, name);
  }

  const steps: Readonly<Record<string, (testRun: KubeObject) => void>> = {
    '': begin,
    initialization: inspect,
    initialized: launch,
    created: letGo,
    started: finish,
    stopped: (testRun) => setStage(testRun, 'finished'),
    finished: cleanUp,
    error: cleanUp,
  };

  function reconcile(testRun: KubeObject): void {
    const stage = String(testRun.status?.stage ?? '');
    if (!isTerminating(testRun)) steps[stage]?.(testRun);
  }

  return {
    resources: [TEST_RUNS, 'jobs.batch', 'pods'],
    reconcile: () => store.list(TEST_RUNS).forEach(reconcile),
  };
}

/** `maxVUs` of what `k6 inspect --execution-requirements` prints, warnings or not; undefined when it is no such output. */
function mostVus(output: string): number | undefined {
  const found = /"maxVUs": *(\d+)/.exec(output)?.[1];
  return found === undefined ? undefined : Number(found);
}
