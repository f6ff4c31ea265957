import { describe, expect, it, onTestFinished, test } from 'vitest';
import { EnvironmentError } from '../../src/base/errors.js';
import { Store } from '../../src/lab/control/store.js';
import { startKiali } from '../../src/lab/kiali/server.js';
import { startPrometheus } from '../../src/lab/prometheus/server.js';
import type { KialiAuth } from '../../src/observe/kiali.js';
import { countEdges, KialiGraph, trafficGraph } from '../../src/observe/kialiGraph.js';
import { serveKiali2 } from '../support/kiali2.js';
import { type KialiGiven, kialiObserverSuite, observeKiali } from '../support/kialiSuite.js';
import { serveHttp } from '../support/load.js';
import { WATCHED } from '../support/observe.js';

const SERVICE = WATCHED.service;

/** The lab's Kiali and the Prometheus behind it. */
async function labKiali({ store, storage, token }: KialiGiven) {
  const prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage });
  const auth =
    token === undefined ? ({ strategy: 'anonymous' } as const) : ({ strategy: 'token', tokens: [token] } as const);
  let running = await startKiali({ store, prometheusUrl: prometheus.url, auth });
  const { url } = running;
  return {
    url,
    async restart() {
      await running.close();
      running = await startKiali({ store, prometheusUrl: prometheus.url, auth, port: Number(new URL(url).port) });
    },
    async close() {
      await running.close();
      await prometheus.close();
    },
  };
}

describe("on the lab's Kiali, which answers as 1.89", () => {
  kialiObserverSuite(labKiali);
});

describe('on a Kiali that answers as 2.31', () => {
  kialiObserverSuite(async (given) => {
    const behind = await labKiali(given);
    const served = await serveKiali2(behind.url);
    return {
      url: served.url,
      restart: behind.restart,
      async close() {
        await served.close();
        await behind.close();
      },
    };
  });
});

describe('the log-in of Kiali before 1.23', () => {
  const login = { strategy: 'login', username: 'admin', passphrase: 'secret-pass' } as const;
  const legacy = async () => {
    const kiali = await startKiali({ store: new Store(), prometheusUrl: 'http://127.0.0.1:1', auth: login });
    onTestFinished(() => kiali.close());
    return kiali;
  };

  it('takes a user name and a password', async () => {
    const { url } = await legacy();
    const { observer } = observeKiali(url, { strategy: 'login', username: 'admin', password: 'secret-pass' });
    // Logged in, it misses the namespace only.
    await expect(observer.check()).rejects.toThrow(/Requested namespace \[pitstop\] is not accessible/);
  });

  test.each<[string, KialiAuth, RegExp]>([
    [
      'a wrong password',
      { strategy: 'login', username: 'admin', password: 'wrong' },
      /does not accept the user name or the password/,
    ],
    [
      'a token where a password is asked for',
      { strategy: 'token', token: 'secret-token' },
      /asks for a user name and a password/,
    ],
  ])('%s is an environment error that keeps the secret', async (_case, given, message) => {
    const { url } = await legacy();
    const error: unknown = await observeKiali(url, given)
      .observer.check()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as EnvironmentError).message).toMatch(message);
    expect(`${(error as EnvironmentError).message}${(error as EnvironmentError).hint}`).not.toMatch(/wrong|secret/);
  });
});

describe('a cache that anonymous callers of newer releases share', () => {
  it('is never read', async () => {
    const asked: URLSearchParams[] = [];
    const web = await serveHttp((request, response) => {
      const url = new URL(request.url ?? '/', 'http://kiali');
      const isGraph = url.pathname.endsWith('/graph');
      if (isGraph) asked.push(url.searchParams);
      const body = isGraph ? { elements: { nodes: [], edges: [] } } : { strategy: 'anonymous' };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    onTestFinished(() => web.close());
    const { observer } = observeKiali(web.url);
    await observer.check();
    await observer.open();
    await observer.look();
    expect(asked.map((each) => [each.get('refreshInterval'), each.has('queryTime'), each.has('configVendor')])).toEqual(
      [
        ['0', true, false],
        ['0', true, false],
      ],
    );
  });
});

describe('what is no Kiali', () => {
  const auth = { 'content-type': 'application/json' };
  const answering = async (status: number, type: string, body: string) => {
    const served = await serveHttp((request, response) => {
      if (request.url?.endsWith('/api/auth/info')) response.writeHead(200, auth).end('{"strategy":"anonymous"}');
      else response.writeHead(status, { 'content-type': type }).end(body);
    });
    onTestFinished(() => served.close());
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
    const { observer } = observeKiali(url);
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
    for (const each of [web, openid, hang]) onTestFinished(() => each.close());
    await expect(observeKiali(web.url).observer.check()).rejects.toThrow(/fails with status 404: <h1>Not here/);
    await expect(observeKiali(openid.url).observer.check()).rejects.toThrow(/"openid", which needs a browser/);
    await expect(observeKiali(hang.url, undefined, undefined, 100).observer.check()).rejects.toThrow(
      /did not answer within 0.1 s/,
    );
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
