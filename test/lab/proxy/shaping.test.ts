import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { locationOf } from '../../../src/lab/proxy/redirect.js';
import { matchedPrefix, rewritePath } from '../../../src/mesh/rewrite.js';
import type { Redirect, Rewrite, RouteMatch, StringMatch } from '../../../src/mesh/types.js';
import { SERVICE_PORT, subsets, TestMesh, to, virtualService } from '../../support/labMesh.js';

const echo: RequestListener = (request, response) => {
  response.setHeader('x-app', 'echo');
  response.end(JSON.stringify({ url: request.url, headers: request.headers }));
};

const by = (kind: StringMatch['kind'], value: string): RouteMatch => ({
  path: { kind, value },
  headers: [],
  query: [],
});

test.each<[string, RouteMatch | undefined, string | undefined, Rewrite, string, string]>([
  ['a prefix is replaced, segment or not', by('prefix', '/old'), undefined, { uri: '/new' }, '/olds?q=1', '/news?q=1'],
  ['without a condition the prefix is a slash', undefined, 'VirtualService/d/s', { uri: '/new' }, '/a?q', '/newa?q'],
  ['an exact match is replaced whole', by('exact', '/old'), undefined, { uri: '/new' }, '/old?q=1', '/new?q=1'],
  ['and so is a regex match', by('regex', '/o.*'), undefined, { uri: '/new' }, '/old/a?q=1', '/new?q=1'],
  ['segments are joined by one slash', by('segment-prefix', '/old'), undefined, { uri: '/' }, '/old/a?q', '/a?q'],
  ['a path that is the segment itself', by('segment-prefix', '/old'), undefined, { uri: '/' }, '/old?q', '/?q'],
  ['the end of a replacement counts once', by('segment-prefix', '/o'), undefined, { uri: '/n/' }, '/o/a', '/n/a'],
  ['an HTTPRoute without path keeps the slash', undefined, 'HTTPRoute/d/s', { uri: '/new' }, '/a', '/new/a'],
  [
    'groups of a regex move',
    by('prefix', '/'),
    undefined,
    { regex: { pattern: '^/shop/([^/]+)/(.*)$', substitution: '/\\2/of/\\1' } },
    '/shop/7/items?x=/shop/1/2',
    '/items/of/7?x=/shop/1/2',
  ],
  [
    'every occurrence is replaced, and a double backslash is one',
    by('prefix', '/'),
    undefined,
    { regex: { pattern: 'a', substitution: '\\\\' } },
    '/banana?a',
    '/b\\n\\n\\?a',
  ],
  [
    'a whole path is replaced by a regex',
    by('prefix', '/'),
    undefined,
    { regex: { pattern: '/.*', substitution: '/x' } },
    '/a/b?q',
    '/x?q',
  ],
  [
    'what is no RE2 rewrites nothing',
    by('prefix', '/'),
    undefined,
    { regex: { pattern: '(?=a)', substitution: 'x' } },
    '/a',
    '/a',
  ],
  [
    'a group that the pattern lacks is empty',
    by('prefix', '/'),
    undefined,
    { regex: { pattern: 'a', substitution: '<\\1>' } },
    '/a',
    '/<>',
  ],
])('rewrite: %s', (_sentence, match, source, rewrite, path, expected) => {
  expect(rewritePath(path, rewrite, matchedPrefix(match, source))).toBe(expected);
});

test.each<[string, Partial<Redirect>, RouteMatch, string, string]>([
  ['nothing named, nothing changed', {}, by('prefix', '/'), '/a?b', 'http://shop:8000/a?b'],
  ['a new path keeps the query', { uri: '/new' }, by('prefix', '/'), '/a?b', 'http://shop:8000/new?b'],
  ['unless it has one', { uri: '/new?c' }, by('prefix', '/'), '/a?b', 'http://shop:8000/new?c'],
  ['only the prefix', { prefix: '/new' }, by('segment-prefix', '/old'), '/old/a?b', 'http://shop:8000/new/a?b'],
  ['another scheme keeps an unusual port', { scheme: 'https' }, by('prefix', '/'), '/', 'https://shop:8000/'],
  ['a port', { port: 8443 }, by('prefix', '/'), '/', 'http://shop:8443/'],
  [
    'host, scheme and port',
    { authority: 'new.example', scheme: 'https', port: 444 },
    by('prefix', '/'),
    '/a',
    'https://new.example:444/a',
  ],
])('redirect: %s', (_sentence, fields, match, path, expected) => {
  const redirect = { kind: 'redirect' as const, status: 302, ...fields };
  expect(locationOf(redirect, 'shop:8000', path, matchedPrefix(match, undefined))).toBe(expected);
});

test('redirect: the default port of the old scheme goes with it', () => {
  const redirect = { kind: 'redirect' as const, status: 301, scheme: 'https' };
  expect(locationOf(redirect, 'shop:80', '/', undefined)).toBe('https://shop/');
});

async function withMesh(rules: KubeObject[], use: (mesh: TestMesh) => Promise<void>): Promise<void> {
  const pods = [{ name: 'shop-v1-1', version: 'v1', sidecar: true, app: echo }];
  const mesh = await TestMesh.start(pods, rules);
  try {
    await use(mesh);
  } finally {
    await mesh.close();
  }
}

test('a regex rewrite of a VirtualService arrives at the application', async () => {
  const rule = {
    match: [{ uri: { prefix: '/v' } }],
    rewrite: { uriRegexRewrite: { match: '^/v(\\d+)/(.*)$', rewrite: '/\\2?api=\\1' } },
    route: [to('v1')],
  };
  await withMesh([subsets(), virtualService(rule)], async (mesh) => {
    expect(JSON.parse((await mesh.send({ path: '/v2/cars' })).body).url).toBe('/cars?api=2');
  });
});

test('a redirect of a VirtualService names scheme, host and port', async () => {
  const rule = { redirect: { scheme: 'https', authority: 'other.example', port: 8443, redirectCode: 308 } };
  await withMesh([virtualService(rule)], async (mesh) => {
    const answer = await mesh.send({ path: '/a?b=1' });
    expect([answer.status, answer.headers.location]).toEqual([308, 'https://other.example:8443/a?b=1']);
  });
});

test('an HTTPRoute rewrites segments and changes headers', async () => {
  const route: KubeObject = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'shop', namespace: 'demo' },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 'shop' }],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/old' } }],
          filters: [
            { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
            { type: 'RequestHeaderModifier', requestHeaderModifier: { add: [{ name: 'x-route', value: 'r' }] } },
          ],
          backendRefs: [{ name: 'shop', port: SERVICE_PORT }],
        },
        {
          matches: [{ path: { type: 'PathPrefix', value: '/gone' } }],
          filters: [
            {
              type: 'RequestRedirect',
              requestRedirect: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/here' }, statusCode: 302 },
            },
          ],
        },
      ],
    },
  };
  await withMesh([route], async (mesh) => {
    const seen = JSON.parse((await mesh.send({ path: '/old/a?q=1' })).body);
    expect(seen.url).toBe('/a?q=1');
    expect(seen.headers).toMatchObject({ 'x-route': 'r' });
    const answer = await mesh.send({ path: '/gone/a?q=1' });
    expect(answer.headers.location).toContain('/here/a?q=1');
  });
});

const headers = (name: string) => ({
  headers: {
    request: { set: { 'x-both': name, [`x-${name}`]: '1' }, remove: [`x-no-${name}`] },
    response: { add: { [`x-from-${name}`]: '1' }, set: { 'x-by': name } },
  },
});

test.each([
  ['a single destination has the last word', false, 'destination'],
  ['of several destinations each speaks before the route', true, 'route'],
])('headers of route and destination: %s', async (_sentence, several, winner) => {
  const other = several ? [{ ...to('v1', 50), ...headers('destination') }] : [];
  const rule = {
    ...headers('route'),
    route: [{ ...to('v1', 50), ...headers('destination') }, ...other],
  };
  await withMesh([subsets(), virtualService(rule)], async (mesh) => {
    const answer = await mesh.send({ headers: { 'x-no-route': '1', 'x-no-destination': '1', 'x-stays': '1' } });
    const seen = JSON.parse(answer.body).headers;
    expect(seen).toMatchObject({ 'x-both': winner, 'x-route': '1', 'x-destination': '1', 'x-stays': '1' });
    expect(Object.keys(seen).filter((name) => name.startsWith('x-no-'))).toEqual([]);
    expect(answer.headers).toMatchObject({ 'x-by': winner, 'x-from-route': '1', 'x-from-destination': '1' });
  });
});

test('headers of a destination go only where it is drawn, and `Host` of a route is the host that arrives', async () => {
  const rule = {
    headers: { request: { set: { Host: 'inside.example' } } },
    route: [
      { ...to('v1', 1), headers: { request: { set: { 'x-drawn': 'one' } } } },
      { ...to('v1', 1), headers: { request: { set: { 'x-drawn': 'two' } } } },
    ],
  };
  await withMesh([subsets(), virtualService(rule)], async (mesh) => {
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const { headers: arrived } = JSON.parse((await mesh.send()).body);
      expect(arrived.host).toBe('inside.example');
      seen.add(arrived['x-drawn']);
    }
    expect([...seen].sort()).toEqual(['one', 'two']);
  });
});
