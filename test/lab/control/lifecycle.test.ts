import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { podSpec, workloadOf } from '../../../src/lab/control/objects.js';
import {
  apply,
  broken,
  clock,
  DRAIN_MS,
  deployment,
  eachTestHasControllers,
  namespace,
  pods,
  readyPods,
  type Shape,
  START_UP_MS,
  status,
  stopped,
  store,
} from '../../support/labControl.js';

eachTestHasControllers();

test('a deployment becomes a pod that runs at once and is ready after its start-up time', async () => {
  apply(deployment('shop'));
  await clock.advance(0);
  const [pod] = pods();
  expect(pod?.metadata.name).toMatch(/^shop-[bcdf-hj-np-tv-xz2456789]{10}-[bcdf-hj-np-tv-xz2456789]{5}$/);
  expect(workloadOf(pod as KubeObject)).toBe('shop');
  expect(pod?.spec).toMatchObject({ nodeName: 'lab', serviceAccountName: 'default' });
  expect(pod?.status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.244\.0\.\d+$/) });
  expect(readyPods()).toHaveLength(0);
  expect(status('shop')).toMatchObject({ replicas: 1, readyReplicas: 0, observedGeneration: 1 });
  await clock.advance(START_UP_MS);
  expect(readyPods()).toHaveLength(1);
  expect(status('shop')).toMatchObject({ replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 });
  expect(status('shop').conditions).toMatchObject([
    { type: 'Available', status: 'True' },
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
  ]);
});

test('a pod that cannot start stays pending and says why', async () => {
  broken.add('bad:1');
  apply(deployment('shop', { image: 'bad:1' }));
  await clock.advance(START_UP_MS);
  expect(pods()[0]?.status).toMatchObject({
    phase: 'Pending',
    containerStatuses: [
      { ready: false, state: { waiting: { reason: 'CreateContainerError', message: 'no such image' } } },
    ],
  });
  expect(status('shop')).toMatchObject({ availableReplicas: 0, unavailableReplicas: 1 });
});

test('scaling up adds pods, scaling down drains them before they end', async () => {
  apply(deployment('shop', { replicas: 3 }));
  await clock.advance(START_UP_MS);
  expect(readyPods()).toHaveLength(3);
  apply(deployment('shop', { replicas: 1 }));
  await clock.advance(0);
  expect(pods().filter((pod) => pod.metadata.deletionTimestamp)).toHaveLength(2);
  expect(stopped).toEqual([]);
  await clock.advance(DRAIN_MS + 50);
  expect(pods()).toHaveLength(1);
  expect(stopped).toHaveLength(2);
});

test('a changed template rolls out without ever having fewer pods than promised', async () => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  apply(deployment('shop', { replicas: 3, strategy }));
  await clock.advance(START_UP_MS);
  apply(deployment('shop', { replicas: 3, strategy, image: 'app:2' }));
  await clock.advance(0);
  const seen: number[] = [];
  for (let step = 0; step < 60 && status('shop').updatedReplicas !== 3; step++) {
    await clock.advance(50);
    seen.push(readyPods().length);
    expect(pods().filter((pod) => !pod.metadata.deletionTimestamp).length).toBeLessThanOrEqual(4);
  }
  expect(Math.min(...seen)).toBe(3);
  await clock.advance(START_UP_MS + DRAIN_MS + 100);
  expect(pods().map((pod) => podSpec(pod).containers[0]?.image)).toEqual(['app:2', 'app:2', 'app:2']);
  const sets = store.list('replicasets.apps', 'demo').map((set) => set.spec?.replicas);
  expect(sets.sort()).toEqual([0, 3]);
  expect(status('shop')).toMatchObject({
    replicas: 3,
    updatedReplicas: 3,
    availableReplicas: 3,
    observedGeneration: 2,
  });
});

test('a rollout to a broken image keeps the old pods', async () => {
  broken.add('bad:1');
  apply(deployment('shop', { replicas: 2 }));
  await clock.advance(START_UP_MS);
  apply(deployment('shop', { replicas: 2, image: 'bad:1' }));
  await clock.advance(10_000);
  expect(readyPods()).toHaveLength(2);
  expect(status('shop').updatedReplicas).toBe(1);
});

test('recreate ends the old pods before it starts new ones', async () => {
  const strategy = { type: 'Recreate' };
  apply(deployment('shop', { replicas: 2, strategy }));
  await clock.advance(START_UP_MS);
  apply(deployment('shop', { replicas: 2, strategy, image: 'app:2' }));
  await clock.advance(0);
  const images = new Set(
    pods()
      .filter((pod) => !pod.metadata.deletionTimestamp)
      .map((pod) => podSpec(pod).containers[0]?.image),
  );
  expect(images.has('app:1')).toBe(false);
  await clock.advance(START_UP_MS + DRAIN_MS + 100);
  expect(readyPods().map((pod) => podSpec(pod).containers[0]?.image)).toEqual(['app:2', 'app:2']);
});

test('a deleted deployment takes its replica sets and pods with it; one of the same name adopts nothing', async () => {
  apply(deployment('shop'));
  await clock.advance(START_UP_MS);
  const before = pods()[0]?.metadata.uid;
  store.remove('deployments.apps', 'demo', 'shop');
  apply(deployment('shop'));
  await clock.advance(START_UP_MS + DRAIN_MS + 100);
  expect(readyPods()).toHaveLength(1);
  expect(readyPods()[0]?.metadata.uid).not.toBe(before);
  expect(store.list('replicasets.apps', 'demo')).toHaveLength(1);
});

test('a deleted pod is replaced', async () => {
  apply(deployment('shop'));
  await clock.advance(START_UP_MS);
  const name = pods()[0]?.metadata.name ?? '';
  store.remove('pods', 'demo', name);
  await clock.advance(START_UP_MS + DRAIN_MS + 100);
  expect(stopped).toEqual([name]);
  expect(readyPods()).toHaveLength(1);
});

test('a stateful set has pods of fixed names', async () => {
  const { metadata, spec } = deployment('db', { replicas: 2 });
  store.put('statefulsets.apps', { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, ...(spec ? { spec } : {}) });
  await clock.advance(START_UP_MS);
  expect(readyPods().map((pod) => pod.metadata.name)).toEqual(['db-0', 'db-1']);
  expect(workloadOf(pods()[0] as KubeObject)).toBe('db');
});

test.each<[string, Record<string, string>, Shape, boolean]>([
  ['the annotation asks for it', {}, { annotations: { 'sidecar.istio.io/inject': 'true' } }, true],
  ['nothing asks for it', {}, {}, false],
  ['the namespace is labelled', { 'istio-injection': 'enabled' }, {}, true],
  [
    'the pod refuses in a labelled namespace',
    { 'istio-injection': 'enabled' },
    { labels: { 'sidecar.istio.io/inject': 'false' } },
    false,
  ],
  ['the namespace names a revision', { 'istio.io/rev': 'default' }, {}, true],
  ['the namespace is disabled', { 'istio-injection': 'disabled' }, {}, false],
])('a sidecar is injected only where %s', async (_name, labels, shape, injected) => {
  apply(namespace('demo', labels));
  apply(deployment('shop', shape));
  await clock.advance(0);
  const names = podSpec(pods()[0] as KubeObject).containers.map((container) => container.name);
  expect(names).toEqual(injected ? ['app', 'istio-proxy'] : ['app']);
  if (injected)
    expect(pods()[0]?.metadata.labels).toMatchObject({
      'security.istio.io/tlsMode': 'istio',
      'service.istio.io/canonical-name': 'shop',
      'service.istio.io/canonical-revision': 'v1',
    });
});

const shopService = (type?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: {
    ...(type ? { type } : {}),
    selector: { app: 'shop' },
    ports: [{ name: 'http', port: 80, targetPort: 'web' }],
  },
});

test('a Service gets an address, and slices that tell ready pods from those that are not', async () => {
  apply(shopService('LoadBalancer'));
  apply(deployment('shop'));
  await clock.advance(0);
  const service = store.get('services', 'demo', 'shop');
  expect(service?.spec?.clusterIP).toMatch(/^10\.96\.\d+\.\d+$/);
  expect(service?.status).toEqual({ loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } });
  const slice = () =>
    store.list('endpointslices.discovery.k8s.io', 'demo')[0] as unknown as {
      endpoints: { conditions: { ready: boolean } }[];
      ports: { port: number }[];
    };
  expect(slice().ports).toMatchObject([{ name: 'http', port: 8080 }]);
  expect(slice().endpoints).toMatchObject([{ conditions: { ready: false } }]);
  await clock.advance(START_UP_MS);
  expect(slice().endpoints).toMatchObject([{ conditions: { ready: true } }]);
  expect(store.get('endpoints', 'demo', 'shop')).toMatchObject({ subsets: [{ addresses: [{ nodeName: 'lab' }] }] });
  store.remove('services', 'demo', 'shop');
  await clock.advance(0);
  expect(store.list('endpointslices.discovery.k8s.io', 'demo')).toEqual([]);
  expect(store.list('endpoints', 'demo')).toEqual([]);
});

test('a deleted namespace takes everything in it', async () => {
  apply(shopService());
  apply(deployment('shop'));
  await clock.advance(START_UP_MS);
  store.remove('namespaces', undefined, 'demo');
  await clock.advance(DRAIN_MS + 100);
  for (const resource of ['pods', 'deployments.apps', 'replicasets.apps', 'services', 'serviceaccounts'])
    expect(store.list(resource, 'demo'), resource).toEqual([]);
});

test.each<[string, Record<string, unknown>]>([
  ['no spec', {}],
  ['a template that is text', { spec: { template: 'x' } }],
  ['replicas that are text', { spec: { replicas: 'many', template: { spec: { containers: [{ name: 'a' }] } } } }],
  ['containers that are none', { spec: { template: { spec: { containers: [1, null, {}] } } } }],
  [
    'a percentage that is none',
    {
      spec: {
        strategy: { rollingUpdate: { maxSurge: 'lots' } },
        template: { spec: { containers: [{ name: 'a', ports: 'x' }] } },
      },
    },
  ],
])('a deployment with %s disturbs nobody', async (_name, part) => {
  apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'odd', namespace: 'demo' }, ...part });
  apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'odd', namespace: 'demo' },
    spec: { selector: 5, ports: [{}, 7] },
  });
  apply(deployment('shop'));
  await clock.advance(START_UP_MS);
  expect(readyPods().some((pod) => pod.metadata.labels?.app === 'shop')).toBe(true);
});
