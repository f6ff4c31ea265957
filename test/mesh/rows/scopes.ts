import { pods, SERVICE, split, virtualService } from '../../support/mesh.js';
import { type Case, EVEN, exported, NEW, NINETY_TEN, OLD, type Table, to, vs90 } from '../../support/meshCases.js';

const sidecar = (egress: string, more = '') => `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: demo}
spec: {egress: [{hosts: ${egress}}]${more}}
`;
const NOT_OPS = `${SERVICE.replace('namespace: demo', 'namespace: ops')}`;

const externalName =
  '\napiVersion: v1\nkind: Service\nmetadata: {name: old, namespace: demo}\nspec: {type: ExternalName, externalName: shop.demo.svc.cluster.local, ports: [{name: http, port: 80}]}\n';

export const sidecarEgress: Table = {
  title: 'Sidecar egress',
  cases: [
    {
      says: 'Sidecar egress hides the Service: passthrough to the ClusterIP, kube-proxy balances connections',
      base: NOT_OPS,
      yaml: sidecar('["./*"]'),
      pods: [...pods('shop', 'v1', 3, { namespace: 'ops' }), ...pods('shop', 'v2', 1, { namespace: 'ops' })],
      request: { host: 'shop.ops' },
      share: { v1: 0.75, v2: 0.25 },
      protocol: 'passthrough',
    },
    {
      says: 'Sidecar egress hides the Service, REGISTRY_ONLY: reset',
      base: NOT_OPS,
      yaml: sidecar('["./*"]', ', outboundTrafficPolicy: {mode: REGISTRY_ONLY}'),
      request: { host: 'shop.ops' },
      failed: { '000 reset': 1 },
      protocol: 'none',
    },
    {
      says: 'unknown Host on a known HTTP port, REGISTRY_ONLY: 502',
      yaml: sidecar('["./*"]', ', outboundTrafficPolicy: {mode: REGISTRY_ONLY}'),
      request: { host: 'nobody' },
      failed: { '502 -': 1 },
    },
    {
      says: "Sidecar egress hides the VS's namespace: plain balancing",
      yaml: `${sidecar('["demo/*"]')}---${exported('ops', '["*"]')}`,
      share: EVEN,
    },
    {
      says: "Sidecar egress imports the VS's namespace: VS applies",
      yaml: `${sidecar('["demo/*", "ops/*"]')}---${exported('ops', '["*"]')}`,
      share: { v2: 1 },
    },
    {
      says: 'Sidecar for other workloads: VS applies',
      yaml: `${sidecar('["~/*"]', ', workloadSelector: {labels: {app: other}}')}---${vs90}`,
      share: NINETY_TEN,
    },
    {
      says: 'Sidecar egress names the Service and not its ExternalName: calls by that name pass through',
      yaml: `${sidecar('["demo/shop.demo.svc.cluster.local"]')}---${externalName}---${vs90}`,
      request: { host: 'old' },
      share: EVEN,
      protocol: 'passthrough',
    },
    {
      says: 'Sidecar egress names the Service and its ExternalName: VS applies',
      yaml: `${sidecar('["demo/shop.demo.svc.cluster.local", "demo/old.demo.svc.cluster.local"]')}---${externalName}---${vs90}`,
      request: { host: 'old' },
      share: NINETY_TEN,
    },
    {
      says: 'Sidecar egress takes the Service out again: passthrough',
      yaml: `${sidecar('["./*", "~demo/shop.demo.svc.cluster.local"]')}---${vs90}`,
      share: EVEN,
      protocol: 'passthrough',
    },
    {
      says: 'Sidecar egress takes another Service out: VS applies',
      yaml: `${sidecar('["./*", "~/cart.demo.svc.cluster.local"]')}---${vs90}`,
      share: NINETY_TEN,
    },
    {
      says: 'unknown Host on a port without Service, REGISTRY_ONLY: reset',
      yaml: sidecar('["./*"]', ', outboundTrafficPolicy: {mode: REGISTRY_ONLY}'),
      request: { host: 'nobody', port: 9999 },
      failed: { '000 reset': 1 },
    },
  ],
};

const delegate = (http: string, more = '') => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: part, namespace: demo}
spec: {${more} http: ${http}}
`;
const root = virtualService(`[{match: [{uri: {prefix: /a}}], delegate: {name: part}}, {${to('v1')}}]`);
const AT = (path: string, headers = {}): Pick<Case, 'request'> => ({ request: { path, headers } });

export const delegates: Table = {
  title: 'Delegates',
  cases: [
    {
      says: 'the delegate routes what the root matches',
      yaml: `${root}---${delegate(`[{${to('v2')}}]`)}`,
      ...AT('/a'),
      share: { v2: 1 },
    },
    {
      says: 'what the root does not match goes on',
      yaml: `${root}---${delegate(`[{${to('v2')}}]`)}`,
      ...AT('/b'),
      share: { v1: 1 },
    },
    {
      says: 'root and delegate matches are and-ed: both hold',
      yaml: `${root}---${delegate(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`)}`,
      ...AT('/a', { x: '1' }),
      share: { v2: 1 },
    },
    {
      says: 'root and delegate matches are and-ed: the delegate match alone is not enough',
      yaml: `${root}---${delegate(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`)}`,
      ...AT('/b', { x: '1' }),
      share: { v1: 1 },
    },
    {
      says: 'the rule is dropped, the next rules apply: a delegate that is missing',
      yaml: root,
      ...AT('/a'),
      share: { v1: 1 },
      warns: ['DELEGATE_DROPPED'],
    },
    {
      says: 'the rule is dropped, the next rules apply: conflicts with the root match',
      yaml: `${root}---${delegate(`[{match: [{uri: {prefix: /z}}], ${to('v2')}}]`)}`,
      ...AT('/a'),
      share: { v1: 1 },
      warns: ['DELEGATE_DROPPED'],
    },
    {
      says: 'the rule is dropped, the next rules apply: has hosts',
      yaml: `${root}---${delegate(`[{${to('v2')}}]`, 'hosts: [x.example.com],')}`,
      ...AT('/a'),
      share: { v1: 1 },
      warns: ['DELEGATE_DROPPED'],
    },
    {
      says: "the rule is dropped, the next rules apply: is not exported to the root's namespace",
      yaml: `${root}---${delegate(`[{${to('v2')}}]`, 'exportTo: [ops],')}`,
      ...AT('/a'),
      share: { v1: 1 },
      warns: ['DELEGATE_DROPPED'],
    },
    {
      says: 'the rule is dropped, the next rules apply: delegates again',
      yaml: `${root}---${delegate('[{delegate: {name: other}}]')}`,
      ...AT('/a'),
      share: { v1: 1 },
      warns: ['DELEGATE_DROPPED'],
    },
    {
      says: 'root and delegate matches are and-ed: the root match alone is not enough',
      yaml: `${root}---${delegate(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`)}`,
      ...AT('/a'),
      share: { v1: 1 },
    },
  ],
};

const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: demo}
spec: {selector: {istio: ingress}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*.example.com"]}]}
`;
const INGRESS = { workload: 'ingress', namespace: 'istio-system', labels: { istio: 'ingress' }, gateway: true };
const bound = (http: string, over: Parameters<typeof virtualService>[1] = {}) =>
  virtualService(http, { hosts: '[shop.example.com]', more: 'gateways: [gw]', ...over });
const outside = (over: Partial<Case>): Case => ({
  says: '',
  from: INGRESS,
  request: { port: 8080, host: 'shop.example.com' },
  ...over,
});
const xRule = `[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`;

export const gateways: Table = {
  title: 'Gateways',
  cases: [
    outside({
      says: "a VS on a gateway: short destination.host = the VS's namespace",
      yaml: `${GATEWAY}---${bound(split(90, 10))}`,
      share: NINETY_TEN,
    }),
    outside({
      says: 'two VS on a gateway: merged, catch-all last, although older',
      yaml: [
        GATEWAY,
        bound(`[{${to('v1')}}]`, { name: 'a', created: OLD }),
        bound(xRule, { name: 'b', created: NEW }),
      ].join('---'),
      request: { port: 8080, host: 'shop.example.com', headers: { x: '1' } },
      share: { v2: 1 },
    }),
    outside({
      says: 'two VS on a gateway: merged, catch-all last, in the other age order too: it takes the rest',
      yaml: [
        GATEWAY,
        bound(`[{${to('v1')}}]`, { name: 'a', created: NEW }),
        bound(xRule, { name: 'b', created: OLD }),
      ].join('---'),
      share: { v1: 1 },
    }),
    outside({
      says: 'a gateway is not told of a Service exported to others alone, whatever routes of the mesh lead there: 503 NC',
      from: { ...INGRESS, namespace: 'demo' },
      base: SERVICE.replace('namespace: demo', 'namespace: demo, annotations: {networking.istio.io/exportTo: ops}'),
      yaml: [
        GATEWAY,
        bound(`[{route: [{destination: {host: shop}}]}]`),
        virtualService('[{route: [{destination: {host: shop}}]}]', { name: 'inside' }),
      ].join('---'),
      failed: { '503 NC': 1 },
    }),
    outside({
      says: 'a gateway: host no VS names: 404 NR',
      yaml: `${GATEWAY}---${bound(split(90, 10))}`,
      request: { port: 8080, host: 'other.example.com' },
      failed: { '404 NR': 1 },
    }),
    outside({
      says: 'Gateway whose selector matches no proxy: port closed',
      yaml: `${GATEWAY.replace('istio: ingress', 'istio: other')}---${bound(split(90, 10))}`,
      failed: { '000 refused': 1 },
      protocol: 'none',
    }),
    outside({
      says: 'a gateway: a VS for the mesh does not apply',
      yaml: `${GATEWAY}---${virtualService(split(90, 10), { hosts: '[shop.example.com]' })}`,
      failed: { '404 NR': 1 },
    }),
    outside({
      says: 'two VS on a gateway: merged, catch-all last, in the other age order too: the match is not hidden',
      yaml: [
        GATEWAY,
        bound(`[{${to('v1')}}]`, { name: 'a', created: NEW }),
        bound(xRule, { name: 'b', created: OLD }),
      ].join('---'),
      request: { port: 8080, host: 'shop.example.com', headers: { x: '1' } },
      share: { v2: 1 },
    }),
    outside({
      says: "a VS of another namespace on a gateway: short destination.host = the VS's namespace -> 503 NC",
      yaml: `${GATEWAY}---${bound(split(90, 10), { namespace: 'ops', more: 'gateways: [demo/gw]' })}`,
      failed: { '503 NC': 1 },
    }),
  ],
};
