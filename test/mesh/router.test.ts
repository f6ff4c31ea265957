import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { compileRouter, routeFor } from '../../src/mesh/router.js';
import { caller, objects, pod, SERVICE, SUBSETS, virtualService } from '../support/mesh.js';

const routed = (http: string) => {
  const config = compileProxyConfig(
    [...objects([SERVICE, SUBSETS, virtualService(http)].join('---')), pod('shop', 'v1'), pod('shop', 'v2')],
    caller(),
  );
  return compileRouter(config);
};

const to = (subset: string) => `route: [{destination: {host: shop, subset: ${subset}}}]`;

describe('first match', () => {
  const cases: [
    string,
    string,
    { method?: string; path?: string; headers?: Record<string, string>; host?: string },
    number | undefined,
  ][] = [
    ['a rule without match takes everything', `[{${to('v1')}}]`, {}, 0],
    [
      'the first matching rule wins',
      `[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}, {${to('v1')}}]`,
      { headers: { x: '1' } },
      0,
    ],
    [
      'the next rule takes what the first leaves',
      `[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}, {${to('v1')}}]`,
      { headers: { x: '2' } },
      1,
    ],
    [
      'entries of one match list are alternatives',
      `[{match: [{method: {exact: PUT}}, {method: {exact: GET}}], ${to('v2')}}]`,
      {},
      0,
    ],
    [
      'conditions of one entry hold together',
      `[{match: [{method: {exact: GET}, headers: {x: {exact: "1"}}}], ${to('v2')}}]`,
      {},
      undefined,
    ],
    ['a prefix is a plain string prefix', `[{match: [{uri: {prefix: /foo}}], ${to('v2')}}]`, { path: '/foobar' }, 0],
    [
      'the prefix /foo/ does not take /foo',
      `[{match: [{uri: {prefix: /foo/}}], ${to('v2')}}]`,
      { path: '/foo' },
      undefined,
    ],
    ['an exact path ignores the query', `[{match: [{uri: {exact: /foo}}], ${to('v2')}}]`, { path: '/foo?a=1' }, 0],
    [
      'a regex takes the whole path',
      `[{match: [{uri: {regex: "/f.o"}}], ${to('v2')}}]`,
      { path: '/foo/bar' },
      undefined,
    ],
    ['a regex ignores the query', `[{match: [{uri: {regex: "/f.o"}}], ${to('v2')}}]`, { path: '/foo?x' }, 0],
    [
      'ignoreUriCase folds exact paths',
      `[{match: [{uri: {exact: /Foo}, ignoreUriCase: true}], ${to('v2')}}]`,
      { path: '/fOO' },
      0,
    ],
    [
      'an empty header condition means presence',
      `[{match: [{headers: {x: {}}}], ${to('v2')}}]`,
      { headers: { x: '' } },
      0,
    ],
    ['presence fails without the header', `[{match: [{headers: {x: {}}}], ${to('v2')}}]`, {}, undefined],
    [
      'a missing header satisfies withoutHeaders exact',
      `[{match: [{withoutHeaders: {x: {exact: "1"}}}], ${to('v2')}}]`,
      {},
      0,
    ],
    [
      'withoutHeaders refuses its value',
      `[{match: [{withoutHeaders: {x: {exact: "1"}}}], ${to('v2')}}]`,
      { headers: { x: '1' } },
      undefined,
    ],
    [
      'an empty withoutHeaders condition means absence',
      `[{match: [{withoutHeaders: {x: {}}}], ${to('v2')}}]`,
      { headers: { x: '' } },
      undefined,
    ],
    [
      'a query parameter is compared exactly',
      `[{match: [{queryParams: {v: {exact: "2"}}}], ${to('v2')}}]`,
      { path: '/?a=b&v=2' },
      0,
    ],
    ['an empty query condition means presence', `[{match: [{queryParams: {v: {}}}], ${to('v2')}}]`, { path: '/?v' }, 0],
    [
      'the authority is compared with its port',
      `[{match: [{authority: {exact: "shop:80"}}], ${to('v2')}}]`,
      { host: 'shop:80' },
      0,
    ],
    ['the port in the Host header does not choose the virtual host', `[{${to('v2')}}]`, { host: 'SHOP.demo:1234' }, 0],
    ['a rule for another port is not compiled', `[{match: [{port: 81}], ${to('v2')}}, {${to('v1')}}]`, {}, 0],
    ['another host is no route', `[{${to('v2')}}]`, { host: 'other' }, undefined],
  ];
  it.each(cases)('%s', (_sentence, http, request, expected) => {
    const found = routed(http).match(
      80,
      request.host ?? 'shop',
      request.method ?? 'GET',
      request.path ?? '/',
      request.headers ?? {},
    );
    expect(found?.virtualHost.routes.indexOf(found.route)).toBe(expected);
  });

  it('answers a hostile pattern in linear time', () => {
    const router = routed(`[{match: [{uri: {regex: "/(a+)+b"}}], ${to('v2')}}, {${to('v1')}}]`);
    const found = router.match(80, 'shop', 'GET', `/${'a'.repeat(5000)}`, {});
    expect(found?.route.field).toBe('spec.http[1]');
  });

  it('for a single request there is no need of a router', () => {
    const config = compileProxyConfig([...objects([SERVICE, SUBSETS].join('---')), pod('shop', 'v1')], caller());
    const request = { port: 80, host: 'shop', method: 'GET', path: '/', headers: {} };
    expect(routeFor(config, request)?.virtualHost.name).toBe('shop.demo.svc.cluster.local:80');
    expect(routeFor(config, { ...request, host: 'other' })).toBeUndefined();
  });
});
