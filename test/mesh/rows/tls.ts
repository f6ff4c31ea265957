import { SUBSETS } from '../../support/mesh.js';
import { type Case, EVEN, NINETY_TEN, OLD, service, type Table } from '../../support/meshCases.js';

export const FQDN = 'shop.demo.svc.cluster.local';
const TLS_SERVICE = service('{name: https, port: 443, targetPort: 8443}');
export const BASE = `${TLS_SERVICE}---${SUBSETS}`;
const HTTP_AND_TLS = `${service('{name: http, port: 80}, {name: tls-x, port: 443}')}---${SUBSETS}`;
export const CALL = { port: 443, host: FQDN, tls: true };

export const weighted = (v1: number, v2: number, port = '') =>
  `route: [{destination: {host: shop, subset: v1${port}}, weight: ${v1}}, {destination: {host: shop, subset: v2${port}}, weight: ${v2}}]`;
export const to = (subset: string) => `route: [{destination: {host: shop, subset: ${subset}}}]`;
export const tls = (rules: string, over: { name?: string; hosts?: string; created?: string; more?: string } = {}) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${over.name ?? 'shop'}, namespace: demo${over.created ? `, creationTimestamp: "${over.created}"` : ''}}
spec:
  hosts: ${over.hosts ?? `[${FQDN}]`}
  ${over.more ?? ''}
  tls: ${rules}
`;
export const named = (sni: string, action: string, more = '') => `{match: [{sniHosts: ${sni}${more}}], ${action}}`;
export const OWN = `[${FQDN}]`;

const sidecar: readonly Case[] = [
  {
    says: 'a tls rule draws the version of a connection by weight',
    yaml: tls(`[${named(OWN, weighted(90, 10))}]`),
    request: CALL,
    share: NINETY_TEN,
    protocol: 'tcp',
  },
  {
    says: 'without a tls rule connections to a port for TLS are balanced over the ready pods',
    request: CALL,
    share: EVEN,
    protocol: 'tcp',
    warns: [],
  },
  {
    says: 'a server name that no rule has passes through to all ready pods, with a warning that names it',
    yaml: tls(`[${named(OWN, to('v2'))}]`),
    request: { ...CALL, host: 'shop' },
    share: EVEN,
    protocol: 'passthrough',
    warns: ['SERVER_NAME_UNMATCHED'],
  },
  {
    says: 'a server name that no rule has is reset where only registered hosts may be called',
    yaml: `${tls(`[${named(OWN, to('v2'))}]`)}---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: s, namespace: demo}
spec: {egress: [{hosts: ["*/*"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}`,
    request: { ...CALL, host: 'shop' },
    failed: { '000 reset': 1 },
    protocol: 'none',
  },
  {
    says: 'a client that calls by address tells no server name and passes through',
    yaml: tls(`[${named(OWN, to('v2'))}]`),
    request: { ...CALL, host: '10.0.0.1' },
    share: EVEN,
    protocol: 'passthrough',
  },
  {
    says: 'a wildcard takes every server name that ends so',
    yaml: tls(`[${named('["*.demo.svc.cluster.local"]', to('v2'))}]`, { hosts: '["*.demo.svc.cluster.local"]' }),
    request: CALL,
    share: { v2: 1 },
  },
  {
    says: 'an exact server name beats a wildcard that stands above it',
    yaml: tls(`[${named('["*.demo.svc.cluster.local"]', to('v1'))}, ${named(OWN, to('v2'))}]`, {
      hosts: '["*.demo.svc.cluster.local"]',
    }),
    request: CALL,
    share: { v2: 1 },
  },
  {
    says: 'a rule for the labels of other callers drops out',
    yaml: tls(`[${named(OWN, to('v1'), ', sourceLabels: {app: other}')}, ${named(OWN, to('v2'))}]`),
    request: CALL,
    share: { v2: 1 },
  },
  {
    says: 'of two matches of one server name that both apply the first counts',
    yaml: tls(`[${named(OWN, to('v1'), ', sourceLabels: {app: client}')}, ${named(OWN, to('v2'))}]`),
    request: CALL,
    share: { v1: 1 },
  },
  {
    says: 'a rule for another port drops out and balancing remains',
    yaml: tls(`[${named(OWN, to('v1'), ', port: 8443')}]`),
    request: CALL,
    share: EVEN,
    protocol: 'tcp',
  },
  {
    says: 'a rule for a gateway alone is not meant for sidecars',
    yaml: tls(`[${named(OWN, to('v1'), ', gateways: [gw]')}, ${named(OWN, to('v2'), ', gateways: [mesh]')}]`, {
      more: 'gateways: [gw, mesh]',
    }),
    request: CALL,
    share: { v2: 1 },
  },
  {
    says: 'destination subnets that hold the ClusterIP apply',
    yaml: tls(`[${named(OWN, to('v2'), ', destinationSubnets: [10.0.0.0/24]')}]`),
    request: CALL,
    share: { v2: 1 },
  },
  {
    says: 'destination subnets that hold the pods of a headless Service apply',
    base: BASE.replace('clusterIP: 10.0.0.1', 'clusterIP: None'),
    yaml: tls(
      `[${named(OWN, 'route: [{destination: {host: shop, subset: v9}}]', ', destinationSubnets: [10.0.0.0/8]')}]`,
    ),
    request: CALL,
    failed: { '000 NC': 1 },
    protocol: 'tcp',
  },
  {
    says: 'destination subnets without the ClusterIP leave the connections to pass through',
    yaml: tls(`[${named(OWN, to('v2'), ', destinationSubnets: [10.9.0.0/16]')}]`),
    request: CALL,
    share: EVEN,
    protocol: 'passthrough',
  },
  {
    says: 'what passes through goes to pods alone, not to WorkloadEntries',
    yaml: `${tls(`[${named(OWN, to('v1'))}]`)}---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: w, namespace: demo}
spec: {address: 9.9.9.9, labels: {app: shop, version: v2}}`,
    request: { ...CALL, host: 'shop' },
    share: EVEN,
    protocol: 'passthrough',
  },
  {
    says: 'of tcp rules the older VirtualService counts, although its host is a wildcard and the younger one is exact',
    base: `${service('{name: tcp, port: 443}')}---${SUBSETS}`,
    yaml: [
      tls('[]', { name: 'old', hosts: '["*.demo.svc.cluster.local"]', created: OLD, more: `tcp: [{${to('v1')}}]` }),
      tls('[]', { name: 'young', created: '2026-03-01T00:00:00Z', more: `tcp: [{${to('v2')}}]` }),
    ].join('---'),
    request: { ...CALL, tls: false },
    share: { v1: 1 },
    protocol: 'tcp',
  },
  {
    says: 'tls rules of a younger VirtualService for the same host apply beside those of the older one',
    yaml: [
      tls(`[${named('[a.demo.svc.cluster.local]', to('v1'))}]`, {
        name: 'old',
        hosts: '["*.demo.svc.cluster.local"]',
        created: OLD,
      }),
      tls(`[${named(OWN, to('v2'))}]`, { name: 'young', created: '2026-03-01T00:00:00Z' }),
    ].join('---'),
    request: CALL,
    share: { v2: 1 },
  },
  {
    says: 'tls rules are ignored where no port is for TLS, with a warning',
    base: `${service('{name: http, port: 80}')}---${SUBSETS}`,
    yaml: tls(`[${named(OWN, to('v2'))}]`),
    request: { port: 80, host: FQDN },
    share: EVEN,
    protocol: 'http',
    warns: ['PORT_NOT_TLS'],
  },
  {
    says: 'tcp rules are ignored where every port is HTTP or for TLS, with a warning',
    base: HTTP_AND_TLS,
    yaml: tls('[]', { more: `tcp: [{${to('v2')}}]` }),
    request: CALL,
    share: EVEN,
    warns: ['PORT_NOT_TCP'],
  },
  {
    says: 'http and tls rules of one VirtualService apply to their own ports, without a warning',
    base: HTTP_AND_TLS,
    yaml: tls(`[${named(`[shop, shop.demo, shop.demo.svc, ${FQDN}]`, to('v2'))}]`, {
      hosts: `[shop, shop.demo, shop.demo.svc, ${FQDN}]`,
      more: `http: [{${to('v1')}}]`,
    }),
    request: CALL,
    share: { v2: 1 },
    protocol: 'tcp',
  },
  {
    says: 'a server name that is none of the hosts is refused',
    yaml: tls(`[${named('[other.example.com]', to('v2'))}]`),
    request: CALL,
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'the FQDN is refused as a server name where the host is written short',
    yaml: tls(`[${named(OWN, to('v2'))}]`, { hosts: '[shop]' }),
    request: CALL,
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'a destination subset that nobody defines closes its connections, with a warning',
    yaml: tls(`[${named(OWN, weighted(90, 10).replace('v2', 'v9'))}]`),
    request: CALL,
    share: { v1: 0.9 },
    failed: { '000 NC': 0.1 },
    warns: ['SUBSET_MISSING'],
  },
];

const onTls = (cases: readonly Case[]): Case[] => cases.map((one) => ({ base: BASE, ...one }));

export const tlsInSidecar: Table = { title: 'tls rules in a sidecar', cases: onTls(sidecar) };

const ENTRY = (hosts: string, protocol = 'TLS') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: demo}
spec:
  hosts: ${hosts}
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 443, name: tls, protocol: ${protocol}}]
  endpoints: [{address: 1.1.1.1, labels: {version: v1}}, {address: 2.2.2.2, labels: {version: v2}}]
`;

export const tlsByName: Table = {
  title: 'hosts without an address on a port for TLS',
  cases: onTls([
    {
      says: 'are told apart by their server name',
      yaml: ENTRY('[pay.example.com]'),
      request: { port: 443, host: 'pay.example.com', tls: true },
      share: EVEN,
      protocol: 'tcp',
    },
    {
      says: 'take no connections with another server name',
      base: '',
      yaml: ENTRY('[pay.example.com]'),
      request: { port: 443, host: 'other.example.com', tls: true },
      share: { unknown: 1 },
      protocol: 'passthrough',
    },
    {
      says: 'take no connections that are not encrypted',
      base: '',
      yaml: ENTRY('[pay.example.com]'),
      request: { port: 443, host: 'pay.example.com', tls: false },
      share: { unknown: 1 },
      protocol: 'passthrough',
    },
    {
      says: 'are routed by tls rules like Services',
      yaml: [
        ENTRY('[pay.example.com]'),
        tls('[{match: [{sniHosts: [pay.example.com]}], route: [{destination: {host: shop, subset: v2}}]}]', {
          hosts: '[pay.example.com]',
        }),
      ].join('---'),
      request: { port: 443, host: 'pay.example.com', tls: true },
      share: { v2: 1 },
      protocol: 'tcp',
    },
  ]),
};

const gateway = (servers: string) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: demo}
spec: {selector: {app: client}, servers: ${servers}}
`;
const PASSING = gateway(
  '[{port: {number: 443, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: ["*.example.com"]}]',
);
const bound = (rules: string, more = '') =>
  tls(rules, { hosts: '[shop.example.com]', more: `gateways: [gw]\n  ${more}` });
const AT_GATEWAY = { gateway: true };
const WEB = { port: 443, host: 'shop.example.com', tls: true };

export const tlsAtGateway: Table = {
  title: 'a gateway that lets TLS pass',
  cases: onTls([
    {
      says: 'draws by the weights of the server name',
      yaml: [PASSING, bound(`[${named('[shop.example.com]', weighted(90, 10))}]`)].join('---'),
      from: AT_GATEWAY,
      request: WEB,
      share: NINETY_TEN,
      protocol: 'tcp',
    },
    {
      says: 'resets a connection whose server name no rule has',
      yaml: [PASSING, bound(`[${named('[shop.example.com]', to('v1'))}]`)].join('---'),
      from: AT_GATEWAY,
      request: { ...WEB, host: 'cart.example.com' },
      failed: { '000 reset': 1 },
      protocol: 'none',
    },
    {
      says: 'does not listen while no tls rule is bound to it, and warns of http rules',
      yaml: [PASSING, bound('[]', `http: [{${to('v1')}}]`)].join('---'),
      from: AT_GATEWAY,
      request: WEB,
      failed: { '000 refused': 1 },
      protocol: 'none',
      warns: ['HTTP_RULES_IGNORED'],
    },
    {
      says: 'takes no notice of source labels',
      yaml: [PASSING, bound(`[${named('[shop.example.com]', to('v2'), ', sourceLabels: {app: other}')}]`)].join('---'),
      from: AT_GATEWAY,
      request: WEB,
      share: { v2: 1 },
    },
    {
      says: 'takes the first of two rules for one server name and leaves out the other',
      yaml: [
        PASSING,
        bound(`[${named('[shop.example.com]', to('v1'))}, ${named('[shop.example.com]', to('v2'))}]`),
      ].join('---'),
      from: AT_GATEWAY,
      request: WEB,
      share: { v1: 1 },
    },
    {
      says: 'keeps out VirtualServices of namespaces that its hosts exclude',
      yaml: [
        PASSING.replace('*.example.com', 'ops/*.example.com'),
        bound(`[${named('[shop.example.com]', to('v1'))}]`),
      ].join('---'),
      from: AT_GATEWAY,
      request: WEB,
      failed: { '000 refused': 1 },
    },
    {
      says: 'ignores tls rules when it ends TLS itself, with a warning',
      yaml: [
        gateway(
          '[{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: x}, hosts: ["*.example.com"]}]',
        ),
        bound(`[${named('[shop.example.com]', to('v1'))}]`),
      ].join('---'),
      from: AT_GATEWAY,
      request: WEB,
      failed: { '404 NR': 1 },
      warns: ['TLS_RULES_IGNORED'],
    },
    {
      says: 'passes connections of a TCP server on by its tcp rules',
      yaml: [
        gateway('[{port: {number: 443, name: tcp, protocol: TCP}, hosts: ["*"]}]'),
        bound('[]', `tcp: [{${weighted(90, 10)}}]`),
      ].join('---'),
      from: AT_GATEWAY,
      request: { port: 443, host: 'anything' },
      share: NINETY_TEN,
      protocol: 'tcp',
    },
  ]),
};
