import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { nodeFor, zoneOf } from '../../../src/lab/control/scheduling.js';
import { Store } from '../../../src/lab/control/store.js';

const ZONE = 'topology.kubernetes.io/zone';

const node = (name: string, zone: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { [ZONE]: zone } },
});

const pod = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'demo',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'shop', uid: 'u', controller: true }],
  },
  spec: { containers: [{ name: 'app' }], ...spec },
});

function cluster(...nodes: KubeObject[]): Store {
  const store = new Store();
  for (const each of [node('lab', ''), ...nodes]) store.put('nodes', each);
  return store;
}

test('a pod runs on the own node where no other is brought', () => {
  expect(nodeFor(cluster(), pod('a'))).toBe('lab');
});

test('pods of one workload spread over the nodes that are brought', () => {
  const store = cluster(node('one', 'a'), node('two', 'b'));
  const nodes = ['a', 'b', 'c'].map((name) => {
    const nodeName = nodeFor(store, pod(name));
    store.put('pods', pod(name, { nodeName }));
    return nodeName;
  });
  expect(nodes).toEqual(['one', 'two', 'one']);
});

test('a nodeSelector chooses among them, and a pod that none suits runs all the same', () => {
  const store = cluster(node('one', 'a'), node('two', 'b'));
  expect(nodeFor(store, pod('a', { nodeSelector: { [ZONE]: 'b' } }))).toBe('two');
  expect(nodeFor(store, pod('b', { nodeSelector: { [ZONE]: 'c' } }))).toBe('lab');
});

test('the zone of a pod is that of its node', () => {
  const store = cluster(node('one', 'a'));
  expect(zoneOf(store, pod('a', { nodeName: 'one' }))).toBe('a');
  expect(zoneOf(store, pod('b'))).toBeUndefined();
});
