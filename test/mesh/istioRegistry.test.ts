import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { caller, objects, pods, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';
import { both, EVEN, NEW, NINETY_TEN, OLD, OPS, rule, service, table, vs90 } from '../support/meshCases.js';

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

table('ServiceEntry', [
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
    says: 'a TCP host without address on an HTTP port is not routed',
    yaml: entry(
      `{hosts: [pay.example.com], resolution: STATIC, ports: [{number: 80, name: tcp, protocol: TCP}], ${TWO}}`,
    ),
    ...PAY,
    share: { unknown: 1 },
    protocol: 'passthrough',
    warns: ['PORT_CONFLICT'],
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
]);

const workload = (version: string) => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm, namespace: demo}
spec: {address: 9.9.9.9, labels: {app: shop, version: ${version}}}
`;

table('other names and other endpoints', [
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
    yaml: [
      vs90,
      'apiVersion: v1\nkind: Service\nmetadata: {name: old}\nspec: {type: ExternalName, externalName: shop.demo.svc.cluster.local}\n',
    ].join('---\n'),
    request: { host: 'old' },
    share: NINETY_TEN,
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
]);

const mesh = (text: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: '${text}'}
`;

table('mesh config', [
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
]);

table('which of several DestinationRules of one namespace', [
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
]);

const sidecar = (hosts: string) =>
  `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {egress: [{hosts: ${hosts}}]}\n`;

table('what decides before a request is looked at', [
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
]);

describe('objects that the cluster refuses', () => {
  const istio = (kind: string, spec: string) =>
    objects(`apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: ${spec}\n`);
  it.each([
    ['DestinationRule', '{host: shop, trafficPolicy: {}}', 'traffic policy must have at least one field'],
    ['DestinationRule', '{host: shop, subsets: [{name: v1}, {name: v1}]}', 'duplicate subset names: v1'],
    ['DestinationRule', '{host: shop, subsets: [{name: V_1}]}', 'subset name is invalid: V_1'],
    [
      'DestinationRule',
      '{host: shop, trafficPolicy: {loadBalancer: {consistentHash: {maglev: {tableSize: 10}}}}}',
      'prime number',
    ],
    [
      'DestinationRule',
      '{host: shop, exportTo: ["*"], workloadSelector: {matchLabels: {a: b}}}',
      'beyond its namespace',
    ],
    [
      'Gateway',
      '{servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop]}]}',
      'short names (non FQDN) are not allowed',
    ],
    ['Gateway', '{servers: []}', 'at least one server'],
    [
      'Gateway',
      '{servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"]}]}',
      'must have TLS settings',
    ],
    [
      'ServiceEntry',
      '{hosts: [a.b, c.d], resolution: STATIC, ports: [{number: 1, name: t, protocol: TCP}]}',
      'multiple hosts',
    ],
    ['ServiceEntry', '{hosts: [a.b], endpoints: [{address: 1.1.1.1}]}', 'no endpoints should be provided'],
    ['Sidecar', '{}', 'empty configuration provided'],
    ['Sidecar', '{egress: [{hosts: [shop]}]}', 'allowed is namespace/host'],
    ['VirtualService', '{hosts: [shop]}', 'http, tcp or tls must be provided'],
    ['VirtualService', '{hosts: [shop, shop], http: [{redirect: {uri: /a}}]}', 'is there twice'],
    ['VirtualService', '{hosts: [shop], http: [{}]}', 'route, redirect or direct_response is required'],
    ['VirtualService', '{hosts: [shop], http: [{redirect: {redirectCode: 301}}]}', 'redirect must specify'],
    [
      'VirtualService',
      '{hosts: [shop], http: [{directResponse: {status: 200}, fault: {abort: {httpStatus: 400}}}]}',
      'either fault or directResponse',
    ],
    [
      'VirtualService',
      '{hosts: [shop], http: [{match: [{headers: {x: {regex: "*"}}}], redirect: {uri: /a}}]}',
      'no expression in RE2',
    ],
    [
      'VirtualService',
      '{hosts: [shop], http: [{retries: {attempts: 1, retryOn: "5xx, 503"}, redirect: {uri: /a}}]}',
      'not a valid retryOn policy',
    ],
    [
      'VirtualService',
      '{hosts: [shop], tcp: [{route: [{destination: {host: a}}, {destination: {host: b}}]}]}',
      'total destination weight = 0',
    ],
  ])('%s %s', (kind, spec, message) => {
    const { warnings } = compileProxyConfig(istio(kind, spec), caller());
    expect(
      warnings
        .filter(({ code }) => code === 'OBJECT_REFUSED')
        .map((warning) => warning.message)
        .join('\n'),
    ).toContain(message);
  });
});
