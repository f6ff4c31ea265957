import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { NO_HEADERS } from '../../../src/mesh/policies.js';
import { routeFor } from '../../../src/mesh/router.js';
import type { ProxyConfig, Route, RouteMatch, StringMatch } from '../../../src/mesh/types.js';
import { compared } from '../../support/comparisons.js';
import { envoySidecars, realEnvoy } from '../../support/realEnvoy.js';
import { ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

const TABLES = 40;
const REQUESTS = 50;

const words = fc.constantFrom('/', '/a', '/a/', '/a/b', '/ab', '/A', '/a/b/c', '/x');
const paths: fc.Arbitrary<StringMatch> = fc.oneof(
  fc.record({ kind: fc.constantFrom('exact', 'prefix'), value: words, ignoreCase: fc.boolean() }),
  fc.record({ kind: fc.constant('segment-prefix'), value: fc.constantFrom('/a', '/a/b', '/x') }),
  fc.record({ kind: fc.constant('regex'), value: fc.constantFrom('/a.*', '/[ax]', '.*b', '/a/b', '(?i)/A') }),
) as fc.Arbitrary<StringMatch>;
const values: fc.Arbitrary<StringMatch> = fc.oneof(
  fc.record({ kind: fc.constantFrom('exact', 'prefix'), value: fc.constantFrom('1', '12', 'x') }),
  fc.record({ kind: fc.constant('regex'), value: fc.constantFrom('1.*', '[0-9]+', 'x|12') }),
  fc.constant({ kind: 'present', value: '' }),
) as fc.Arbitrary<StringMatch>;

const match: fc.Arbitrary<RouteMatch> = fc
  .record({
    path: fc.option(paths, { nil: undefined }),
    method: fc.option(fc.constantFrom<StringMatch>({ kind: 'exact', value: 'POST' }, { kind: 'regex', value: 'P.*' }), {
      nil: undefined,
      freq: 3,
    }),
    headers: fc.array(fc.record({ name: fc.constantFrom('x-one', 'x-two'), match: values, invert: fc.boolean() }), {
      maxLength: 2,
    }),
    query: fc.array(fc.record({ name: fc.constantFrom('q', 'r'), match: values }), { maxLength: 1 }),
  })
  .map(({ path, method, ...rest }) => ({ ...rest, ...(path ? { path } : {}), ...(method ? { method } : {}) }));

const route = (index: number, matches: readonly RouteMatch[]): Route => ({
  name: `route-${index}`,
  matches,
  action: { kind: 'direct', status: 200, body: `route-${index}` },
  mirrors: [],
  fault: {},
  retries: { attempts: 0, retryOn: [], statusCodes: [], perTryTimeout: undefined },
  timeout: undefined,
  rewrite: undefined,
  requestHeaders: NO_HEADERS,
  responseHeaders: NO_HEADERS,
  field: `spec.http[${index}]`,
});

const table: fc.Arbitrary<ProxyConfig> = fc
  .array(fc.array(match, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((rules) => ({
    ports: [
      {
        port: 8000,
        virtualHosts: [
          {
            name: 'shop.demo.svc.cluster.local:8000',
            domains: ['shop', 'shop.demo.svc.cluster.local'],
            routes: rules.map((matches, index) => route(index, matches)),
            source: 'VirtualService/demo/shop',
          },
          {
            name: 'wild:8000',
            domains: ['*.wild.example'],
            routes: [route(99, [])],
            source: undefined,
          },
        ],
        tcp: [],
      },
    ],
    clusters: {},
    unknownHosts: 'registry-only' as const,
    warnings: [],
  }));

const query = fc.constantFrom('', '?', '?q', '?q=1', '?q=12&r=x', '?r=1&q=x', '?q=1&q=x');
const requests = fc.record({
  path: fc
    .tuple(fc.constantFrom('/', '/a', '/a/', '/a/b', '/ab', '/A', '/A/B', '/a/b/c', '/x', '/y', '/a/bc'), query)
    .map(([path, rest]) => path + rest),
  method: fc.constantFrom('GET', 'GET', 'POST', 'PUT'),
  host: fc.constantFrom('shop:8000', 'shop:8000', 'SHOP:8000', 'a.wild.example:8000', 'other:8000'),
  headers: fc
    .record({ 'x-one': fc.constantFrom('1', '12', 'x', ''), 'x-two': fc.constantFrom('1', 'y') }, { requiredKeys: [] })
    .map((headers): Record<string, string> => ({ ...headers })),
});

describe.skipIf(!envoy)('route tables, request by request', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test(`${TABLES} random tables answer ${TABLES * REQUESTS} random requests as the mesh model says`, async () => {
    if (!sidecars) return;
    const mesh = await ScrapedMesh.start(sidecars.start, [], []);
    try {
      let answered = 0;
      for (const [index, config] of fc.sample(table, { numRuns: TABLES, seed: 7 }).entries()) {
        await mesh.configureClient(config);
        const sent = fc.sample(requests, { numRuns: REQUESTS, seed: 100 + index });
        const answers = await Promise.all(sent.map((request) => mesh.send({ ...request, host: request.host })));
        for (const [i, { status, body }] of answers.entries()) {
          const request = sent[i];
          if (!request) continue;
          const { host, ...rest } = request;
          const found = routeFor(config, { port: 8000, host, ...rest });
          const known = /^(shop|a\.wild\.example):/i.test(host);
          const expected = found ? `200 ${found.route.name}` : known ? '404 ' : '502 ';
          expect(
            `${status} ${body}`,
            JSON.stringify({ request, routes: config.ports[0]?.virtualHosts[0]?.routes }),
          ).toBe(expected);
          answered += 1;
        }
      }
      expect(answered).toBe(TABLES * REQUESTS);
      compared('envoy', answered);
    } finally {
      await mesh.close();
    }
  });
});
