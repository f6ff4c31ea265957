import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { seededRandom } from '../../../src/base/random.js';
import { millis, ratio } from '../../../src/base/units.js';
import { AppServer } from '../../../src/lab/apps/appServer.js';
import { appNames, behaviourOf, drawLatency } from '../../../src/lab/apps/behaviour.js';
import { ByteServer } from '../../../src/lab/apps/byteServer.js';
import { AppClient } from '../../../src/lab/apps/client.js';
import { parseCall } from '../../../src/lab/apps/generic.js';
import { AppRegistry, appKind } from '../../../src/lab/apps/registry.js';
import { callsOfImage } from '../../../src/lab/apps/samples.js';

test('the most specific entry wins field by field: workload, image, label, default', () => {
  const names = appNames('shop-v2', 'registry.example/team/shop:2.0', 'shop');
  expect(names).toEqual(['shop-v2', 'registry.example/team/shop:2.0', 'registry.example/team/shop', 'shop', 'shop']);
  const apps = {
    shop: { errors: ratio(0.5), errorStatus: 502, startUp: millis(1) },
    'registry.example/team/shop:2.0': { errors: ratio(0.2) },
    'shop-v2': { startUp: millis(9) },
    constructor: { errorStatus: 599 },
  };
  expect(behaviourOf(apps, names)).toMatchObject({ errors: 0.2, errorStatus: 502, startUp: 9, calls: [] });
  expect(behaviourOf({}, appNames('constructor', '', undefined)).errorStatus).toBe(500);
});

test.each([
  [{ kind: 'constant', ms: millis(7) } as const, 7, 7],
  [{ kind: 'uniform', minMs: millis(10), maxMs: millis(30) } as const, 20, 20],
  [{ kind: 'lognormal', medianMs: millis(3), sigma: 0.4 } as const, 3, 3 * Math.exp(0.08)],
])('latencies of %j have their median and mean', (latency, median, mean) => {
  const random = seededRandom(9);
  const draws = Array.from({ length: 40_001 }, () => drawLatency(latency, random)).sort((a, b) => a - b);
  expect(draws[20_000]).toBeCloseTo(median, 0);
  expect(draws.reduce((sum, draw) => sum + draw, 0) / draws.length).toBeCloseTo(mean, 0);
  expect(draws[0]).toBeGreaterThanOrEqual(0);
});

test.each([
  ['mcr.microsoft.com/mssql/server:2022-latest', 'bytes'],
  ['rabbitmq:3-management', 'bytes'],
  ['datalust/seq:2024', 'http'],
  ['my/redis-exporter:1', 'http'],
])('image %s speaks %s', (image, kind) => {
  expect(appKind(image)).toBe(kind);
});

test.each(['https://a/', 'ftp://a', 'no url'])('a call to %s is refused', (url) => {
  expect(() => parseCall(url)).toThrow(TypeError);
});

/** Runs an application of an unknown image and asks it. */
async function ask(
  options: { calls?: string[]; errors?: number; ports?: Record<string, number>; headers?: string[] },
  count: number,
): Promise<{ status: number; body: string }[]> {
  const registry = new AppRegistry();
  const client = new AppClient((host) => options.ports?.[host] ?? 'refused');
  const env = {
    pod: 'pod-1',
    namespace: 'demo',
    workload: 'shop-v1',
    image: 'somebody/shop:1',
    labels: { app: 'shop', version: '1.0' },
    client,
    clock: systemClock,
    random: seededRandom(1),
  };
  const behaviour = {
    latency: { kind: 'constant', ms: millis(0) },
    errors: ratio(options.errors ?? 0),
    errorStatus: 503,
  } as const;
  const handler = registry.handler(env, options.calls ?? []);
  const server = new AppServer({ handler, behaviour, clock: systemClock, random: seededRandom(2) });
  const port = await server.listen();
  const asker = new AppClient(() => port);
  try {
    const answers = [];
    for (let i = 0; i < count; i++)
      answers.push(await asker.request('x', 80, 'GET', '/path?q=1', undefined, options.headers));
    return answers;
  } finally {
    asker.close();
    client.close();
    await server.close();
  }
}

test('an unknown image says who it is', async () => {
  const [answer] = await ask({}, 1);
  expect(answer?.status).toBe(200);
  expect(JSON.parse(answer?.body ?? '')).toEqual({
    app: 'shop',
    version: '1.0',
    image: 'somebody/shop:1',
    workload: 'shop-v1',
    pod: 'pod-1',
    method: 'GET',
    path: '/path',
    headers: { host: 'x:80', accept: '*/*' },
  });
});

test('who answered a call is passed on, so that a marker on the page of the caller finds the version behind it', async () => {
  const behaviour = { latency: { kind: 'constant', ms: millis(0) }, errors: ratio(0), errorStatus: 500 } as const;
  const body = '{"app":"reviews","version":"v2","workload":"reviews-v2","pod":"reviews-v2-x","method":"GET"}';
  const server = new AppServer({
    handler: ({ path }) => ({ status: 200, body: path === '/plain' ? '<p>plain</p>' : body }),
    behaviour,
    clock: systemClock,
    random: seededRandom(3),
  });
  try {
    const ports = { reviews: await server.listen() };
    const [page] = await ask({ calls: ['http://reviews:9080/', 'http://reviews:9080/plain'], ports }, 1);
    expect(page?.body).toContain('"app":"reviews","version":"v2"');
    expect(JSON.parse(page?.body ?? '').calls).toEqual([
      { url: 'http://reviews:9080/', status: 200, by: { app: 'reviews', version: 'v2', pod: 'reviews-v2-x' } },
      { url: 'http://reviews:9080/plain', status: 200 },
    ]);
  } finally {
    await server.close();
  }
});

test('calls carry the headers that Istio routes users by, and none that is about the connection', async () => {
  const heard: unknown[] = [];
  const server = new AppServer({
    handler: ({ headers }) => {
      heard.push(headers);
      return { status: 200, body: '' };
    },
    behaviour: { latency: { kind: 'constant', ms: millis(0) }, errors: ratio(0), errorStatus: 500 },
    clock: systemClock,
    random: seededRandom(3),
  });
  try {
    const kept = ['end-user', 'jason', 'cookie', 'user=jason', 'x-canary', '1', 'traceparent', '00-1'];
    const dropped = ['x-forwarded-for', '10.0.0.1', 'x-envoy-attempt-count', '2', 'origin', 'http://x'];
    const ports = { reviews: await server.listen() };
    await ask({ calls: ['http://reviews:9080/'], ports, headers: [...kept, ...dropped] }, 1);
    expect(heard).toEqual([
      {
        host: 'reviews:9080',
        accept: '*/*',
        'end-user': 'jason',
        cookie: 'user=jason',
        'x-canary': '1',
        traceparent: '00-1',
      },
    ]);
  } finally {
    await server.close();
  }
});

test.each([
  ['docker.io/istio/examples-bookinfo-productpage-v1:1.20.1', ['details', 'reviews']],
  ['istio/examples-bookinfo-reviews-v1:1.20.1', []],
  ['istio/examples-bookinfo-reviews-v2', ['ratings']],
  ['registry.example/examples-bookinfo-reviews-v3@sha256:0', ['ratings']],
  ['registry.example/my-examples-bookinfo-reviews-v3', []],
])('the image %s calls %j', (image, hosts) => {
  expect(callsOfImage(image).map((url) => parseCall(url).host)).toEqual(hosts);
});

test('a share of the requests fails as configured', async () => {
  const answers = await ask({ errors: 0.3 }, 1000);
  const failed = answers.filter((answer) => answer.status === 503).length;
  expect(Math.abs(failed - 300)).toBeLessThan(5 * Math.sqrt(1000 * 0.3 * 0.7));
});

test('calls are made in order, and a failing one makes the answer 502', async () => {
  const bytes = new ByteServer();
  const port = await bytes.listen();
  const server = new AppServer({
    handler: () => ({ status: 204, body: '' }),
    behaviour: { latency: { kind: 'constant', ms: millis(0) }, errors: ratio(0), errorStatus: 500 },
    clock: systemClock,
    random: seededRandom(3),
  });
  const ports = { good: await server.listen(), echoing: port };
  try {
    const [fine] = await ask({ calls: ['http://good:81/a', 'http://good/b'], ports }, 1);
    expect(fine?.status).toBe(200);
    expect(JSON.parse(fine?.body ?? '').calls).toEqual([
      { url: 'http://good:81/a', status: 204 },
      { url: 'http://good/b', status: 204 },
    ]);
    const [bad] = await ask({ calls: ['http://good/', 'http://gone/'], ports }, 1);
    expect(bad?.status).toBe(502);
    expect(JSON.parse(bad?.body ?? '').calls[1].error).toContain('ECONNREFUSED');
    // Our own request comes back as the answer, which is no HTTP response.
    const [garbage] = await ask({ calls: ['http://echoing/'], ports }, 1);
    expect(garbage?.status).toBe(502);
  } finally {
    await Promise.all([bytes.close(), server.close()]);
  }
});
