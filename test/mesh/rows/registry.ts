import { pods, SERVICE, SUBSETS, split, virtualService } from '../../support/mesh.js';
import { both, EVEN, NEW, NINETY_TEN, OLD, OPS, rule, service, type Table, to, vs90 } from '../../support/meshCases.js';

const entry = (spec: string, name = 'pay') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: demo}
spec: ${spec}
`;
const HTTP = 'ports: [{number: 80, name: http, protocol: HTTP}]';
const TWO =
  'endpoints: [{address: 1.1.1.1, labels: {version: v1}}, {address: 2.2.2.2, labels: {version: v2}, weight: 3}]';
const PAY = { request: { host: 'pay.example.com' } };
const STATIC = entry(`{hosts: [pay.example.com], resolution: STATIC, ${HTTP}, ${TWO}}`);

const TCP_BESIDE_HTTP = entry(
  `{hosts: [pay.example.com], resolution: STATIC, ports: [{number: 80, name: tcp, protocol: TCP}], ${TWO}}`,
);
const tcpHost = (name: string, created: string, version: string) =>
  entry(
    `{hosts: [${name}.example.com], resolution: STATIC, ports: [{number: 81, name: tcp, protocol: TCP}], endpoints: [{address: 1.1.1.${name.length}, labels: {version: ${version}}}]}`,
    `${name}, creationTimestamp: "${created}"`,
  );
const mesh = (text: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: '${text}'}
`;

export const serviceEntries: Table = {
  title: 'ServiceEntry',
  cases: [
    { says: 'endpoints share by their weights', yaml: STATIC, ...PAY, share: { v1: 0.25, v2: 0.75 }, protocol: 'http' },
    {
      says: 'a VirtualService and subsets act on its host',
      yaml: [
        STATIC,
        rule('pay', 'demo', `{host: pay.example.com, ${both}}`),
        virtualService(split(90, 10).replaceAll('host: shop', 'host: pay.example.com'), { hosts: '[pay.example.com]' }),
      ].join('---\n'),
      ...PAY,
      share: NINETY_TEN,
    },
    {
      says: 'a workloadSelector takes the pods of its namespace',
      yaml: entry(`{hosts: [pay.example.com], resolution: STATIC, ${HTTP}, workloadSelector: {labels: {app: shop}}}`),
      ...PAY,
      share: EVEN,
    },
    {
      says: 'a host that DNS resolves is outside of the cluster',
      yaml: entry(`{hosts: [pay.example.com], resolution: DNS, ${HTTP}}`),
      ...PAY,
      share: { unknown: 1 },
      protocol: 'http',
    },
    {
      says: 'resolution NONE sends to where the client dialled',
      yaml: entry(`{hosts: [pay.example.com], ${HTTP}}`),
      ...PAY,
      share: { unknown: 1 },
      protocol: 'http',
    },
    {
      says: 'exported to its own namespace it is unknown elsewhere',
      yaml: entry(`{hosts: [pay.example.com], resolution: STATIC, exportTo: ["."], ${HTTP}, ${TWO}}`),
      from: OPS,
      ...PAY,
      share: { unknown: 1 },
      protocol: 'passthrough',
    },
    {
      says: 'a TCP host without address on an HTTP port gets no requests',
      yaml: TCP_BESIDE_HTTP,
      ...PAY,
      share: { unknown: 1 },
      protocol: 'passthrough',
      warns: ['PORT_CONFLICT'],
    },
    {
      says: 'a TCP host without address on an HTTP port takes connections that are not HTTP, to unknown hosts',
      yaml: TCP_BESIDE_HTTP,
      request: { host: 'other.example.com', tls: true },
      share: { v1: 0.25, v2: 0.75 },
      protocol: 'tcp',
      warns: ['PORT_CONFLICT'],
    },
    {
      says: 'a TCP host without address on an HTTP port takes connections that are not HTTP, to HTTP Services too',
      yaml: TCP_BESIDE_HTTP,
      request: { tls: true },
      share: { v1: 0.25, v2: 0.75 },
      protocol: 'tcp',
    },
    {
      says: 'a TCP host without address on an HTTP port leaves HTTP Services their requests',
      yaml: TCP_BESIDE_HTTP,
      share: EVEN,
      protocol: 'http',
    },
    {
      says: 'a TCP host without address on an HTTP port: a tcp rule routes what it takes',
      yaml: [
        TCP_BESIDE_HTTP,
        virtualService('[]', {
          hosts: '[pay.example.com]',
          more: `tcp: [{${to('v2')}}]`,
        }),
      ].join('---'),
      request: { host: 'other.example.com', tls: true },
      share: { v2: 1 },
      protocol: 'tcp',
    },
    {
      says: 'a TCP host without address on an HTTP port takes what is not HTTP under REGISTRY_ONLY too',
      yaml: [TCP_BESIDE_HTTP, mesh('outboundTrafficPolicy: {mode: REGISTRY_ONLY}')].join('---'),
      request: { host: 'other.example.com', tls: true },
      share: { v1: 0.25, v2: 0.75 },
      protocol: 'tcp',
    },
    {
      says: 'a TCP host without address takes every connection of its port to an unknown host',
      yaml: entry(
        `{hosts: [pay.example.com], resolution: STATIC, ports: [{number: 81, name: tcp, protocol: TCP}], ${TWO}}`,
      ),
      request: { host: 'other.example.com', port: 81 },
      share: { v1: 0.25, v2: 0.75 },
      protocol: 'tcp',
    },
    {
      says: 'a TCP host whose addresses are a subnet gets what is dialled there, on an HTTP port too',
      yaml: TCP_BESIDE_HTTP.replace('resolution:', 'addresses: [203.0.113.0/24], resolution:'),
      request: { host: 'pay.example.com' },
      share: { v1: 0.25, v2: 0.75 },
      protocol: 'tcp',
    },
    {
      says: 'a TCP host whose addresses are a subnet leaves connections of its port to others to them',
      yaml: [
        TCP_BESIDE_HTTP.replace('resolution:', 'addresses: [198.51.100.0/24], resolution:'),
        tcpHost('bank', NEW, 'v3').replace('number: 81', 'number: 80'),
      ].join('---'),
      request: { host: 'bank.example.com', tls: true },
      share: { v3: 1 },
      protocol: 'tcp',
    },
    {
      says: 'subnets in a tcp rule for a host without address are left out, with a warning, as nobody knows what clients dial',
      yaml: [
        TCP_BESIDE_HTTP.replace('number: 80', 'number: 81'),
        virtualService('[]', {
          hosts: '[pay.example.com]',
          more: `tcp: [{match: [{destinationSubnets: [10.9.0.0/16]}], ${to('v2')}}]`,
        }),
      ].join('---'),
      request: { host: 'pay.example.com', port: 81 },
      share: { v1: 0.25, v2: 0.75 },
      protocol: 'tcp',
      warns: ['ADDRESS_UNKNOWN'],
    },
    ...(
      [
        ['older', NEW, OLD, { v3: 1 }],
        ['younger', OLD, NEW, { v1: 1 }],
      ] as const
    ).map(([age, own, other, share]) => ({
      says: `of two TCP hosts without address on one port the older takes the connections to both: the other is ${age}`,
      yaml: [tcpHost('pay', own, 'v1'), tcpHost('bank', other, 'v3')].join('---'),
      request: { host: 'pay.example.com', port: 81 },
      share,
      protocol: 'tcp',
      warns: ['PORT_CONFLICT'],
    })),
  ],
};

const PORT = ', ports: [{name: http, port: 80}]';
const externalName = (ports: string) =>
  `\napiVersion: v1\nkind: Service\nmetadata: {name: old, namespace: demo}\nspec: {type: ExternalName, externalName: shop.demo.svc.cluster.local${ports}}\n`;
const workload = (version: string) => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm, namespace: demo}
spec: {address: 9.9.9.9, labels: {app: shop, version: ${version}}}
`;

export const otherEndpoints: Table = {
  title: 'Other names and other endpoints',
  cases: [
    {
      says: 'a WorkloadEntry is an endpoint of the Service that selects it',
      yaml: workload('v3'),
      share: { v1: 1 / 3, v2: 1 / 3, v3: 1 / 3 },
    },
    {
      says: 'a headless Service has the pods that DNS knows, no WorkloadEntry',
      base: SERVICE.replace('10.0.0.1', 'None'),
      yaml: workload('v3'),
      share: EVEN,
    },
    {
      says: 'an ExternalName is another name for a Service',
      yaml: [vs90, externalName('')].join('---\n'),
      request: { host: 'old' },
      share: NINETY_TEN,
    },
    {
      says: 'an ExternalName with the port called may have routes of its own: its calls take them, and those of the Service do not',
      yaml: [externalName(PORT), virtualService(`[{${to('v2')}}]`, { name: 'old', hosts: '[old]' })].join('---\n'),
      request: { host: 'old' },
      share: { v2: 1 },
      warns: [],
    },
    {
      says: 'without that port a VirtualService for the ExternalName takes its full name alone',
      yaml: [externalName(''), virtualService(`[{${to('v2')}}]`, { name: 'old', hosts: '[old]' })].join('---\n'),
      request: { host: 'old' },
      share: EVEN,
    },
    {
      says: 'a wildcard takes the ExternalName from a VirtualService for the Service that comes later',
      yaml: [
        externalName(PORT),
        virtualService(`[{${to('v2')}}]`, { name: 'all', hosts: '["*.demo.svc.cluster.local"]', created: OLD }),
        virtualService(split(90, 10), { created: NEW }),
      ].join('---\n'),
      request: { host: 'old' },
      share: { v2: 1 },
    },
    {
      says: 'and leaves it to one that came before',
      yaml: [
        externalName(PORT),
        virtualService(`[{${to('v2')}}]`, { name: 'all', hosts: '["*.demo.svc.cluster.local"]', created: NEW }),
        virtualService(split(90, 10), { created: OLD }),
      ].join('---\n'),
      request: { host: 'old' },
      share: NINETY_TEN,
    },
    {
      says: 'a route to an ExternalName with the port called leads to the Service',
      yaml: [externalName(PORT), virtualService('[{route: [{destination: {host: old, subset: v2}}]}]')].join('---\n'),
      share: { v2: 1 },
    },
    {
      says: 'a route to one without that port leads nowhere',
      yaml: [externalName(''), virtualService('[{route: [{destination: {host: old, subset: v2}}]}]')].join('---\n'),
      failed: { '503 NC': 1 },
      warns: ['EXTERNAL_NAME_WITHOUT_PORT'],
    },
    {
      says: 'a headless Service without a ready pod has no address',
      base: SERVICE.replace('10.0.0.1', 'None'),
      pods: pods('shop', 'v1', 1, { ready: false }),
      failed: { '000 refused': 1 },
      protocol: 'none',
    },
    {
      says: 'a TCP port that its name calls udp passes through',
      base: service('{name: udp-x, port: 80, targetPort: 8080}'),
      share: EVEN,
      protocol: 'passthrough',
    },
    {
      says: 'a headless destination of another host is not reached: the dialled address answers',
      yaml: [
        SERVICE.replace('{name: shop,', '{name: cart,').replace('10.0.0.1', 'None').replace('app: shop', 'app: cart'),
        virtualService('[{route: [{destination: {host: cart}}]}]'),
      ].join('---'),
      share: EVEN,
    },
  ],
};

export const meshConfigs: Table = {
  title: 'Mesh config',
  cases: [
    {
      says: 'defaultVirtualServiceExportTo "." keeps VirtualServices to their namespace',
      yaml: [mesh('defaultVirtualServiceExportTo: ["."]'), virtualService(split(90, 10))].join('---\n'),
      from: OPS,
      request: { host: 'shop.demo' },
      share: EVEN,
    },
    {
      says: 'defaultServiceExportTo "." hides Services from other namespaces',
      yaml: mesh('defaultServiceExportTo: ["."]'),
      from: OPS,
      request: { host: 'shop.demo' },
      share: EVEN,
      protocol: 'passthrough',
    },
    {
      says: 'defaultDestinationRuleExportTo "." keeps subsets to their namespace',
      yaml: [mesh('defaultDestinationRuleExportTo: ["."]'), vs90].join('---\n'),
      from: OPS,
      request: { host: 'shop.demo' },
      failed: { '503 NC': 1 },
    },
  ],
};

export const severalRules: Table = {
  title: 'Which of several DestinationRules of one namespace',
  cases: [
    {
      says: 'exported differently they are not merged, the last without a selector counts',
      base: SERVICE,
      yaml: [
        vs90,
        rule('a', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}', OLD),
        rule('b', 'demo', `{host: shop, exportTo: ["."], subsets: [{name: v2, labels: {version: v2}}]}`, NEW),
      ].join('---'),
      share: { v2: 0.1 },
      failed: { '503 NC': 0.9 },
    },
    {
      says: 'one whose workloadSelector fits the client counts before the others',
      base: SERVICE,
      yaml: [
        vs90,
        rule('a', 'demo', `{host: shop, ${both}}`, OLD),
        rule(
          'b',
          'demo',
          '{host: shop, workloadSelector: {matchLabels: {app: client}}, subsets: [{name: v1, labels: {version: v1}}]}',
          NEW,
        ),
      ].join('---'),
      share: { v1: 0.9 },
      failed: { '503 NC': 0.1 },
    },
  ],
};

const sidecar = (hosts: string) =>
  `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {egress: [{hosts: ${hosts}}]}\n`;

export const beforeRequests: Table = {
  title: 'What decides before a request is looked at',
  cases: [
    {
      says: '~/* beside other hosts imports nothing',
      yaml: [vs90, sidecar('["demo/*", "~/*"]')].join('---\n'),
      share: EVEN,
      protocol: 'passthrough',
    },
    {
      says: 'a destination of an imported VirtualService is reached',
      yaml: [
        sidecar('["./shop.demo.svc.cluster.local"]'),
        SERVICE.replace('{name: shop,', '{name: cart,').replace('10.0.0.1', '10.0.0.2'),
        virtualService('[{route: [{destination: {host: cart}}]}]'),
      ].join('---\n'),
      share: EVEN,
      protocol: 'http',
    },
    {
      says: 'and cannot be called itself',
      yaml: [
        sidecar('["./shop.demo.svc.cluster.local"]'),
        SERVICE.replace('{name: shop,', '{name: cart,').replace('10.0.0.1', '10.0.0.2'),
        virtualService('[{route: [{destination: {host: cart}}]}]'),
      ].join('---\n'),
      request: { host: 'cart' },
      share: EVEN,
      protocol: 'passthrough',
    },
    {
      says: 'sourceLabels beside gateways are not asked for',
      yaml: virtualService(
        `[{match: [{gateways: [mesh], sourceLabels: {app: other}}], route: [{destination: {host: shop, subset: v2}}]}, ${split(90, 10).slice(1)}`,
      ),
      share: { v2: 1 },
    },
    {
      says: 'tcp rules of every VirtualService of a host are looked at',
      base: `${service('{name: tcp, port: 80, targetPort: 8080}')}---${SUBSETS}`,
      yaml: [
        virtualService(split(50, 50), { name: 'a', created: OLD }),
        virtualService('[]', { name: 'b', created: NEW, more: `tcp: ${split(90, 10)}` }),
      ].join('---'),
      share: NINETY_TEN,
      protocol: 'tcp',
    },
    {
      says: 'tcp rules do not apply to a TLS port',
      base: `${service('{name: https, port: 80, targetPort: 8080}')}---${SUBSETS}`,
      yaml: virtualService('[]', { more: `tcp: ${split(90, 10)}` }),
      share: EVEN,
      protocol: 'tcp',
    },
  ],
};
