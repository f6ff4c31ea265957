import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { millis } from '../../../src/base/units.js';
import { type ConfiguredProxy, Distribution } from '../../../src/lab/control/distribution.js';
import { Store } from '../../../src/lab/control/store.js';
import type { ProxyConfig } from '../../../src/mesh/types.js';
import { ManualClock } from '../../support/clock.js';

const DELAY_MS = 300;

let clock: ManualClock;
let store: Store;
let distribution: Distribution;

beforeEach(() => {
  clock = new ManualClock();
  store = new Store();
  distribution = new Distribution(store, clock, millis(DELAY_MS));
  store.put('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace: 'demo' },
    spec: { selector: { app: 'shop' }, ports: [{ name: 'http', port: 80 }] },
  });
});

afterEach(() => distribution.close());

const weights = (v2: number): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'shop', namespace: 'demo', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    hosts: ['shop'],
    http: [
      {
        route: [
          { destination: { host: 'shop', subset: 'v1' }, weight: 100 - v2 },
          { destination: { host: 'shop', subset: 'v2' }, weight: v2 },
        ],
      },
    ],
  },
});

const put = (v2: number) => store.put('virtualservices.networking.istio.io', weights(v2));

/** A proxy that notes when it saw which weight of v2. */
class Recorder implements ConfiguredProxy {
  readonly id: string;
  constructor(pod = 'web-1') {
    this.id = `${pod}.demo`;
  }

  readonly caller = { workload: 'web', namespace: 'demo', labels: { app: 'web' }, gateway: false };
  readonly seen: [atMs: number, weight: number | undefined][] = [];

  configure(config: ProxyConfig): void {
    const action = config.ports[0]?.virtualHosts[0]?.routes[0]?.action;
    const destinations = action?.kind === 'forward' ? action.destinations : [];
    const weight = destinations.find((destination) => destination.subset === 'v2')?.weight;
    if (this.seen.at(-1)?.[1] !== weight || this.seen.length === 0) this.seen.push([clock.now(), weight]);
  }
}

test('a new proxy has the state of now at once', () => {
  put(10);
  const proxy = new Recorder();
  distribution.connect(proxy);
  expect(proxy.seen).toEqual([[0, 10]]);
});

test('a change arrives after the delay, not sooner, and is STALE until then', async () => {
  const proxy = new Recorder();
  await clock.advance(1000);
  distribution.connect(proxy);
  put(10);
  await clock.advance(DELAY_MS - 1);
  expect(proxy.seen).toEqual([[1000, undefined]]);
  expect(distribution.syncStates()).toMatchObject([{ proxy: 'web-1.demo' }]);
  expect(distribution.syncStates()[0]?.sent).toBeGreaterThan(distribution.syncStates()[0]?.acked ?? 0);
  await clock.advance(1);
  expect(proxy.seen).toEqual([
    [1000, undefined],
    [1300, 10],
  ]);
  expect(distribution.syncStates()[0]?.sent).toBe(distribution.syncStates()[0]?.acked);
});

test('each change has its own delay: constant changing postpones nothing', async () => {
  const proxy = new Recorder();
  distribution.connect(proxy);
  await clock.advance(1000);
  for (let step = 1; step <= 30; step++) {
    put(step);
    await clock.advance(50);
  }
  await clock.advance(DELAY_MS);
  const changes = proxy.seen.slice(1);
  expect(changes).toHaveLength(30);
  for (const [at, weight] of changes) expect(at - (1000 + 50 * ((weight ?? 0) - 1))).toBe(DELAY_MS);
});

test('changes of one moment travel together', async () => {
  const proxy = new Recorder();
  distribution.connect(proxy);
  await clock.advance(1000);
  for (const weight of [10, 20, 30]) put(weight);
  await clock.advance(DELAY_MS);
  expect(proxy.seen.slice(1)).toEqual([[1300, 30]]);
});

test('an object that no proxy is configured from starts no push', async () => {
  const proxy = new Recorder();
  await clock.advance(1000);
  distribution.connect(proxy);
  store.put('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'demo' } });
  expect(distribution.syncStates()[0]).toMatchObject({ sent: distribution.syncStates()[0]?.acked });
});

test('a proxy that has left hears nothing more', async () => {
  const proxy = new Recorder();
  const leave = distribution.connect(proxy);
  await clock.advance(1000);
  put(10);
  leave();
  await clock.advance(DELAY_MS);
  expect(proxy.seen).toHaveLength(1);
  expect(distribution.syncStates()).toEqual([]);
});

test('a stale proxy keeps its routes from the hold on, is STALE, and still hears of endpoints', async () => {
  const lab = new Distribution(store, clock, millis(DELAY_MS), { web: 1 });
  const [stale, fresh] = [new Recorder('web-1'), new Recorder('web-2')];
  lab.connect(stale);
  lab.connect(fresh);
  put(10);
  lab.hold();
  await clock.advance(DELAY_MS);
  put(50);
  await clock.advance(1000);
  expect(stale.seen.map(([, weight]) => weight)).toEqual([undefined, 10]);
  expect(fresh.seen.map(([, weight]) => weight)).toEqual([undefined, 10, 50]);
  const [old, current] = lab.syncStates();
  expect(old?.sent).toBeGreaterThan(old?.acked ?? 0);
  expect(current?.sent).toBe(current?.acked);
  const late = new Recorder('web-3');
  lab.connect(late);
  expect(late.seen.map(([, weight]) => weight)).toEqual([50]);
  lab.close();
});
