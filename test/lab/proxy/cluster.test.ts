import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { millis } from '../../../src/base/units.js';
import { ClusterState } from '../../../src/lab/proxy/cluster.js';
import type { Cluster, Endpoint } from '../../../src/mesh/types.js';
import { ManualClock } from '../../support/clock.js';

const endpoint = (n: number, ready = true): Endpoint => ({
  pod: `demo/shop-${n}`,
  ip: `10.244.0.${n}`,
  targetPort: 80,
  ready,
  labels: { app: 'shop' },
  workload: 'shop',
});

const cluster = (endpoints: readonly Endpoint[], more: Partial<Cluster> = {}): Cluster => ({
  name: 'outbound|80||shop',
  host: 'shop',
  serviceName: 'shop',
  serviceNamespace: 'demo',
  port: 80,
  subset: '',
  protocol: 'http',
  balancing: 'random',
  hash: undefined,
  outlier: undefined,
  limits: {},
  endpoints,
  ...more,
});

const stateOf = (value: Cluster, clock = new ManualClock()) => new ClusterState(value, clock, seededRandom(8));

test('a retry draws up to five times to find a host that it has not tried', () => {
  const state = stateOf(cluster([endpoint(1), endpoint(2)]));
  const tried = state.pick(undefined, undefined);
  if (!tried) throw new Error('no host');
  const previous = new Set([tried]);
  const again = Array.from({ length: 4000 }, () => state.pick(undefined, previous)).filter((host) => host === tried);
  const share = 1 / 2 ** 5;
  expect(Math.abs(again.length - 4000 * share)).toBeLessThan(5 * Math.sqrt(4000 * share * (1 - share)));
});

test('hosts that stay keep their counts when the configuration changes, unready ones leave', () => {
  const state = stateOf(cluster([endpoint(1)]));
  const host = state.pick(undefined, undefined);
  if (host) host.active = 7;
  state.update(cluster([endpoint(1), endpoint(2, false)]));
  expect(state.pick(undefined, undefined)).toBe(host);
  expect(host?.active).toBe(7);
  state.update(cluster([endpoint(1, false)]));
  expect(state.pick(undefined, undefined)).toBeUndefined();
});

test('an ejected host returns after its time, and stays away longer the next time', async () => {
  const clock = new ManualClock();
  const outlier = { consecutive5xx: 2, interval: 1000, baseEjection: 1000, maxEjectionPercent: 100 } as NonNullable<
    Cluster['outlier']
  >;
  const state = stateOf(cluster([endpoint(1)], { outlier }), clock);
  const host = state.pick(undefined, undefined);
  if (!host) throw new Error('no host');
  const awayMs = async () => {
    state.report(host, 500);
    state.report(host, 500);
    let away = 0;
    for (; !state.pick(undefined, undefined); away += 100) await clock.advance(100);
    return away;
  };
  state.report(host, 500);
  state.report(host, 200);
  state.report(host, 500);
  expect(state.pick(undefined, undefined)).toBe(host);
  state.report(host, 200);
  expect(await awayMs()).toBe(1000);
  expect(await awayMs()).toBe(2000);
});

test('an ejected host comes back at the first sweep after its time', async () => {
  const clock = new ManualClock();
  const outlier = { consecutive5xx: 1, interval: millis(700), baseEjection: millis(1000), maxEjectionPercent: 100 };
  const state = stateOf(cluster([endpoint(1)], { outlier }), clock);
  const host = state.pick(undefined, undefined);
  if (!host) throw new Error('no host');
  state.report(host, 500);
  await clock.advance(1399);
  expect(state.pick(undefined, undefined)).toBeUndefined();
  await clock.advance(1);
  expect(state.pick(undefined, undefined)).toBe(host);
});

test.each([
  ['10 % of two hosts are none', 10, [2, 2]],
  ['50 % are one', 50, [1, 1]],
  ['100 % are both, the second when the first change is a second old', 100, [1, 0]],
])('at most %s', async (_sentence, maxEjectionPercent, left) => {
  const clock = new ManualClock();
  const outlier = { consecutive5xx: 1, interval: millis(10_000), baseEjection: millis(30_000), maxEjectionPercent };
  const state = stateOf(cluster([endpoint(1), endpoint(2)], { outlier }), clock);
  const serving = () => new Set(Array.from({ length: 50 }, () => state.pick(undefined, undefined)).filter(Boolean));
  const hosts = [...serving()];
  await clock.advance(100);
  for (const host of hosts) if (host) state.report(host, 500);
  const first = serving().size;
  await clock.advance(1000);
  expect([first, serving().size]).toEqual(left);
});

test('gateway errors have a count of their own, which any other answer clears', () => {
  const outlier = {
    consecutive5xx: 0,
    consecutiveGateway: 2,
    interval: millis(1000),
    baseEjection: millis(1000),
    maxEjectionPercent: 100,
  };
  const state = stateOf(cluster([endpoint(1)], { outlier }));
  const host = state.pick(undefined, undefined);
  if (!host) throw new Error('no host');
  for (const status of [503, 500, 503, 500, 504]) state.report(host, status);
  expect(state.pick(undefined, undefined)).toBe(host);
  state.report(host, 502);
  expect(state.pick(undefined, undefined)).toBeUndefined();
});

test('a byte connection does not wait for another to end', () => {
  const state = stateOf(cluster([endpoint(1)], { limits: { maxConnections: 1, maxPending: 5 } }));
  expect([state.admitConnection(), state.admitConnection()]).toEqual([true, false]);
  state.release();
  expect(state.admitConnection()).toBe(true);
});

test('a waiting request can be taken back, and a free connection goes to the one that waits longest', () => {
  const state = stateOf(cluster([endpoint(1)], { limits: { maxConnections: 1, maxPending: 2 } }));
  const ran: string[] = [];
  const request = (name: string) => () => void ran.push(name);
  const [first, second, third, fourth] = ['a', 'b', 'c', 'd'].map(request) as [
    () => void,
    () => void,
    () => void,
    () => void,
  ];
  expect([first, second, third, fourth].map((run) => state.admit(run))).toEqual(['now', 'later', 'later', 'overflow']);
  expect(state.withdraw(second)).toBe(true);
  state.release();
  expect(ran).toEqual(['c']);
  state.release();
  expect(state.admit(fourth)).toBe('now');
});

test('a locality is drawn by its weight, and farther ones as far as near ones are missing', () => {
  const near = (n: number, name: string, weight: number, ready = true) => ({
    ...endpoint(n, ready),
    locality: { name, weight },
  });
  const far = { ...endpoint(5), priority: 1 };
  const state = stateOf(
    cluster([near(1, 'north', 60), near(2, 'north', 60, false), near(3, 'south', 40), near(4, 'south', 40), far]),
  );
  const drawn = Array.from({ length: 20_000 }, () => state.pick(undefined, undefined)?.endpoint.ip);
  // 3 of 4 near ones are ready: they take everything, north with 140 % of its ready half.
  const north = (60 * 0.7) / (60 * 0.7 + 40);
  for (const [ip, share] of [
    ['10.244.0.1', north],
    ['10.244.0.3', (1 - north) / 2],
    ['10.244.0.4', (1 - north) / 2],
    ['10.244.0.5', 0],
  ] as const) {
    const count = drawn.filter((each) => each === ip).length;
    expect(Math.abs(count - 20_000 * share)).toBeLessThanOrEqual(5 * Math.sqrt(20_000 * share * (1 - share)));
  }
});
