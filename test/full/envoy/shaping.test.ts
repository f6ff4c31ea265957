import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import type { StartPodProxy } from '../../../src/lab/control/podProxy.js';
import { compared } from '../../support/comparisons.js';
import { SERVICE_PORT, subsets, to, virtualService } from '../../support/labMesh.js';
import { envoySidecars, ownSidecars, realEnvoy } from '../../support/realEnvoy.js';
import { ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

/** Tells what arrived. */
const echo: RequestListener = (request, response) => {
  response.setHeader('x-app', 'echo');
  response.setHeader('x-gone', 'app');
  response.end(JSON.stringify({ url: request.url, headers: request.headers }));
};

interface Shaped {
  readonly name: string;
  readonly rules: readonly KubeObject[];
  readonly paths: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

const rule = (fields: object): KubeObject[] => [subsets(), virtualService({ route: [to('v1')], ...fields })];

const httpRoute = (match: object | undefined, filter: object, backend = true): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'shop' }],
    rules: [
      {
        ...(match ? { matches: [match] } : {}),
        filters: [filter],
        ...(backend ? { backendRefs: [{ name: 'shop', port: SERVICE_PORT }] } : {}),
      },
    ],
  },
});
const replacePrefix = (replacePrefixMatch: string) => ({
  type: 'URLRewrite',
  urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch } },
});
const redirectPrefix = (replacePrefixMatch: string) => ({
  type: 'RequestRedirect',
  requestRedirect: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch }, statusCode: 302 },
});
const prefix = (value: string) => ({ path: { type: 'PathPrefix', value } });

const headers = (name: string) => ({
  headers: {
    request: { set: { 'x-both': name, [`x-${name}`]: '1' }, add: { 'x-added': name }, remove: [`x-no-${name}`] },
    response: { add: { [`x-from-${name}`]: '1' }, set: { 'x-by': name }, remove: ['x-gone'] },
  },
});

const SHAPED: readonly Shaped[] = [
  {
    name: 'a rewritten prefix',
    rules: rule({ match: [{ uri: { prefix: '/old' } }], rewrite: { uri: '/new' } }),
    paths: ['/old', '/old/a?q=1', '/olds', '/old?q'],
  },
  { name: 'a rewrite without a condition', rules: rule({ rewrite: { uri: '/new' } }), paths: ['/', '/a?q=/'] },
  {
    name: 'an exact path rewritten',
    rules: rule({ match: [{ uri: { exact: '/old' } }], rewrite: { uri: '/new' } }),
    paths: ['/old?q=1'],
  },
  {
    name: 'a regex path rewritten',
    rules: rule({ match: [{ uri: { regex: '/o.*' } }], rewrite: { uri: '/new' } }),
    paths: ['/old/a?q=1'],
  },
  {
    name: 'a rewrite by regex with groups',
    rules: rule({ rewrite: { uriRegexRewrite: { match: '^/shop/([^/]+)/(.*)$', rewrite: '/\\2/of/\\1' } } }),
    paths: ['/shop/7/items?x=/shop/1/2', '/other'],
  },
  {
    name: 'every occurrence of a regex',
    rules: rule({ rewrite: { uriRegexRewrite: { match: 'a', rewrite: 'bb' } } }),
    paths: ['/banana?a'],
  },
  { name: 'a rewritten host', rules: rule({ rewrite: { authority: 'other.example' } }), paths: ['/'] },
  {
    name: 'segments of an HTTPRoute taken away',
    rules: [httpRoute(prefix('/old'), replacePrefix('/'))],
    paths: ['/old', '/old/', '/old/a?q=1', '/old?q=1'],
  },
  {
    name: 'segments of an HTTPRoute replaced',
    rules: [httpRoute(prefix('/old'), replacePrefix('/new'))],
    paths: ['/old', '/old/', '/old/a?q=1'],
  },
  {
    name: 'a redirect of segments',
    rules: [httpRoute(prefix('/old'), redirectPrefix('/here'), false)],
    paths: ['/old', '/old/a?q=1'],
  },
  {
    name: 'redirects',
    rules: [
      virtualService(
        { match: [{ uri: { prefix: '/path' } }], redirect: { uri: '/moved' } },
        { match: [{ uri: { prefix: '/query' } }], redirect: { uri: '/moved?b=2' } },
        { match: [{ uri: { prefix: '/host' } }], redirect: { authority: 'other.example', redirectCode: 302 } },
        { match: [{ uri: { prefix: '/scheme' } }], redirect: { scheme: 'https', redirectCode: 307 } },
        { match: [{ uri: { prefix: '/port' } }], redirect: { port: 8443, redirectCode: 308 } },
      ),
    ],
    paths: ['/path?a=1', '/query?a=1', '/host/x?a=1', '/scheme/x', '/port/x?a'],
  },
  {
    name: 'a direct response with and without a body',
    rules: [
      virtualService(
        { match: [{ uri: { prefix: '/tea' } }], directResponse: { status: 418, body: { string: 'teapot' } } },
        { directResponse: { status: 204 } },
      ),
    ],
    paths: ['/tea', '/'],
  },
  {
    name: 'headers of a route and of its only destination',
    rules: rule({ ...headers('route'), route: [{ ...to('v1'), ...headers('destination') }] }),
    paths: ['/'],
    headers: { 'x-no-route': '1', 'x-no-destination': '1', 'x-stays': '1', 'x-added': 'client' },
  },
  {
    name: 'headers of a route and of two destinations',
    rules: rule({
      ...headers('route'),
      route: [
        { ...to('v1', 50), ...headers('destination') },
        { ...to('v1', 50), ...headers('destination') },
      ],
    }),
    paths: ['/'],
    headers: { 'x-no-route': '1', 'x-no-destination': '1', 'x-stays': '1' },
  },
  {
    name: 'a header that is set and removed by one rule',
    rules: rule({ headers: { request: { set: { 'x-odd': 'set' }, remove: ['x-odd'] } } }),
    paths: ['/'],
    headers: { 'x-odd': 'client' },
  },
  {
    name: 'a header that a route sets and its destination removes',
    rules: rule({
      headers: { request: { set: { 'x-odd': 'set' } } },
      route: [{ ...to('v1'), headers: { request: { remove: ['x-odd'] } } }],
    }),
    paths: ['/'],
    headers: { 'x-odd': 'client' },
  },
  {
    name: 'a host that a destination sets',
    rules: rule({
      route: [
        { ...to('v1', 1), headers: { request: { set: { Host: 'inside.example' } } } },
        { ...to('v1', 1), headers: { request: { set: { ':authority': 'inside.example' } } } },
      ],
    }),
    paths: ['/'],
  },
  {
    name: 'a host that a route sets',
    rules: rule({ headers: { request: { set: { Host: 'inside.example' } } } }),
    paths: ['/'],
  },
];

/** Headers that a real proxy adds of its own accord, or that change with every answer. */
const OWN = /^(x-request-id|x-envoy-|x-forwarded-|connection|date|server|content-length|keep-alive|transfer-encoding)/;
const strange = (all: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => !OWN.test(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

async function shape(start: StartPodProxy, { rules, paths, headers: sent }: Shaped): Promise<unknown[]> {
  const mesh = await ScrapedMesh.start(start, [{ name: 'shop-v1-1', version: 'v1', sidecar: true, app: echo }], rules);
  try {
    const shaped: unknown[] = [];
    for (const path of paths) {
      const { status, headers: answered, body } = await mesh.send({ path, ...(sent ? { headers: sent } : {}) });
      const arrived = body.startsWith('{') ? (JSON.parse(body) as { url: string; headers: object }) : undefined;
      shaped.push({
        path,
        status,
        answered: strange(answered),
        ...(arrived ? { url: arrived.url, arrived: strange({ ...arrived.headers }) } : { body }),
      });
    }
    return shaped;
  } finally {
    await mesh.close();
  }
}

describe.skipIf(!envoy)('requests and answers are changed alike', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test.each(SHAPED)('$name', async (shaped) => {
    if (!sidecars) return;
    const [real, own] = await Promise.all([shape(sidecars.start, shaped), shape(ownSidecars, shaped)]);
    expect(own).toEqual(real);
    compared('envoy', real.length);
  });
});
