import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { type Random, seededRandom } from '../../../src/base/random.js';
import { drawDestination, happens } from '../../../src/lab/proxy/draws.js';
import type { Destination } from '../../../src/mesh/types.js';
import { subsets, TestMesh, type TestPod, to, virtualService } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';

const destination = (subset: string, weight: number): Destination => ({
  cluster: `outbound|80|${subset}|shop`,
  host: 'shop',
  subset,
  port: 80,
  weight,
  field: '',
});

/** Standard deviations between a count and what independent draws of this share give. */
const sigmas = (count: number, total: number, share: number): number =>
  Math.abs(count - total * share) / Math.sqrt(total * share * (1 - share));

test.each([
  [90, 10],
  [75, 20],
  [1, 3],
  [4_000_000_000, 1],
])('weights %i and %i are drawn in proportion to their sum, within 5 sigma', (a, b) => {
  const random = seededRandom(7);
  const total = 200_000;
  let second = 0;
  for (let i = 0; i < total; i++)
    if (drawDestination([destination('v1', a), destination('v2', b)], random).subset === 'v2') second += 1;
  expect(sigmas(second, total, b / (a + b))).toBeLessThan(5);
});

test('draws are independent: the next one does not care about the last', () => {
  const random = seededRandom(11);
  const pairs = [0, 0, 0, 0];
  const total = 200_000;
  let last = 0;
  for (let i = 0; i < total; i++) {
    const now = drawDestination([destination('v1', 90), destination('v2', 10)], random).subset === 'v2' ? 1 : 0;
    pairs[last * 2 + now] = (pairs[last * 2 + now] ?? 0) + 1;
    last = now;
  }
  const [, , toFirst = 0, again = 0] = pairs;
  expect(sigmas(again, toFirst + again, 0.1)).toBeLessThan(5);
});

test('nothing happens with share 0 and always with share 1, at the ends of the random range too', () => {
  const lowest: Random = () => 0;
  const highest: Random = () => 1 - 2 ** -32;
  expect([happens(0, lowest), happens(0, highest), happens(1, lowest), happens(1, highest)]).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

const ok: RequestListener = (_request, response) => void response.end('ok');
const pod = (version: string, index = 1, app: TestPod['app'] = ok): TestPod => ({
  name: `shop-${version}-${index}`,
  version,
  sidecar: true,
  app,
});

async function counts(mesh: TestMesh, total: number, width = 50): Promise<Record<string, number>> {
  let left = total;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) await mesh.send();
    }),
  );
  return byWorkload(mesh.source());
}

function byWorkload(ledger: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const row of ledger) {
    const [count = '0x', , , workload = ''] = row.split(' ');
    counted[workload] = (counted[workload] ?? 0) + Number.parseInt(count, 10);
  }
  return counted;
}

async function withMesh(pods: TestPod[], rules: KubeObject[], use: (mesh: TestMesh) => Promise<void>): Promise<void> {
  const mesh = await TestMesh.start(pods, rules, 42);
  try {
    await use(mesh);
  } finally {
    await mesh.close();
  }
}

test('a 90/10 route sends a tenth of real requests to v2, and every request is counted', async () => {
  await withMesh(
    [pod('v1'), pod('v2')],
    [subsets(), virtualService({ route: [to('v1', 90), to('v2', 10)] })],
    async (mesh) => {
      const total = 1000;
      const counted = await counts(mesh, total);
      expect((counted['shop-v1'] ?? 0) + (counted['shop-v2'] ?? 0)).toBe(total);
      expect(sigmas(counted['shop-v2'] ?? 0, total, 0.1)).toBeLessThan(5);
    },
  );
});

test('a mirror of 40 % copies that share and an abort takes its share before the mirror', async () => {
  await withMesh(
    [pod('v1'), pod('v2')],
    [
      subsets(),
      virtualService({
        route: [to('v1')],
        mirror: { host: 'shop', subset: 'v2' },
        mirrorPercentage: { value: 40 },
        fault: { abort: { percentage: { value: 25 }, httpStatus: 500 } },
      }),
    ],
    async (mesh) => {
      const total = 1000;
      const counted = await counts(mesh, total);
      expect(sigmas(counted.unknown ?? 0, total, 0.25)).toBeLessThan(5);
      await eventually(() => {
        const copies = byWorkload(mesh.destination())['shop-v2<web'] ?? 0;
        expect(sigmas(copies, total, 0.75 * 0.4)).toBeLessThan(5);
      });
    },
  );
});

test.each([
  ['ROUND_ROBIN', 0],
  ['LEAST_REQUEST', 5],
  ['RANDOM', 5],
])('%s over two idle pods is even within %i sigma', async (simple, limit) => {
  await withMesh([pod('v1'), pod('v2')], [subsets({ loadBalancer: { simple } })], async (mesh) => {
    const counted = await counts(mesh, 600, 1);
    expect(sigmas(counted['shop-v2'] ?? 0, 600, 0.5)).toBeLessThanOrEqual(limit);
  });
});

test('least request favours the faster version under concurrency', async () => {
  const delayed =
    (ms: number): RequestListener =>
    (_request, response) => {
      setTimeout(() => response.end('ok'), ms);
    };
  await withMesh([pod('v1', 1, delayed(2)), pod('v2', 1, delayed(40))], [subsets()], async (mesh) => {
    const counted = await counts(mesh, 600, 16);
    expect(counted['shop-v1'] ?? 0).toBeGreaterThan((counted['shop-v2'] ?? 0) * 1.5);
  });
});

test('a consistent hash keeps a user on one pod, and weights come first', async () => {
  const policy = { loadBalancer: { consistentHash: { httpHeaderName: 'x-user' } } };
  await withMesh([pod('v1'), pod('v2'), pod('v1', 2), pod('v2', 2)], [subsets(policy)], async (mesh) => {
    for (let i = 0; i < 30; i++) await mesh.send({ headers: { 'x-user': 'wanda' } });
    const served = mesh.destination();
    expect(served).toHaveLength(1);
    for (let user = 0; user < 60; user++) await mesh.send({ headers: { 'x-user': `user-${user}` } });
    expect(Object.keys(byWorkload(mesh.source()))).toHaveLength(2);
  });
});

test('five errors in a row eject a host when the percentage allows, and then all is UH', async () => {
  const failing: RequestListener = (_request, response) => {
    response.writeHead(500);
    response.end();
  };
  const policy = { outlierDetection: { consecutive5xxErrors: 5, maxEjectionPercent: 100, baseEjectionTime: '60s' } };
  await withMesh([pod('v1', 1, failing)], [subsets(policy)], async (mesh) => {
    for (let i = 0; i < 8; i++) await mesh.send();
    expect(mesh.source()).toEqual(['3x 503 UH unknown unknown shop', '5x 500 - shop-v1 v1 shop']);
  });
  await withMesh(
    [pod('v1', 1, failing)],
    [subsets({ outlierDetection: { consecutive5xxErrors: 5, maxEjectionPercent: 10 } })],
    async (mesh) => {
      for (let i = 0; i < 8; i++) await mesh.send();
      expect(mesh.source()).toEqual(['8x 500 - shop-v1 v1 shop']);
    },
  );
});
