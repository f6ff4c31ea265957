import { SERVICE } from '../../support/mesh.js';
import type { Table } from '../../support/meshCases.js';

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
