import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { runnerStates } from '../../../src/load/k6/runnerStates.js';

const pod = (job: string, status: object, label = 'batch.kubernetes.io/job-name'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `${job}-abcde`, namespace: 'load', labels: { [label]: job } },
  status: status as Record<string, unknown>,
});
const k6 = (state: object) => ({
  containerStatuses: [
    { name: 'istio-proxy', state: { running: {} } },
    { name: 'k6', state },
  ],
});

test.each<[string, object, object]>([
  ['a pod that nobody has looked at yet', {}, { state: 'waiting' }],
  [
    'an image that cannot be pulled',
    k6({ waiting: { reason: 'ErrImagePull', message: 'not found' } }),
    { state: 'waiting', reason: 'ErrImagePull: not found' },
  ],
  [
    'no node has room',
    { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] },
    { state: 'waiting', reason: 'Unschedulable: 0/1 nodes are available' },
  ],
  [
    'an init container that waits, not the container that waits for it',
    {
      initContainerStatuses: [{ name: 'istio-init', state: { waiting: { reason: 'ImagePullBackOff' } } }],
      ...k6({ waiting: { reason: 'PodInitializing' } }),
    },
    { state: 'waiting', reason: 'ImagePullBackOff' },
  ],
  ['k6 runs', { phase: 'Running', ...k6({ running: {} }) }, { state: 'running' }],
  [
    'k6 has ended, its sidecar has not',
    { phase: 'Running', ...k6({ terminated: { exitCode: 0, reason: 'Completed' } }) },
    { state: 'ended', exitCode: 0 },
  ],
  [
    'k6 was killed',
    { phase: 'Failed', ...k6({ terminated: { exitCode: 137, reason: 'OOMKilled' } }) },
    { state: 'ended', exitCode: 137, reason: 'OOMKilled' },
  ],
  [
    'evicted before it ran',
    { phase: 'Failed', reason: 'Evicted', message: 'low on memory' },
    { state: 'ended', exitCode: 1, reason: 'Evicted: low on memory' },
  ],
])('%s', (_, status, expected) => {
  expect(runnerStates([pod('load-1', status)], 'load', 1)).toEqual([{ index: 1, pod: 'load-1-abcde', ...expected }]);
});

test('runners are told apart by their Jobs, whatever the order and the label that the cluster uses', () => {
  const pods = [pod('load-2', k6({ running: {} }), 'job-name'), pod('load-starter', {}), pod('other-1', {})];
  expect(runnerStates(pods, 'load', 2)).toEqual([
    { index: 1, pod: undefined, state: 'absent' },
    { index: 2, pod: 'load-2-abcde', state: 'running' },
  ]);
});
