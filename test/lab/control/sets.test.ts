import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { podSpec, podTemplate, workloadOf } from '../../../src/lab/control/objects.js';
import {
  apply,
  broken,
  clock,
  DRAIN_MS,
  deployment,
  eachTestHasControllers,
  pods,
  readyPods,
  START_UP_MS,
  status,
  stopped,
  store,
} from '../../support/labControl.js';

eachTestHasControllers();

const ROLLOUT_MS = 2 * START_UP_MS + DRAIN_MS + 100;

/** Rolls out `app:1` to `app:<count>`, waiting for each. */
async function rollOut(count: number, spec: object): Promise<void> {
  for (let version = 1; version <= count; version++) {
    const object = deployment('shop', { image: `app:${version}` });
    apply({ ...object, spec: { ...object.spec, ...spec } });
    await clock.advance(ROLLOUT_MS);
    expect(status('shop').updatedReplicas).toBe(1);
  }
}

const images = (): string[] =>
  store
    .list('replicasets.apps', 'demo')
    .map((set) => podTemplate(set)?.spec.containers[0]?.image ?? '')
    .sort();

test.each<[string, object, number, string[]]>([
  ['ten are kept by default, besides the one that serves', {}, 13, range(3, 13)],
  ['a limit of 2 keeps the two newest', { revisionHistoryLimit: 2 }, 5, range(3, 5)],
  ['a limit of 0 keeps none', { revisionHistoryLimit: 0 }, 3, range(3, 3)],
  ['what is no limit is the default', { revisionHistoryLimit: 'few' }, 3, range(1, 3)],
])('old replica sets: %s', async (_sentence, spec, count, left) => {
  await rollOut(count, spec);
  expect(images()).toEqual(left.sort());
  expect(readyPods().map((pod) => podSpec(pod).containers[0]?.image)).toEqual([`app:${count}`]);
});

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `app:${from + index}`);
}

test('a set that serves again is the newest, and nothing is pruned while a rollout is stuck', async () => {
  await rollOut(3, { revisionHistoryLimit: 2 });
  apply({ ...deployment('shop', { image: 'app:1' }), spec: specOf('app:1', 2) });
  await clock.advance(ROLLOUT_MS);
  await rollOutOne('app:4', 2);
  expect(images()).toEqual(['app:1', 'app:3', 'app:4']);
  broken.add('bad:1');
  apply({ ...deployment('shop'), spec: specOf('bad:1', 0) });
  await clock.advance(ROLLOUT_MS);
  expect(images()).toEqual(['app:1', 'app:3', 'app:4', 'bad:1']);
});

const specOf = (image: string, revisionHistoryLimit: number): Record<string, unknown> => ({
  ...deployment('shop', { image }).spec,
  revisionHistoryLimit,
});

async function rollOutOne(image: string, limit: number): Promise<void> {
  apply({ ...deployment('shop'), spec: specOf(image, limit) });
  await clock.advance(ROLLOUT_MS);
}

function daemonSet(image: string, more: object = {}): KubeObject {
  const { metadata, spec } = deployment('agent', { image });
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: { ...spec, replicas: 7, ...more } };
}

const daemonStatus = () => store.get('daemonsets.apps', 'demo', 'agent')?.status;

test('a daemon set has one pod, whatever number of replicas it names', async () => {
  apply(daemonSet('agent:1'));
  await clock.advance(0);
  expect(daemonStatus()).toMatchObject({ desiredNumberScheduled: 1, numberReady: 0, numberUnavailable: 1 });
  await clock.advance(START_UP_MS);
  expect(readyPods().map((pod) => workloadOf(pod))).toEqual(['agent']);
  expect(daemonStatus()).toMatchObject({
    observedGeneration: 1,
    currentNumberScheduled: 1,
    updatedNumberScheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
    numberUnavailable: 0,
  });
});

test('a changed template replaces its pod, a deleted pod comes back, and both go with the set', async () => {
  apply(daemonSet('agent:1'));
  await clock.advance(START_UP_MS);
  const [first] = pods();
  apply(daemonSet('agent:2'));
  await clock.advance(ROLLOUT_MS);
  expect(stopped).toEqual([first?.metadata.name]);
  expect(readyPods().map((pod) => podSpec(pod).containers[0]?.image)).toEqual(['agent:2']);
  store.remove('pods', 'demo', pods()[0]?.metadata.name ?? '');
  await clock.advance(ROLLOUT_MS);
  expect(readyPods()).toHaveLength(1);
  store.remove('daemonsets.apps', 'demo', 'agent');
  await clock.advance(ROLLOUT_MS);
  expect(pods()).toEqual([]);
});

test('with OnDelete the old pod stays until somebody deletes it', async () => {
  const onDelete = { updateStrategy: { type: 'OnDelete' } };
  apply(daemonSet('agent:1', onDelete));
  await clock.advance(START_UP_MS);
  apply(daemonSet('agent:2', onDelete));
  await clock.advance(ROLLOUT_MS);
  expect(podSpec(pods()[0] as KubeObject).containers[0]?.image).toBe('agent:1');
  expect(daemonStatus()).toMatchObject({ updatedNumberScheduled: 0, numberReady: 1 });
  store.remove('pods', 'demo', pods()[0]?.metadata.name ?? '');
  await clock.advance(ROLLOUT_MS);
  expect(podSpec(readyPods()[0] as KubeObject).containers[0]?.image).toBe('agent:2');
});

test('a daemon set without a template disturbs nobody', async () => {
  apply({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'odd', namespace: 'demo' }, spec: {} });
  apply(daemonSet('agent:1'));
  await clock.advance(START_UP_MS);
  expect(readyPods()).toHaveLength(1);
});
