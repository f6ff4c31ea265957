import { SERVICE } from '../../support/mesh.js';
import { NEW, OLD, type Table } from '../../support/meshCases.js';

const versionService = (version: string) =>
  SERVICE.replace('{name: shop,', `{name: shop-${version},`)
    .replace('app: shop', `app: shop, version: ${version}`)
    .replace('10.0.0.1', `10.0.1.${version.slice(1)}`);
const BASE = [SERVICE, versionService('v1'), versionService('v2')].join('---');
const gateway = (listener: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: demo}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP${listener}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-istio, namespace: demo, labels: {gateway.networking.k8s.io/gateway-name: web}}
spec:
  clusterIP: 10.0.0.9
  selector: {gateway.networking.k8s.io/gateway-name: web}
  ports: [{name: http, port: 80, appProtocol: http}]
---
apiVersion: v1
kind: Pod
metadata: {name: web-istio-0, namespace: demo, labels: {gateway.networking.k8s.io/gateway-name: web}}
spec: {containers: [{name: istio-proxy}]}
status: {phase: Running, podIP: 10.99.0.1, conditions: [{type: Ready, status: "True"}]}
`;
const route = (rules: string, more = '', namespace = 'demo', parent = '{name: web, namespace: demo}') => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: ${namespace}}
spec: {parentRefs: [${parent}]${more}, rules: ${rules}}
`;
const CANARY = '[{backendRefs: [{name: shop-v1, port: 80, weight: 90}, {name: shop-v2, port: 80, weight: 10}]}]';
const AT = {
  base: BASE,
  from: { workload: 'web-istio', labels: { 'gateway.networking.k8s.io/gateway-name': 'web' }, gateway: true },
  request: { host: 'shop.example.com' },
};
const SPLIT = { v1: 0.9, v2: 0.1 };

export const atGateway: Table = {
  title: 'Routes at a Gateway of the Gateway API',
  cases: [
    { says: 'weights split', ...AT, yaml: `${gateway('')}---${route(CANARY)}`, share: SPLIT },
    {
      says: 'a hostname of the route that the request has',
      ...AT,
      yaml: `${gateway('')}---${route(CANARY, ', hostnames: [shop.example.com]')}`,
      share: SPLIT,
    },
    {
      says: 'a hostname of the route that the request has not is 404',
      ...AT,
      yaml: `${gateway('')}---${route(CANARY, ', hostnames: [other.example.com]')}`,
      failed: { '404 NR': 1 },
    },
    {
      says: 'a hostname that the listener does not serve attaches nothing',
      ...AT,
      yaml: `${gateway(', hostname: "*.example.org"')}---${route(CANARY, ', hostnames: [shop.example.com]')}`,
      failed: { '404 NR': 1 },
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    },
    {
      says: 'the listener takes routes of its own namespace alone by default',
      ...AT,
      yaml: `${gateway('')}---${route(CANARY, '', 'ops')}`,
      failed: { '404 NR': 1 },
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    },
    {
      says: 'from all namespaces when it says so, backends there need a grant',
      ...AT,
      yaml: `${gateway(', allowedRoutes: {namespaces: {from: All}}')}---${route(CANARY.replaceAll('port: 80', 'port: 80, namespace: demo'), '', 'ops')}`,
      failed: { '500 NC': 1 },
    },
    {
      says: 'and are reached with one',
      ...AT,
      yaml: [
        gateway(', allowedRoutes: {namespaces: {from: All}}'),
        route(CANARY.replaceAll('port: 80', 'port: 80, namespace: demo'), '', 'ops'),
        `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: demo}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: ops}], to: [{group: "", kind: Service}]}
`,
      ].join('---'),
      share: SPLIT,
    },
    {
      says: 'a section name of another listener attaches nothing',
      ...AT,
      yaml: `${gateway('')}---${route(CANARY, '', 'demo', '{name: web, sectionName: https}')}`,
      failed: { '404 NR': 1 },
    },
    {
      says: 'a port without listener is closed',
      ...AT,
      yaml: `${gateway('')}---${route(CANARY)}`,
      request: { host: 'shop.example.com', port: 81 },
      failed: { '000 refused': 1 },
    },
  ],
};

/** A route named `name` with one rule: a match, and the version that it leads to. */
const ruled = (name: string, created: string, match: string, version: string, more = '', parent?: string) =>
  route(`[{matches: [{${match}}], backendRefs: [{name: shop-${version}, port: 80}]}]`, more, 'demo', parent).replace(
    '{name: r,',
    `{name: ${name}, creationTimestamp: "${created}",`,
  );
const ANY = 'path: {type: PathPrefix, value: /}';
const UNDER_A = 'path: {type: PathPrefix, value: /a}';
const ONLY_A = 'path: {type: Exact, value: /a}';
const NAMED = ', hostnames: [shop.example.com]';
const A = { host: 'shop.example.com', path: '/a' };
const narrow = gateway(', hostname: shop.example.com');
const two = gateway('}, {name: narrow, port: 80, protocol: HTTP, hostname: shop.example.com');

export const severalAtGateway: Table = {
  title: 'Several routes at a Gateway of the Gateway API',
  cases: [
    {
      says: 'two routes that name the host: merged by precedence',
      ...AT,
      yaml: [narrow, ruled('r', OLD, UNDER_A, 'v1', NAMED), ruled('s', NEW, ONLY_A, 'v2', NAMED)].join('---'),
      request: A,
      share: { v2: 1 },
    },
    {
      says: 'one that names the host and one that names none: all rules of the older one first',
      ...AT,
      yaml: [narrow, ruled('r', OLD, UNDER_A, 'v1'), ruled('s', NEW, ONLY_A, 'v2', NAMED)].join('---'),
      request: A,
      share: { v1: 1 },
    },
    {
      says: 'one that names the host and one that names none, of one second: the one that names none first',
      ...AT,
      yaml: [narrow, ruled('s', OLD, UNDER_A, 'v1'), ruled('r', OLD, ONLY_A, 'v2', NAMED)].join('---'),
      request: A,
      share: { v1: 1 },
    },
    {
      says: 'one that names the host and one that names none: a rule for every request comes last, however old',
      ...AT,
      yaml: [narrow, ruled('r', OLD, ANY, 'v1'), ruled('s', NEW, UNDER_A, 'v2', NAMED)].join('---'),
      request: A,
      share: { v2: 1 },
    },
    {
      says: 'equal matches of one second: shop-canary before shop',
      ...AT,
      yaml: [narrow, ruled('shop', OLD, UNDER_A, 'v1'), ruled('shop-canary', OLD, UNDER_A, 'v2')].join('---'),
      request: A,
      share: { v2: 1 },
    },
    {
      says: 'two listeners of one port: the one that names the host has the route',
      ...AT,
      yaml: [two, ruled('r', OLD, ANY, 'v1', NAMED)].join('---'),
      request: A,
      share: { v1: 1 },
    },
    {
      says: 'two listeners of one port: nothing for a route that insists on the one that names no host',
      ...AT,
      yaml: [two, ruled('r', OLD, ANY, 'v1', NAMED, '{name: web, sectionName: http}')].join('---'),
      request: A,
      failed: { '404 NR': 1 },
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    },
    {
      says: 'two listeners of one port: a route that names no host is on both',
      ...AT,
      yaml: [two, ruled('r', OLD, ANY, 'v1')].join('---'),
      request: { ...A, host: 'other.example.com' },
      share: { v1: 1 },
    },
    {
      says: 'two listeners of one port and host name: the first written counts',
      ...AT,
      yaml: [
        gateway('}, {name: a, port: 80, protocol: HTTP'),
        ruled('r', OLD, ANY, 'v1', '', '{name: web, sectionName: http}'),
        ruled('s', OLD, UNDER_A, 'v2', '', '{name: web, sectionName: a}'),
      ].join('---'),
      request: A,
      share: { v1: 1 },
    },
  ],
};

export const grpcRoutes: Table = {
  title: 'GRPCRoute',
  cases: [
    {
      says: 'a method is a path',
      base: BASE,
      yaml: `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: g, namespace: demo}
spec:
  parentRefs: [{group: "", kind: Service, name: shop}]
  rules: [{matches: [{method: {type: Exact, service: cart.Api, method: Get}}], backendRefs: [{name: shop-v2, port: 80}]}]
`,
      request: { path: '/cart.Api/Get', method: 'POST' },
      share: { v2: 1 },
    },
  ],
};
