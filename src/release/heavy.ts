import { type Clock, sleep } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import { objectRef } from '../base/kubernetes.js';
import { type ClusterClient, keyOf } from '../cluster/client.js';
import { takeLease } from '../cluster/lease.js';
import { UndoList } from '../cluster/undo.js';
import type { HeavyResult } from '../load/k6/heavyResult.js';
import { checkNamespace, checkOperator, checkReceiver } from './heavyChecks.js';
import type { HeavyDeps, HeavyOptions } from './heavyTypes.js';
import { undoLeftover } from './leftover.js';
import { TestRunWatch } from './testRunWatch.js';

const GONE_MS = 30_000;

/**
 * Sends a load from the pods of a TestRun: creates it, follows its stages, adds the runners' counters up and deletes what it created,
 * whatever happens in between.
 * @throws EnvironmentError when the load does not start: no operator, a script that it refuses, pods that never run
 */
export async function runHeavy(options: HeavyOptions, deps: HeavyDeps): Promise<HeavyResult> {
  const { client, clock, emit } = deps;
  const { runId, objects, undoFile } = options;
  const { name, namespace = 'default' } = objects.testRun.metadata;
  await checkOperator(client);
  await checkNamespace(client, namespace);
  await checkReceiver(deps);
  const lost = new AbortController();
  const lease = await takeLease(client, namespace, runId, clock, (why) => lost.abort(why));
  const signal = AbortSignal.any([deps.signal, lost.signal]);
  const undo = new UndoList(client, undoFile, runId, namespace);
  try {
    await undoLeftover(client, namespace, (objects) => emit({ type: 'restored', objects }));
    for (const object of [objects.configMap, objects.testRun]) {
      await undo.record(keyOf(object), undefined);
      await client.create(object);
      emit({ type: 'created', object: objectRef(object) });
    }
    return await new TestRunWatch(options, deps, { name, namespace, signal }).follow();
  } finally {
    if (undo.size > 0) {
      emit({ type: 'restored', objects: await undo.undo() });
      await untilGone(client, namespace, name, clock, emit);
    }
    await lease.release().catch((error: unknown) => emit({ type: 'note', text: errorText(error) }));
  }
}

/** Jobs and pods go with their TestRun, which the cluster's garbage collector does in its own time. */
async function untilGone(
  client: ClusterClient,
  namespace: string,
  name: string,
  clock: Clock,
  emit: HeavyDeps['emit'],
): Promise<void> {
  const labels = { k6_cr: name };
  const deadline = clock.now() + GONE_MS;
  try {
    for (;;) {
      const kinds = [
        ['batch/v1', 'Job'],
        ['v1', 'Pod'],
      ] as const;
      const lists = await Promise.all(
        kinds.map(([apiVersion, kind]) => client.list(apiVersion, kind, namespace, labels)),
      );
      const left = lists.flat();
      if (left.length === 0) return;
      if (clock.now() > deadline) {
        const names = left.map((object) => objectRef(object)).join(', ');
        emit({ type: 'note', text: `still there ${GONE_MS / 1000} s after their TestRun was deleted: ${names}` });
        return;
      }
      await sleep(clock, 500);
    }
  } catch (error) {
    emit({ type: 'note', text: `whether everything is gone cannot be seen: ${errorText(error)}` });
  }
}
