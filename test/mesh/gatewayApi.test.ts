import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { renderConfigDump, summarise, summariseConfigDump } from '../../src/mesh/configDump.js';
import { compileRouter } from '../../src/mesh/router.js';
import { caller, objects, pods } from '../support/mesh.js';
import { BASE, header, httpRoute, path, to } from './rows/gatewayApi.js';

const configOf = (rules: string) =>
  compileProxyConfig(
    [...objects([BASE, httpRoute(rules)].join('---')), ...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1)],
    caller(),
  );
const first = (more: string) =>
  compileRouter(configOf(`[{backendRefs: [${to('v1')}], ${more}}]`)).match(80, 'shop', 'GET', '/', {})!.route;

describe('HTTPRoute filters', () => {
  it('headers, redirects and rewrites are read', () => {
    const changed = first(
      'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}], remove: [c]}}]',
    );
    expect(changed.requestHeaders).toEqual({ set: { a: 'b' }, add: {}, remove: ['c'] });
    const moved = first(
      'filters: [{type: RequestRedirect, requestRedirect: {hostname: n.example.com, statusCode: 301}}]',
    );
    expect(moved.action).toEqual({ kind: 'redirect', status: 301, authority: 'n.example.com' });
    const rewritten = first(
      'filters: [{type: URLRewrite, urlRewrite: {hostname: h, path: {type: ReplacePrefixMatch, replacePrefixMatch: /n}}}]',
    );
    expect(rewritten.rewrite).toEqual({ authority: 'h', uri: '/n' });
  });
});

it('a dump of HTTPRoutes summarises as the configuration', () => {
  const config = configOf(
    `[${header('1', 'v2')}, ${path('PathPrefix', '/a', 'v2')}, {backendRefs: [${to('v1', 90)}, ${to('v2', 10)}]}]`,
  );
  const fqdn = 'shop.demo.svc.cluster.local';
  expect(summariseConfigDump(JSON.parse(JSON.stringify(renderConfigDump(config))), fqdn)).toEqual(
    summarise(config, fqdn),
  );
});
