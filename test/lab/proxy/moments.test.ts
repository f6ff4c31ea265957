import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { subsets, TestMesh, type TestPod, to, virtualService } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';

const slow =
  (ms: number): RequestListener =>
  (request, response) => {
    request.resume();
    setTimeout(() => response.end('late'), ms);
  };

const says =
  (status: number): RequestListener =>
  (_request, response) => {
    response.writeHead(status);
    response.end('app');
  };

const pod = (version: string, app: TestPod['app'], sidecar = true): TestPod => ({
  name: `shop-${version}-1`,
  version,
  sidecar,
  app,
});
const v1 = (app: TestPod['app']): TestPod => pod('v1', app);
const v2 = (app: TestPod['app']): TestPod => pod('v2', app);

/** All requests to v1, with whatever else the rule says. */
const toV1 = (rule: object = {}, trafficPolicy?: object): KubeObject[] => [
  subsets(trafficPolicy),
  virtualService({ route: [to('v1')], ...rule }),
];
const NO_RETRY = { retries: { attempts: 0 } };
const MIRROR = { mirror: { host: 'shop', subset: 'v2' } };

async function withMesh(pods: TestPod[], rules: KubeObject[], use: (mesh: TestMesh) => Promise<void>): Promise<void> {
  const mesh = await TestMesh.start(pods, rules);
  try {
    await use(mesh);
  } finally {
    await mesh.close();
  }
}

test('a client that leaves is 0 DC on both sides, while the copy completes', async () => {
  const mesh = await TestMesh.start([v1(slow(150)), v2(slow(150))], toV1({ mirror: { host: 'shop', subset: 'v2' } }));
  try {
    await mesh.sendAndLeave(50);
    await eventually(() => expect(mesh.source()).toEqual(['1x 0 DC shop-v1 unknown shop']));
    const expected = ['1x 0 DC shop-v1<web v1 shop', '1x 200 - shop-v2<web v2 shop'];
    await eventually(() => expect(mesh.destination()).toEqual(expected));
  } finally {
    await mesh.close();
  }
});

test('a sidecar that is gone is UF with its version unknown', async () => {
  const mesh = await TestMesh.start([v1(says(200))], toV1(NO_RETRY));
  try {
    await mesh.send();
    await mesh.killSidecar('shop-v1-1');
    expect((await mesh.send()).status).toBe(503);
    expect(mesh.source()).toEqual(['1x 200 - shop-v1 v1 shop', '1x 503 UF shop-v1 unknown shop']);
  } finally {
    await mesh.close();
  }
});

test('a sidecar that is killed while its client waits is UC', async () => {
  let arrived = 0;
  const silent: RequestListener = () => {
    arrived += 1;
  };
  const mesh = await TestMesh.start([v1(silent)], toV1(NO_RETRY));
  try {
    const waiting = mesh.send();
    await eventually(() => expect(arrived).toBe(1));
    await mesh.killSidecar('shop-v1-1');
    expect((await waiting).status).toBe(503);
    expect(mesh.source()).toEqual(['1x 503 UC shop-v1 unknown shop']);
  } finally {
    await mesh.close();
  }
});

test('a breaker of one connection and one pending request refuses the other eight of ten', async () => {
  const limits = { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } };
  const mesh = await TestMesh.start([v1(slow(50))], [subsets(limits), virtualService({ route: [to('v1')] })]);
  try {
    const answers = await Promise.all(Array.from({ length: 10 }, () => mesh.send()));
    const overloaded = answers.filter((answer) => answer.status === 503);
    expect(overloaded).toHaveLength(8);
    for (const answer of overloaded) expect(answer.headers['x-envoy-overloaded']).toBe('true');
    expect(mesh.source()).toEqual(['2x 200 - shop-v1 v1 shop', '8x 503 UO unknown unknown shop']);
  } finally {
    await mesh.close();
  }
});

test('a client that leaves after its whole body does not take the copy with it', async () => {
  const arrived: number[] = [];
  const counting: RequestListener = (request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      arrived.push(bytes);
      setTimeout(() => response.end(), 150);
    });
  };
  await withMesh([v1(slow(5000)), v2(counting)], toV1(MIRROR), async (mesh) => {
    await mesh.sendAndLeave(50, { text: 'x'.repeat(30_000), length: 30_000 });
    const expected = ['1x 0 DC shop-v1<web v1 shop', '1x 200 - shop-v2<web v2 shop'];
    await eventually(() => expect(mesh.destination()).toEqual(expected));
    expect(arrived).toEqual([30_000]);
  });
});

test('a client that leaves within its body ends the copy too, and all three proxies count it', async () => {
  await withMesh([v1(slow(5000)), v2(slow(5000))], toV1(MIRROR), async (mesh) => {
    await mesh.sendAndLeave(50, { text: 'half', length: 8 });
    await eventually(() => expect(mesh.source()).toEqual(['1x 0 DC shop-v1 unknown shop']));
    const expected = ['1x 0 DC shop-v1<web v1 shop', '1x 0 DC shop-v2<web v2 shop'];
    await eventually(() => expect(mesh.destination()).toEqual(expected));
  });
});

test('a copy ends with the timeout of its route', async () => {
  await withMesh([v1(says(200)), v2(slow(5000))], toV1({ ...MIRROR, timeout: '0.1s' }), async (mesh) => {
    expect((await mesh.send()).status).toBe(200);
    await eventually(() => expect(mesh.destination()).toContain('1x 0 DC shop-v2<web v2 shop'));
  });
});

test('copies keep to the limits of their cluster and never hold the request up', async () => {
  const limits = { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } };
  await withMesh([v1(says(200)), v2(slow(100))], toV1(MIRROR, limits), async (mesh) => {
    for (let i = 0; i < 6; i++) expect((await mesh.send()).status).toBe(200);
    expect(mesh.source()).toEqual(['6x 200 - shop-v1 v1 shop']);
    // One was sent at once and one waited for it; the others found both places taken.
    await eventually(() => expect(mesh.destination()).toContain('2x 200 - shop-v2<web v2 shop'));
    await mesh.send();
    await eventually(() => expect(mesh.destination()).toContain('3x 200 - shop-v2<web v2 shop'));
  });
});

test('copies that fail eject the pod that takes them, and the request knows nothing of it', async () => {
  const policy = { outlierDetection: { consecutive5xxErrors: 2, maxEjectionPercent: 100, baseEjectionTime: '60s' } };
  await withMesh([v1(says(200)), v2(says(503))], toV1(MIRROR, policy), async (mesh) => {
    for (let sent = 1; sent <= 5; sent++) {
      expect((await mesh.send()).status).toBe(200);
      const copies = Math.min(sent, 2);
      await eventually(() => expect(mesh.destination()).toContain(`${copies}x 503 - shop-v2<web v2 shop`));
    }
    expect(mesh.destination()).toEqual(['2x 503 - shop-v2<web v2 shop', '5x 200 - shop-v1<web v1 shop']);
  });
});

test('gateway errors eject by their own count, and refused connections are among them', async () => {
  const policy = {
    outlierDetection: { consecutiveGatewayErrors: 2, consecutive5xxErrors: 0, maxEjectionPercent: 100 },
  };
  await withMesh([pod('v1', 'dead', false)], toV1(NO_RETRY, policy), async (mesh) => {
    for (let i = 0; i < 4; i++) await mesh.send();
    expect(mesh.source()).toEqual(['2x 503 UF shop-v1 unknown shop', '2x 503 UH unknown unknown shop']);
  });
  await withMesh([v1(says(500))], toV1(NO_RETRY, policy), async (mesh) => {
    for (let i = 0; i < 4; i++) await mesh.send();
    expect(mesh.source()).toEqual(['4x 500 - shop-v1 v1 shop']);
  });
});
