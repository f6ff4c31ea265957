import { virtualService } from '../../support/mesh.js';
import { type Case, EVEN, NEW, NINETY_TEN, OLD, OPS, type Table } from '../../support/meshCases.js';
import type { RoutePolicy } from '../../support/routePolicy.js';

const serviceOf = (name: string, selector: string, index: number) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: demo}
spec: {clusterIP: 10.0.0.${index}, selector: ${selector}, ports: [{name: http, port: 80}]}
`;
export const BASE = [
  serviceOf('shop', '{app: shop}', 1),
  serviceOf('shop-v1', '{app: shop, version: v1}', 2),
  serviceOf('shop-v2', '{app: shop, version: v2}', 3),
  serviceOf('shop-v3', '{app: shop, version: v3}', 4),
].join('---');

const PARENT = '{group: "", kind: Service, name: shop, port: 80}';
export interface RouteOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly created?: string;
  readonly parent?: string;
  readonly more?: string;
}
export const httpRoute = (rules: string, over: RouteOptions = {}) => `
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
export const to = (version: string, weight?: number, namespace = '') =>
  `{name: shop-${version}, port: 80${namespace ? `, namespace: ${namespace}` : ''}${weight === undefined ? '' : `, weight: ${weight}`}}`;
const externalName = (ports: string) =>
  `\napiVersion: v1\nkind: Service\nmetadata: {name: next, namespace: demo}\nspec: {type: ExternalName, externalName: shop-v2.demo.svc.cluster.local${ports}}\n`;
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

export const httpRouteWeights: Table = {
  title: 'Gateway API (mesh): weights',
  cases: [
    own(httpRoute(canary), { says: '90/10: 90/10', share: NINETY_TEN, warns: [] }),
    own(httpRoute(backends(to('v1'), to('v2'))), { says: 'both omitted: 50/50', share: EVEN }),
    own(httpRoute(backends(to('v1', 90), to('v2'))), {
      says: '90/omitted: 98.9/1.1',
      share: { v1: 90 / 91, v2: 1 / 91 },
    }),
    own(httpRoute(backends(to('v1', 75), to('v2', 20))), {
      says: '75/20: 78.9/21.1',
      share: { v1: 75 / 95, v2: 20 / 95 },
    }),
    own(httpRoute(backends(to('v1', 100), to('v2', 0))), { says: '100/0: 100/0', share: { v1: 1 } }),
    own(httpRoute(backends(to('v1', 0), to('v2', 0))), {
      says: 'all zero: 500 (direct response)',
      failed: { '500 -': 1 },
    }),
    own(httpRoute(backends(to('v1', 0))), { says: 'single 0: 500 (direct response)', failed: { '500 -': 1 } }),
    own(httpRoute('[{backendRefs: []}]'), { says: 'no backendRefs: 500 (direct response)', failed: { '500 -': 1 } }),
    own(`${httpRoute(backends('{name: next, port: 80}'))}---${externalName(', ports: [{name: http, port: 80}]')}`, {
      says: 'a backend that is an ExternalName with the port called leads to the Service that it stands for',
      share: { v2: 1 },
    }),
    own(`${httpRoute(backends('{name: next, port: 80}'))}---${externalName('')}`, {
      says: 'a backend that is an ExternalName without that port is no cluster',
      failed: { '500 NC': 1 },
    }),
    own(httpRoute(backends(to('v1', 90), to('v9', 10))), {
      says: 'backend Service missing: for its weight 500 NC',
      share: { v1: 0.9 },
      failed: { '500 NC': 0.1 },
      warns: ['HOST_UNKNOWN'],
    }),
    own(httpRoute(backends(to('v1', 90), to('v3', 10))), {
      says: 'backend Service has no pods: for its weight 503 UH',
      share: { v1: 0.9 },
      failed: { '503 UH': 0.1 },
      warns: ['SERVICE_WITHOUT_ENDPOINTS'],
    }),
    own(
      `${httpRoute(canary, { namespace: 'ops', parent: '{group: "", kind: Service, name: shop, namespace: demo}' }).replaceAll('shop-v1', 'shop-v1, namespace: demo').replaceAll('shop-v2', 'shop-v2, namespace: demo')}`,
      {
        says: 'backend in another namespace, no ReferenceGrant: allowed on mesh routes',
        ...FROM_OPS,
        share: NINETY_TEN,
      },
    ),
  ],
};

const attached = (parent: string) => httpRoute(only('v2'), { parent });
const CONSUMER = {
  namespace: 'ops',
  parent: '{group: "", kind: Service, name: shop, namespace: demo}',
  name: 'consumer',
};
const consumer = (version: string) => httpRoute(backends(to(version, 1, 'demo')), CONSUMER);

export const httpRouteAttachment: Table = {
  title: 'Gateway API (mesh): attachment',
  cases: [
    own(attached('{kind: Service, name: shop, port: 80}'), {
      says: 'parentRef group omitted: not attached, plain balancing',
      share: EVEN,
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    }),
    own(attached('{group: core, kind: Service, name: shop, port: 80}'), {
      says: 'parentRef group core: not attached, plain balancing',
      share: EVEN,
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    }),
    own(attached('{group: "", kind: Service, name: shop, port: 81}'), {
      says: 'parentRef wrong port: not attached, plain balancing',
      share: EVEN,
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    }),
    own(attached('{group: "", kind: Service, name: shp, port: 80}'), {
      says: 'parentRef unknown Service: not attached, plain balancing',
      share: EVEN,
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    }),
    own(attached('{group: "", kind: Service, name: shop}'), {
      says: 'parentRef port omitted: every port',
      share: { v2: 1 },
    }),
    own(httpRoute(only('v2'), { more: 'hostnames: [else.example.com]' }), {
      says: 'hostnames ignored',
      share: { v2: 1 },
    }),
    own(consumer('v2'), {
      says: "route in the client's namespace on a foreign Service: clients there",
      ...FROM_OPS,
      share: { v2: 1 },
    }),
    own(consumer('v2'), {
      says: "route in the client's namespace on a foreign Service: only clients there",
      share: EVEN,
    }),
    own(`${httpRoute(only('v1'))}---${consumer('v2')}`, {
      says: "route in the client's namespace on a foreign Service: beats the producer's route",
      ...FROM_OPS,
      share: { v2: 1 },
    }),
    own(`${httpRoute(only('v1'))}---${consumer('v2')}`, {
      says: "route in the client's namespace on a foreign Service: the producer's route acts on others",
      share: { v1: 1 },
    }),
    own(attached('{group: "", kind: Service, name: shop}'), {
      says: 'parentRef port omitted: every port, a second one too',
      base: BASE.replace(
        'ports: [{name: http, port: 80}]',
        'ports: [{name: http, port: 80}, {name: http-b, port: 81}]',
      ),
      request: { port: 81 },
      share: { v2: 1 },
    }),
    own(attached('{group: "", kind: Service, name: shop, port: 80}'), {
      says: 'parentRef port 80: no other port',
      base: BASE.replace(
        'ports: [{name: http, port: 80}]',
        'ports: [{name: http, port: 80}, {name: http-b, port: 81}]',
      ),
      request: { port: 81 },
      share: EVEN,
    }),
  ],
};

export const besideVirtualService: Table = {
  title: 'Gateway API (mesh): HTTPRoute and VS on one Service',
  cases: [
    own(`${httpRoute(only('v1'), { created: NEW })}---${vs({ created: OLD })}`, {
      says: "HTTPRoute and VS on one Service: client in the HTTPRoute's namespace: HTTPRoute wins at any age",
      share: { v1: 1 },
      warns: ['DUPLICATE_ROUTE'],
    }),
    own(`${httpRoute(only('v1'), { created: NEW })}---${vs({ created: OLD })}`, {
      says: 'HTTPRoute and VS on one Service: client elsewhere: the older, the VS',
      ...FROM_OPS,
      share: { v2: 1 },
    }),
    ...(
      [
        ['the HTTPRoute of namespace demo before the VS shop', 'shop', { v1: 1 }],
        ['the VS canary before the HTTPRoute of namespace demo', 'canary', { v2: 1 }],
      ] as const
    ).map(([says, name, share]) =>
      own(`${httpRoute(only('v1'), { name: 'route', created: OLD })}---${vs({ name, created: OLD })}`, {
        says: `HTTPRoute and VS on one Service, of one second: client elsewhere: ${says}`,
        ...FROM_OPS,
        share,
      }),
    ),
    own(`${httpRoute(only('v1'), { created: OLD })}---${vs({ created: NEW })}`, {
      says: 'HTTPRoute and VS on one Service: client elsewhere: the older, the HTTPRoute',
      ...FROM_OPS,
      share: { v1: 1 },
    }),
    own(
      `${httpRoute(only('v1'), { created: OLD })}---${vs({ created: NEW, namespace: 'ops', more: 'exportTo: ["."]' })}`,
      {
        says: "HTTPRoute and VS on one Service: a VS with exportTo . in the client's namespace beats the HTTPRoute",
        ...FROM_OPS,
        share: { v2: 1 },
      },
    ),
    own(`${consumer('v1')}---${vs({ created: NEW, more: 'exportTo: [ops]' })}`, {
      says: "HTTPRoute and VS on one Service: a VS exported to the client's namespace beats the HTTPRoute of that namespace",
      ...FROM_OPS,
      share: { v2: 1 },
    }),
  ],
};

export const header = (value: string, version: string) =>
  `{matches: [{headers: [{name: X, value: "${value}"}]}], backendRefs: [${to(version)}]}`;
export const path = (type: string, value: string, version: string) =>
  `{matches: [{path: {type: ${type}, value: ${JSON.stringify(value)}}}], backendRefs: [${to(version)}]}`;
const at = (where: string, headers: Record<string, string> = {}): Pick<Case, 'request'> => ({
  request: { path: where, headers },
});
const merged = [
  httpRoute(`[{backendRefs: [${to('v1')}]}]`, { name: 'plain', created: OLD }),
  httpRoute(`[${header('1', 'v2')}]`, { name: 'header', created: NEW }),
].join('---');

export const httpRoutePrecedence: Table = {
  title: 'Gateway API (mesh): several routes',
  cases: [
    own(merged, {
      says: 'two routes, one Service: merged by precedence, the narrower first although younger',
      ...at('/', { x: '1' }),
      share: { v2: 1 },
    }),
    own(merged, { says: 'two routes, one Service: merged by precedence, the other takes the rest', share: { v1: 1 } }),
    own(
      [httpRoute(only('v1'), { name: 'a', created: NEW }), httpRoute(only('v2'), { name: 'b', created: OLD })].join(
        '---',
      ),
      {
        says: 'two routes, one Service: equal matches: older',
        share: { v2: 1 },
        warns: ['RULE_UNREACHABLE'],
      },
    ),
    own(
      [httpRoute(only('v1'), { created: OLD }), httpRoute(only('v2'), { name: 'shop-canary', created: OLD })].join(
        '---',
      ),
      { says: 'two routes, one Service: equal matches of one second: shop-canary before shop', share: { v2: 1 } },
    ),
    own(httpRoute(`[${path('PathPrefix', '/', 'v1')}, ${path('PathPrefix', '/a', 'v2')}]`), {
      says: 'rules of one route: list order irrelevant, the longer prefix wins',
      ...at('/a/b'),
      share: { v2: 1 },
    }),
    own(httpRoute(`[${path('PathPrefix', '/', 'v1')}, ${path('PathPrefix', '/a', 'v2')}]`), {
      says: 'prefix by path segment: /a does not take /ab',
      ...at('/ab'),
      share: { v1: 1 },
    }),
    own(httpRoute(`[${path('PathPrefix', '/a/', 'v2')}, ${path('PathPrefix', '/', 'v1')}]`), {
      says: 'prefix by path segment: a trailing slash says nothing',
      ...at('/a'),
      share: { v2: 1 },
    }),
    own(httpRoute(`[${path('PathPrefix', '/aaa', 'v1')}, ${path('Exact', '/aaa', 'v2')}]`), {
      says: 'precedence: an exact path beats a prefix',
      ...at('/aaa'),
      share: { v2: 1 },
    }),
    own(httpRoute(`[${path('RegularExpression', '/a.*', 'v1')}, ${path('PathPrefix', '/a', 'v2')}]`), {
      says: 'precedence: a prefix beats a regular expression',
      ...at('/a'),
      share: { v2: 1 },
    }),
    own(httpRoute(`[${header('1', 'v2')}]`), { says: 'no match 404', failed: { '404 NR': 1 } }),
  ],
};

export const httpRouteMirrors: Table = {
  title: 'Gateway API (mesh): RequestMirror',
  cases: [
    own(httpRoute(mirror('')), { says: 'RequestMirror unset: 100', share: { v1: 1 }, mirrored: { v2: 1 } }),
    own(httpRoute(mirror(', percent: 20')), { says: 'RequestMirror 20: 20', share: { v1: 1 }, mirrored: { v2: 0.2 } }),
    own(httpRoute(mirror(', percent: 0')), { says: 'RequestMirror 0: none', share: { v1: 1 }, mirrored: {} }),
    own(httpRoute(mirror(', fraction: {numerator: 1, denominator: 3}')), {
      says: 'RequestMirror 1 of 3: 33.3333 %',
      share: { v1: 1 },
      mirrored: { v2: 0.333333 },
    }),
  ],
};

const timed = (says: string, rule: string, policy: Partial<RoutePolicy>): Case =>
  own(httpRoute(`[{backendRefs: [${to('v1')}], ${rule}}]`), { says, share: { v1: 1 }, policy });

export const httpRoutePolicies: Table = {
  title: 'Gateway API (mesh): timeouts and retry',
  cases: [
    timed(
      'timeouts {request: 3s, backendRequest: 1s}: route timeout 1s, no perTryTimeout',
      'timeouts: {request: 3s, backendRequest: 1s}',
      {
        timeoutMs: 1000,
        perTryMs: 0,
        retries: 2,
      },
    ),
    timed(
      'timeouts {request: 3s, backendRequest: 1s} with retry {attempts: 2}: 3s, perTryTimeout 1s',
      'timeouts: {request: 3s, backendRequest: 1s}, retry: {attempts: 2}',
      { timeoutMs: 3000, perTryMs: 1000, retries: 2 },
    ),
    timed(
      'retry {attempts: 3, codes: [500, 503]}: default retryOn plus the codes',
      'retry: {attempts: 3, codes: [500, 503]}',
      {
        retries: 3,
        retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes,500,503',
      },
    ),
    own(httpRoute(canary), {
      says: 'default retries on every route, HTTPRoute too: numRetries 2, no timeout',
      share: NINETY_TEN,
      policy: {
        timeoutMs: 0,
        retries: 2,
        retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
      },
    }),
  ],
};
