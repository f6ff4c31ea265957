import { pods, SERVICE, SUBSETS, split, virtualService } from '../../support/mesh.js';
import { EVEN, NINETY_TEN, service, type Table, to } from '../../support/meshCases.js';

const FQDN = 'shop.demo.svc.cluster.local';
const OTHER = `
apiVersion: v1
kind: Service
metadata: {name: other, namespace: demo}
spec: {clusterIP: 10.0.0.7, selector: {app: other}, ports: [{name: http, port: 80, targetPort: 8080}]}
`;
const ON_8080 = `${service('{name: http, port: 8080, targetPort: 8080}')}---${SUBSETS}`;
const AS_UDP = `${service('{name: udp-x, port: 80, targetPort: 8080}')}---${SUBSETS}`;

export const lackedPorts: Table = {
  title: 'A port that the Service lacks',
  cases: [
    {
      says: 'is refused where no VirtualService names the Service',
      base: `${ON_8080}---${OTHER}`,
      request: { host: FQDN },
      failed: { '000 refused': 1 },
    },
    {
      says: '80 has the routes of a VirtualService all the same, where another Service opens it, and they lead to port 80',
      base: `${ON_8080}---${OTHER}`,
      yaml: virtualService(split(90, 10)),
      request: { host: FQDN },
      failed: { '503 NC': 1 },
      protocol: 'http',
    },
    {
      says: '80 leads where the routes say',
      base: `${ON_8080}---${OTHER}`,
      yaml: virtualService(split(90, 10).replaceAll('host: shop,', 'host: shop, port: {number: 8080},')),
      request: { host: FQDN },
      share: NINETY_TEN,
      protocol: 'http',
    },
    {
      says: 'is where a destination without port leads to, although its Service has one other port alone',
      base: `${SERVICE}---${OTHER.replace('port: 80,', 'port: 8080,')}`,
      yaml: virtualService('[{route: [{destination: {host: other}}]}]'),
      failed: { '503 NC': 1 },
      warns: ['PORT_MISSING'],
    },
    {
      says: 'does not matter to tcp rules: a destination without port means the only port of its Service',
      base: `${SERVICE.replace('name: http', 'name: tcp')}---${OTHER.replace('port: 80,', 'port: 8080,').replace('app: other', 'app: shop')}`,
      yaml: virtualService('[]', { more: 'tcp: [{route: [{destination: {host: other}}]}]' }),
      share: EVEN,
      protocol: 'tcp',
    },
    {
      says: 'belongs to a TCP host without address that has it: that host gets the connection',
      base: ON_8080,
      yaml: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pay, namespace: demo}
spec:
  hosts: [pay.example.com]
  resolution: STATIC
  ports: [{number: 80, name: tcp, protocol: TCP}]
  endpoints: [{address: 2.2.2.2, labels: {version: v2}}]
`,
      share: { v2: 1 },
      protocol: 'tcp',
    },
    {
      says: '80 has them for the full name alone: the short one is refused',
      base: `${ON_8080}---${OTHER}`,
      yaml: virtualService(split(90, 10)),
      failed: { '000 refused': 1 },
    },
    {
      says: '80 is refused where no other Service opens it',
      base: ON_8080,
      yaml: virtualService(split(90, 10)),
      request: { host: FQDN },
      failed: { '000 refused': 1 },
    },
    {
      says: '81 is refused, although another Service opens it',
      base: `${ON_8080}---${OTHER.replace('port: 80,', 'port: 81,')}`,
      yaml: virtualService(split(90, 10)),
      request: { host: FQDN, port: 81 },
      failed: { '000 refused': 1 },
    },
    {
      says: '81 has the routes of a VirtualService that also names the Service which opens it',
      base: `${ON_8080}---${OTHER.replace('port: 80,', 'port: 81,')}`,
      yaml: virtualService(split(90, 10), { hosts: '[shop, other]' }),
      request: { host: FQDN, port: 81 },
      failed: { '503 NC': 1 },
    },
    {
      says: 'or that its name calls UDP has the routes of a VirtualService on 80, where another Service opens it',
      base: `${AS_UDP}---${OTHER}`,
      yaml: virtualService('[{redirect: {uri: /n}}]'),
      request: { host: FQDN },
      failed: { '301 -': 1 },
    },
    {
      says: 'or that its name calls UDP passes through without a VirtualService',
      base: `${AS_UDP}---${OTHER}`,
      request: { host: FQDN },
      share: EVEN,
      protocol: 'passthrough',
    },
  ],
};

export const routesForLackedPorts: Table = {
  title: 'An HTTPRoute for a port that the Service lacks',
  cases: [
    {
      says: 'does nothing, and keeps the wildcards of VirtualServices away from the Service',
      base: SERVICE,
      yaml: [
        virtualService(`[{${to('nobody')}}]`, { hosts: '["*.demo.svc.cluster.local"]' }),
        `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: demo}
spec:
  parentRefs: [{group: "", kind: Service, name: shop, port: 81}]
  rules: [{backendRefs: [{name: nobody, port: 80}]}]
`,
      ].join('---'),
      share: EVEN,
      warns: ['HTTPROUTE_NOT_ATTACHED'],
    },
  ],
};

const HIDING = (policy: string) => `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: s, namespace: demo}
spec: {egress: [{hosts: ["istio-system/*"]}], outboundTrafficPolicy: {mode: ${policy}}}
`;
const HEADLESS = SERVICE.replace('clusterIP: 10.0.0.1', 'clusterIP: None');

export const hiddenHeadless: Table = {
  title: 'A headless Service that is hidden from the client',
  cases: [
    {
      says: 'is passed through to a ready pod',
      base: HEADLESS,
      yaml: HIDING('ALLOW_ANY'),
      share: EVEN,
      protocol: 'passthrough',
    },
    {
      says: 'is reset where only registered hosts may be called',
      base: HEADLESS,
      yaml: HIDING('REGISTRY_ONLY'),
      failed: { '000 reset': 1 },
    },
    {
      says: 'or not, keeps a name that a VirtualService claims where its port is TCP: the pods are dialled there',
      base: `${HEADLESS.replace('name: http', 'name: tcp')}---${SUBSETS}---${OTHER}`,
      yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
      request: { host: 'shop.demo' },
      share: EVEN,
      protocol: 'tcp',
    },
    {
      says: 'or not, has no address without a ready pod under a name that a VirtualService took from it either',
      base: `${HEADLESS}---${SUBSETS}`,
      yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
      pods: pods('shop', 'v1', 2, { ready: false }),
      request: { host: 'shop.demo' },
      failed: { '000 refused': 1 },
      protocol: 'none',
    },
    {
      says: 'or not, has no address without a ready pod on a port that it lacks either',
      base: HEADLESS,
      yaml: HIDING('REGISTRY_ONLY').replace('istio-system/*', '*/*'),
      pods: pods('shop', 'v1', 2, { ready: false }),
      request: { port: 443 },
      failed: { '000 refused': 1 },
      protocol: 'none',
    },
    {
      says: 'has no address without a ready pod, so that nothing is dialled there either',
      base: HEADLESS,
      yaml: HIDING('REGISTRY_ONLY'),
      pods: pods('shop', 'v1', 2, { ready: false }),
      failed: { '000 refused': 1 },
      protocol: 'none',
    },
  ],
};
