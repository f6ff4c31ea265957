import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { renderConfigDump, summarise, summariseConfigDump } from '../../src/mesh/configDump.js';
import { compileRouter } from '../../src/mesh/router.js';
import { caller, objects, pods, virtualService } from '../support/mesh.js';
import { type Case, EVEN, NEW, NINETY_TEN, OLD, OPS, table } from '../support/meshCases.js';

const serviceOf = (name: string, selector: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: demo}
spec: {clusterIP: 10.0.0.1, selector: ${selector}, ports: [{name: http, port: 80}]}
`;
const BASE = [
  serviceOf('shop', '{app: shop}'),
  serviceOf('shop-v1', '{app: shop, version: v1}'),
  serviceOf('shop-v2', '{app: shop, version: v2}'),
  serviceOf('shop-v3', '{app: shop, version: v3}'),
].join('---');

const PARENT = '{group: "", kind: Service, name: shop, port: 80}';
interface RouteOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly created?: string;
  readonly parent?: string;
  readonly more?: string;
}
const httpRoute = (rules: string, over: RouteOptions = {}) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: ${over.name ?? 'shop'}
  namespace: ${over.namespace ?? 'demo'}
  ${over.created ? `creationTimestamp: "${over.created}"` : ''}
spec:
  parentRefs: [${over.parent ?? PARENT}]
  ${over.more ?? ''}
  rules: ${rules}
`;
const to = (version: string, weight?: number, namespace = '') =>
  `{name: shop-${version}, port: 80${namespace ? `, namespace: ${namespace}` : ''}${weight === undefined ? '' : `, weight: ${weight}`}}`;
const backends = (...refs: string[]) => `[{backendRefs: [${refs.join(', ')}]}]`;
const canary = backends(to('v1', 90), to('v2', 10));
const only = (version: string) => backends(to(version));
const mirror = (more: string) =>
  `[{backendRefs: [${to('v1')}], filters: [{type: RequestMirror, requestMirror: {backendRef: ${to('v2')}${more}}}]}]`;
const subsets = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: demo}
spec: {host: shop, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
`;
const vs = (over: Parameters<typeof virtualService>[1] = {}) =>
  `${subsets}---${virtualService('[{route: [{destination: {host: shop.demo.svc.cluster.local, subset: v2}}]}]', { hosts: '[shop.demo.svc.cluster.local]', ...over })}`;
const FROM_OPS: Pick<Case, 'from' | 'request'> = { from: OPS, request: { host: 'shop.demo' } };
const own = (yaml: string, over: Partial<Case>): Case => ({ says: '', base: BASE, yaml, ...over });

table('HTTPRoute weights', [
  own(httpRoute(canary), { says: '90/10', share: NINETY_TEN, warns: [] }),
  own(httpRoute(backends(to('v1'), to('v2'))), { says: 'both omitted are even', share: EVEN }),
  own(httpRoute(backends(to('v1', 90), to('v2'))), {
    says: '90 and omitted is 90 to 1',
    share: { v1: 90 / 91, v2: 1 / 91 },
  }),
  own(httpRoute(backends(to('v1', 75), to('v2', 20))), { says: '75/20', share: { v1: 75 / 95, v2: 20 / 95 } }),
  own(httpRoute(backends(to('v1', 100), to('v2', 0))), { says: '100/0', share: { v1: 1 } }),
  own(httpRoute(backends(to('v1', 0), to('v2', 0))), { says: 'all zero is 500', failed: { '500 -': 1 } }),
  own(httpRoute(backends(to('v1', 0))), { says: 'a single zero is 500', failed: { '500 -': 1 } }),
  own(httpRoute('[{backendRefs: []}]'), { says: 'no backend is 500', failed: { '500 -': 1 } }),
  own(httpRoute(backends(to('v1', 90), to('v9', 10))), {
    says: 'a missing Service is 500 NC for its weight',
    share: { v1: 0.9 },
    failed: { '500 NC': 0.1 },
    warns: ['HOST_UNKNOWN'],
  }),
  own(httpRoute(backends(to('v1', 90), to('v3', 10))), {
    says: 'a Service without pods is 503 UH for its weight',
    share: { v1: 0.9 },
    failed: { '503 UH': 0.1 },
    warns: ['SERVICE_WITHOUT_ENDPOINTS'],
  }),
  own(
    `${httpRoute(canary, { namespace: 'ops', parent: '{group: "", kind: Service, name: shop, namespace: demo}' }).replaceAll('shop-v1', 'shop-v1, namespace: demo').replaceAll('shop-v2', 'shop-v2, namespace: demo')}`,
    {
      says: 'a backend of another namespace needs no grant',
      ...FROM_OPS,
      share: NINETY_TEN,
    },
  ),
]);

const attached = (parent: string) => httpRoute(only('v2'), { parent });
const CONSUMER = {
  namespace: 'ops',
  parent: '{group: "", kind: Service, name: shop, namespace: demo}',
  name: 'consumer',
};
const consumer = (version: string) => httpRoute(backends(to(version, 1, 'demo')), CONSUMER);

table('HTTPRoute attachment', [
  own(attached('{kind: Service, name: shop, port: 80}'), {
    says: 'an omitted group is not attached',
    share: EVEN,
    warns: ['HTTPROUTE_NOT_ATTACHED'],
  }),
  own(attached('{group: core, kind: Service, name: shop, port: 80}'), {
    says: 'group core is not attached',
    share: EVEN,
    warns: ['HTTPROUTE_NOT_ATTACHED'],
  }),
  own(attached('{group: "", kind: Service, name: shop, port: 81}'), {
    says: 'a wrong port is not attached',
    share: EVEN,
    warns: ['HTTPROUTE_NOT_ATTACHED'],
  }),
  own(attached('{group: "", kind: Service, name: shp, port: 80}'), {
    says: 'an unknown Service is not attached',
    share: EVEN,
    warns: ['HTTPROUTE_NOT_ATTACHED'],
  }),
  own(attached('{group: "", kind: Service, name: shop}'), { says: 'an omitted port is every port', share: { v2: 1 } }),
  own(httpRoute(only('v2'), { more: 'hostnames: [else.example.com]' }), {
    says: 'hostnames are ignored',
    share: { v2: 1 },
  }),
  own(consumer('v2'), { says: 'a route of the client namespace acts there', ...FROM_OPS, share: { v2: 1 } }),
  own(consumer('v2'), { says: 'and nowhere else', share: EVEN }),
  own(`${httpRoute(only('v1'))}---${consumer('v2')}`, {
    says: 'it beats the route of the Service namespace',
    ...FROM_OPS,
    share: { v2: 1 },
  }),
  own(`${httpRoute(only('v1'))}---${consumer('v2')}`, { says: 'which still acts on others', share: { v1: 1 } }),
]);

table('HTTPRoute beside a VirtualService', [
  own(`${httpRoute(only('v1'), { created: NEW })}---${vs({ created: OLD })}`, {
    says: 'in the namespace of the HTTPRoute it wins at any age',
    share: { v1: 1 },
    warns: ['DUPLICATE_ROUTE'],
  }),
  own(`${httpRoute(only('v1'), { created: NEW })}---${vs({ created: OLD })}`, {
    says: 'elsewhere the older VirtualService wins',
    ...FROM_OPS,
    share: { v2: 1 },
  }),
  own(`${httpRoute(only('v1'), { created: OLD })}---${vs({ created: NEW })}`, {
    says: 'elsewhere the older HTTPRoute wins',
    ...FROM_OPS,
    share: { v1: 1 },
  }),
  own(
    `${httpRoute(only('v1'), { created: OLD })}---${vs({ created: NEW, namespace: 'ops', more: 'exportTo: ["."]' })}`,
    {
      says: 'a private VirtualService of the client namespace beats the HTTPRoute',
      ...FROM_OPS,
      share: { v2: 1 },
    },
  ),
]);

const header = (value: string, version: string) =>
  `{matches: [{headers: [{name: X, value: "${value}"}]}], backendRefs: [${to(version)}]}`;
const path = (type: string, value: string, version: string) =>
  `{matches: [{path: {type: ${type}, value: ${JSON.stringify(value)}}}], backendRefs: [${to(version)}]}`;
const at = (where: string, headers: Record<string, string> = {}): Pick<Case, 'request'> => ({
  request: { path: where, headers },
});
const merged = [
  httpRoute(`[{backendRefs: [${to('v1')}]}]`, { name: 'plain', created: OLD }),
  httpRoute(`[${header('1', 'v2')}]`, { name: 'header', created: NEW }),
].join('---');

table('HTTPRoute precedence', [
  own(merged, {
    says: 'two routes are merged, the narrower first although younger',
    ...at('/', { x: '1' }),
    share: { v2: 1 },
  }),
  own(merged, { says: 'the other takes the rest', share: { v1: 1 } }),
  own(
    [httpRoute(only('v1'), { name: 'a', created: NEW }), httpRoute(only('v2'), { name: 'b', created: OLD })].join(
      '---',
    ),
    {
      says: 'of equal matches the older wins',
      share: { v2: 1 },
      warns: ['RULE_UNREACHABLE'],
    },
  ),
  own(httpRoute(`[${path('PathPrefix', '/', 'v1')}, ${path('PathPrefix', '/a', 'v2')}]`), {
    says: 'the longer prefix wins whatever the order',
    ...at('/a/b'),
    share: { v2: 1 },
  }),
  own(httpRoute(`[${path('PathPrefix', '/', 'v1')}, ${path('PathPrefix', '/a', 'v2')}]`), {
    says: 'a prefix ends at a segment',
    ...at('/ab'),
    share: { v1: 1 },
  }),
  own(httpRoute(`[${path('PathPrefix', '/a/', 'v2')}, ${path('PathPrefix', '/', 'v1')}]`), {
    says: 'a trailing slash says nothing',
    ...at('/a'),
    share: { v2: 1 },
  }),
  own(httpRoute(`[${path('PathPrefix', '/aaa', 'v1')}, ${path('Exact', '/aaa', 'v2')}]`), {
    says: 'an exact path beats a prefix',
    ...at('/aaa'),
    share: { v2: 1 },
  }),
  own(httpRoute(`[${path('RegularExpression', '/a.*', 'v1')}, ${path('PathPrefix', '/a', 'v2')}]`), {
    says: 'a prefix beats a regular expression',
    ...at('/a'),
    share: { v2: 1 },
  }),
  own(httpRoute(`[${header('1', 'v2')}]`), { says: 'no match is 404', failed: { '404 NR': 1 } }),
]);

table('HTTPRoute mirrors', [
  own(httpRoute(mirror('')), { says: 'unset is every request', share: { v1: 1 }, mirrored: { v2: 1 } }),
  own(httpRoute(mirror(', percent: 20')), { says: '20 %', share: { v1: 1 }, mirrored: { v2: 0.2 } }),
  own(httpRoute(mirror(', percent: 0')), { says: '0 is none', share: { v1: 1 }, mirrored: {} }),
  own(httpRoute(mirror(', fraction: {numerator: 1, denominator: 3}')), {
    says: 'a third',
    share: { v1: 1 },
    mirrored: { v2: 0.333333 },
  }),
]);

const configOf = (rules: string) =>
  compileProxyConfig(
    [...objects([BASE, httpRoute(rules)].join('---')), ...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1)],
    caller(),
  );
const first = (more: string) =>
  compileRouter(configOf(`[{backendRefs: [${to('v1')}], ${more}}]`)).match(80, 'shop', 'GET', '/', {})!.route;

describe('HTTPRoute timeouts and retries', () => {
  it('without a retry the backend timeout is the route timeout', () => {
    const { timeout, retries } = first('timeouts: {request: 3s, backendRequest: 1s}');
    expect([timeout, retries.perTryTimeout, retries.attempts]).toEqual([1000, undefined, 2]);
  });
  it('with a retry it is that of each attempt', () => {
    const { timeout, retries } = first('timeouts: {request: 3s, backendRequest: 1s}, retry: {attempts: 2}');
    expect([timeout, retries.perTryTimeout, retries.attempts]).toEqual([3000, 1000, 2]);
  });
  it('codes are added to the default conditions', () => {
    const { retries } = first('retry: {attempts: 3, codes: [500, 503]}');
    expect([retries.attempts, retries.statusCodes]).toEqual([3, [500, 503]]);
    expect(retries.retryOn).toEqual([
      'connect-failure',
      'refused-stream',
      'unavailable',
      'cancelled',
      'retriable-status-codes',
    ]);
  });
});

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
