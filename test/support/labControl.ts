import { afterEach, beforeEach, expect } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { seededRandom } from '../../src/base/random.js';
import { bootstrap, keepServiceAccounts } from '../../src/lab/control/bootstrap.js';
import { runControllers } from '../../src/lab/control/controllers.js';
import { daemonSetController } from '../../src/lab/control/daemonSets.js';
import { deploymentController } from '../../src/lab/control/deployments.js';
import { emptyDeletedNamespaces, garbageController } from '../../src/lab/control/garbage.js';
import { Kubelet } from '../../src/lab/control/kubelet.js';
import { podSpec } from '../../src/lab/control/objects.js';
import { podSetController } from '../../src/lab/control/replicaSets.js';
import { serviceController } from '../../src/lab/control/services.js';
import { Store } from '../../src/lab/control/store.js';
import { ManualClock } from './clock.js';

export const START_UP_MS = 300;
export const DRAIN_MS = 500;

export let clock: ManualClock;
export let store: Store;
let kubelet: Kubelet;
let closers: (() => void)[];
let faults: unknown[];
export let stopped: string[];
/** Images whose containers cannot be started. */
export let broken: Set<string>;

/** Gives every test of the file a control plane of its own, on a clock that stands until it is moved. */
export function eachTestHasControllers(): void {
  beforeEach(start);
  afterEach(stop);
}

function start(): void {
  clock = new ManualClock();
  store = new Store();
  faults = [];
  stopped = [];
  broken = new Set();
  const context = { store, clock, random: seededRandom(3) };
  kubelet = new Kubelet(context, {
    drainMs: DRAIN_MS,
    run: (pod) => {
      const image = podSpec(pod).containers[0]?.image ?? '';
      const running = broken.has(image) ? Promise.reject(new Error('no such image')) : Promise.resolve();
      const until = clock.now() + START_UP_MS;
      const ready = running.then(() => clock.sleepUntil(until as ReturnType<typeof clock.now>));
      ready.catch(() => undefined);
      return { running, ready, stop: async () => void stopped.push(pod.metadata.name) };
    },
  });
  bootstrap(store);
  store.put('namespaces', namespace('demo', {}));
  const controllers = runControllers(
    store,
    [
      garbageController(context),
      deploymentController(context),
      podSetController(context),
      daemonSetController(context),
      kubelet,
      serviceController(context),
    ],
    (error) => faults.push(error),
  );
  closers = [() => controllers.close(), keepServiceAccounts(store), emptyDeletedNamespaces(store)];
  controllers.settle();
}

async function stop(): Promise<void> {
  for (const close of closers) close();
  await kubelet.close();
  expect(faults).toEqual([]);
}

export const namespace = (name: string, labels: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

export interface Shape {
  readonly replicas?: number;
  readonly image?: string;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly strategy?: object;
}

export function deployment(name: string, shape: Shape = {}): KubeObject {
  const labels = { app: name, version: 'v1', ...shape.labels };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'demo', labels },
    spec: {
      replicas: shape.replicas ?? 1,
      selector: { matchLabels: { app: name } },
      ...(shape.strategy ? { strategy: shape.strategy } : {}),
      template: {
        metadata: { labels, ...(shape.annotations ? { annotations: shape.annotations } : {}) },
        spec: {
          containers: [{ name: 'app', image: shape.image ?? 'app:1', ports: [{ name: 'web', containerPort: 8080 }] }],
        },
      },
    },
  };
}

/** Stores an object as the API server does: its status stays. */
export const apply = (object: KubeObject) => {
  const resource = `${object.kind.toLowerCase()}s${object.apiVersion === 'apps/v1' ? '.apps' : ''}`;
  const before = store.get(resource, object.metadata.namespace, object.metadata.name);
  return store.put(resource, { ...object, ...(before?.status ? { status: before.status } : {}) });
};
export const pods = () => store.list('pods', 'demo');
export const readyPods = () =>
  pods().filter(
    (pod) =>
      !pod.metadata.deletionTimestamp &&
      (pod.status?.conditions as { type: string; status: string }[] | undefined)?.some(
        (c) => c.type === 'Ready' && c.status === 'True',
      ),
  );
export const status = (name: string) => store.get('deployments.apps', 'demo', name)?.status as Record<string, number>;
