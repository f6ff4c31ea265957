import { afterEach, describe, expect, it, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { systemClock } from '../../src/base/clock.js';
import { EnvironmentError } from '../../src/base/errors.js';
import { Store } from '../../src/lab/control/store.js';
import { type KialiOptions, startKiali } from '../../src/lab/kiali/server.js';
import { startPrometheus } from '../../src/lab/prometheus/server.js';
import { Storage } from '../../src/lab/prometheus/storage.js';
import { type KialiAuth, kialiObserver } from '../../src/observe/kiali.js';
import { countEdges, KialiGraph, trafficGraph } from '../../src/observe/kialiGraph.js';
import { serveHttp } from '../support/load.js';
import { WATCHED } from '../support/observe.js';
import { bothSides, feedStreams, type Stream } from '../support/telemetry.js';

const NOW_SECONDS = 1_760_000_000;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** A clock whose wall time the test moves. */
function wallClock(): Clock & { seconds: number } {
  return {
    ...systemClock,
    seconds: NOW_SECONDS,
    wallMs() {
      return this.seconds * 1000;
    },
  };
}

async function kialiOver(streams: readonly Stream[], options: Partial<KialiOptions> = {}) {
  const storage = new Storage();
  feedStreams(storage, streams, NOW_SECONDS * 1000);
  const prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage });
  open.push(prometheus);
  const store = new Store();
  const metadata = { name: 'pitstop', creationTimestamp: '2020-01-01T00:00:00Z' };
  store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  const kiali = await startKiali({ store, prometheusUrl: prometheus.url, ...options });
  open.push(kiali);
  return { kiali, prometheus };
}

const SERVICE = 'customermanagementapi';
const split = (v1: number, v2: number): Stream[] => [
  ...bothSides({ from: 'webapp', to: `${SERVICE}-v1`, service: SERVICE, rate: v1 }),
  ...bothSides({ from: 'webapp', to: `${SERVICE}-v2`, service: SERVICE, rate: v2 }),
];
const observe = (url: string, auth: KialiAuth = { strategy: 'anonymous' }, timeoutMs = 2000) => {
  const clock = wallClock();
  return { clock, observer: kialiObserver({ url, auth, scenario: WATCHED, clock, timeoutMs }) };
};
/** A window of a minute that ends at NOW. */
async function look(url: string, auth?: KialiAuth) {
  const { clock, observer } = observe(url, auth);
  clock.seconds = NOW_SECONDS - 60;
  await observer.open();
  clock.seconds = NOW_SECONDS;
  const observation = await observer.look();
  if (observation.status !== 'ok') throw new Error(observation.reason);
  return observation;
}

describe('the graph of a real Kiali over a real Prometheus', () => {
  it('turns the rates of the service node into counts of the window', async () => {
    const { kiali } = await kialiOver([
      ...split(9, 1),
      ...bothSides({ from: 'webapp', to: `${SERVICE}-v2`, service: SERVICE, rate: 0.5, code: '500' }),
      ...bothSides({ from: 'batch', to: `${SERVICE}-v1`, service: SERVICE, rate: 2 }),
    ]);
    const { counts, rounding, graph } = await look(kiali.url);
    expect(rounding).toBeCloseTo(0.005 * 60 + 1);
    const near = (value: number | undefined, expected: number) =>
      expect(Math.abs((value ?? Number.NaN) - expected)).toBeLessThanOrEqual(rounding);
    near(counts.versions.v1?.total, 660);
    near(counts.versions.v2?.total, 90);
    near(counts.versions.v2?.failed, 30);
    near(counts.foreign['batch.pitstop'], 120);
    near(counts.unknown.total, 0);
    const service = graph?.nodes.find(({ kind, label }) => kind === 'service' && label === SERVICE);
    const edges = graph?.edges.filter(({ from }) => from === service?.id) ?? [];
    expect(edges.map(({ percent }) => percent).sort()).toEqual([12, 88]);
    expect(graph?.nodes.map(({ label }) => label)).toContain(`${SERVICE} v2`);
  });

  it('counts what reached no version as lost', async () => {
    const { kiali } = await kialiOver([
      ...split(9, 0).slice(0, 2),
      { reporter: 'source', from: 'webapp', service: SERVICE, rate: 3, code: '503', flags: 'UH' },
    ]);
    const { counts } = await look(kiali.url);
    expect(counts.unknown.total).toBeCloseTo(180, 0);
    expect(counts.unknown.failed).toBe(counts.unknown.total);
    expect(counts.versions).toMatchObject({ v2: { total: 0, failed: 0 } });
  });

  it('says that the graph is empty instead of counting zero', async () => {
    const { kiali } = await kialiOver([]);
    await expect(look(kiali.url)).rejects.toThrow(
      /shows no request to customermanagementapi\.pitstop in the last 60 s/,
    );
  });

  test.each([
    ['with its base path', (url: string) => url],
    ['with a slash behind it', (url: string) => `${url}/`],
    ['without it', (url: string) => url.replace(/\/kiali$/, '')],
  ])('is found by its address %s', async (_case, address) => {
    const { kiali } = await kialiOver(split(9, 1));
    const { observer } = observe(address(kiali.url));
    await observer.check();
    expect((await look(address(kiali.url))).counts.versions.v1?.total).toBeGreaterThan(500);
  });
});

describe('logging in', () => {
  const token = { strategy: 'token', tokens: ['secret-token'] } as const;
  const login = { strategy: 'login', username: 'admin', passphrase: 'secret-pass' } as const;

  it('takes a token in a form and keeps the session', async () => {
    const { kiali } = await kialiOver(split(9, 1), { auth: token });
    const auth = { strategy: 'token', token: 'secret-token' } as const;
    await observe(kiali.url, auth).observer.check();
    expect((await look(kiali.url, auth)).counts.versions.v2?.total).toBeGreaterThan(50);
  });

  it('takes the legacy user name and password', async () => {
    const { kiali } = await kialiOver(split(9, 1), { auth: login });
    const auth = { strategy: 'login', username: 'admin', password: 'secret-pass' } as const;
    expect((await look(kiali.url, auth)).counts.versions.v2?.total).toBeGreaterThan(50);
  });

  it('logs in again when the session has run out', async () => {
    const { kiali, prometheus } = await kialiOver(split(9, 1), { auth: token });
    const { clock, observer } = observe(kiali.url, { strategy: 'token', token: 'secret-token' });
    await observer.check();
    clock.seconds = NOW_SECONDS - 60;
    await observer.open();
    clock.seconds = NOW_SECONDS;
    // Another Kiali on the same port knows none of its predecessor's sessions.
    await kiali.close();
    const store = new Store();
    store.put('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'pitstop', creationTimestamp: '2020-01-01T00:00:00Z' },
    });
    const port = Number(new URL(kiali.url).port);
    open.push(await startKiali({ store, prometheusUrl: prometheus.url, auth: token, port }));
    expect(await observer.look()).toMatchObject({ status: 'ok' });
  });

  test.each([
    ['a wrong token', token, { strategy: 'token', token: 'wrong' }, /does not accept the token \(status 401\)/],
    ['a missing token', token, { strategy: 'anonymous' }, /asks for a token/],
    [
      'a wrong password',
      login,
      { strategy: 'login', username: 'admin', password: 'wrong' },
      /does not accept the user name or the password/,
    ],
    [
      'a token where a password is asked for',
      login,
      { strategy: 'token', token: 'secret-token' },
      /asks for a user name and a password/,
    ],
  ] as const)('%s is an environment error that keeps the secret', async (_case, auth, given, message) => {
    const { kiali } = await kialiOver([], { auth });
    const error = await observe(kiali.url, given)
      .observer.check()
      .then(
        () => undefined,
        (caught: unknown) => caught,
      );
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as EnvironmentError).message).toMatch(message);
    expect((error as EnvironmentError).message).toContain(kiali.url.replace(/\/kiali$/, ''));
    expect(`${(error as EnvironmentError).message}${(error as EnvironmentError).hint}`).not.toMatch(/wrong|secret/);
  });
});

describe('what is no Kiali', () => {
  const auth = { 'content-type': 'application/json' };
  const answering = async (status: number, type: string, body: string) => {
    const served = await serveHttp((request, response) => {
      if (request.url?.endsWith('/api/auth/info')) response.writeHead(200, auth).end('{"strategy":"anonymous"}');
      else response.writeHead(status, { 'content-type': type }).end(body);
    });
    open.push(served);
    return served.url;
  };
  test.each([
    [
      'a namespace that it may not see',
      403,
      'application/json',
      '{"error":"Requested namespace [pitstop] is not accessible."}',
      /not accessible.*/,
    ],
    [
      'its Prometheus is down',
      503,
      'application/json',
      '{"error":"Post dial tcp: connection refused"}',
      /status 503.*connection refused/,
    ],
    ['a log-in page', 200, 'text/html', '<html>\n<b>Log in</b>', /text\/html instead of JSON: <html> <b>Log in<\/b>/],
    ['broken JSON', 200, 'application/json', '{"elements":', /broken JSON/],
    ['another JSON', 200, 'application/json', '{"nodes":[]}', /form that is not known/],
  ])('%s', async (_case, status, type, body, message) => {
    const url = await answering(status, type, body);
    const { observer } = observe(url);
    await expect(observer.check()).rejects.toThrow(message);
    await observer.open();
    expect(await observer.look()).toMatchObject({
      status: 'no-data',
      vantagePoint: 'graph',
      reason: expect.stringMatching(message),
    });
  });

  it('any other web server, a strategy that needs a browser, and one that never answers', async () => {
    const web = await serveHttp((_request, response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>'),
    );
    const openid = await serveHttp((_request, response) => response.writeHead(200, auth).end('{"strategy":"openid"}'));
    const hang = await serveHttp(() => {});
    open.push(web, openid, hang);
    await expect(observe(web.url).observer.check()).rejects.toThrow(/fails with status 404: <h1>Not here/);
    await expect(observe(openid.url).observer.check()).rejects.toThrow(/"openid", which needs a browser/);
    await expect(observe(hang.url, undefined, 100).observer.check()).rejects.toThrow(/did not answer within 0.1 s/);
  });
});

describe('reading a graph', () => {
  const node = (id: string, extra: object) => ({
    data: { id, nodeType: 'app', namespace: 'pitstop', healthData: null, ...extra },
  });
  const edge = (source: string, target: string, rates: object, extra: object = {}) => ({
    data: { id: `${source}-${target}`, source, target, traffic: { protocol: 'http', rates }, ...extra },
  });
  const parse = (nodes: unknown, edges: unknown) =>
    KialiGraph.parse({ timestamp: 1, duration: 60, elements: { nodes, edges } });

  it('an empty graph is written as null', () => {
    expect(trafficGraph(parse(null, null))).toEqual({ nodes: [], edges: [] });
    expect(countEdges(parse([], []), WATCHED, 60)).toBeUndefined();
  });

  it('leaves boxes out, keeps flags, percentages and the response time', () => {
    const graph = trafficGraph(
      parse(
        [
          node('box', { nodeType: 'box', isBox: 'app', app: SERVICE }),
          node('w', {
            app: 'webapp',
            workload: 'webapp',
            version: 'latest',
            isRoot: true,
            traffic: [{ protocol: 'http', rates: { httpOut: '10.00' } }],
          }),
          node('s', {
            nodeType: 'service',
            service: SERVICE,
            hasVS: { hostnames: ['x'] },
            hasTrafficShifting: true,
            hasMirroring: false,
          }),
          node('u', { nodeType: 'unknown' }),
        ],
        [
          edge('w', 's', { http: '10.00', httpPercentReq: '66.7', httpPercentErr: '20.0' }, { responseTime: '12' }),
          edge('w', 'gone', { http: '1' }),
        ],
      ),
    );
    expect(graph.nodes.map(({ id, kind, label, flags, outRate }) => [id, kind, label, flags, outRate])).toEqual([
      ['w', 'workload', 'webapp', ['isRoot'], 10],
      ['s', 'service', SERVICE, ['hasVS', 'hasTrafficShifting'], 0],
      ['u', 'unknown', 'unknown', [], 0],
    ]);
    expect(graph.edges).toEqual([{ from: 'w', to: 's', rate: 10, percent: 66.7, errorPercent: 20, responseTime: 12 }]);
  });

  it('a service of the same name in another namespace is another service', () => {
    const nodes = [
      node('s', { nodeType: 'service', service: SERVICE, namespace: 'shop' }),
      node('v', { workload: `${SERVICE}-v1`, app: SERVICE, version: 'v1' }),
    ];
    expect(countEdges(parse(nodes, [edge('s', 'v', { http: '5.00' })]), WATCHED, 60)).toBeUndefined();
  });
});
