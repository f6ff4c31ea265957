import { SERVICE, SUBSETS, split, virtualService } from '../../support/mesh.js';
import { type Case, EVEN, NEW, NINETY_TEN, OLD, OPS, service, type Table, to, vs90 } from '../../support/meshCases.js';

export const hosts: Table = {
  title: 'From host to virtual host',
  cases: [
    { says: 'short host in demo: 90/10', yaml: vs90, share: NINETY_TEN, warns: [] },
    ...['shop.demo', 'shop.demo.svc', 'shop.demo.svc.cluster.local', 'shop.demo.svc.cluster.local.', '10.0.0.1'].map(
      (host): Case => ({
        says: `domains of the Service: ${host}`,
        yaml: vs90,
        request: { host },
        share: NINETY_TEN,
      }),
    ),
    {
      says: 'domains: shop only in namespace demo, from ops it passes through',
      yaml: vs90,
      from: OPS,
      share: { unknown: 1 },
      protocol: 'passthrough',
    },
    {
      says: 'short host in demo, called as shop.demo from ops: VS applies',
      yaml: vs90,
      from: OPS,
      request: { host: 'shop.demo' },
      share: NINETY_TEN,
    },
    {
      says: 'VS host with one dot (shop.demo) is not the Service: shop keeps plain balancing',
      yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
      share: EVEN,
      warns: ['HOST_WITH_ONE_DOT'],
    },
    {
      says: 'VS host with one dot (shop.demo) is not the Service: the FQDN keeps plain balancing',
      yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
      request: { host: 'shop.demo.svc.cluster.local' },
      share: EVEN,
    },
    {
      says: 'VS host with one dot (shop.demo): the split holds for callers that write shop.demo',
      yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
      request: { host: 'shop.demo' },
      share: NINETY_TEN,
    },
    {
      says: "VS host with one dot (shop.demo) takes that domain from the Service: not from one that an older VS rules, says Istio's compiler",
      yaml: [
        virtualService(`[{${to('v2')}}]`, { name: 'a', hosts: '[shop.demo]', created: NEW }),
        virtualService(split(90, 10), { name: 'b', hosts: '["*.demo.svc.cluster.local"]', created: OLD }),
      ].join('---'),
      request: { host: 'shop.demo' },
      share: NINETY_TEN,
    },
    {
      says: 'VS host with one dot (shop.demo) takes that domain from the Service: from one that a newer VS rules',
      yaml: [
        virtualService(`[{${to('v2')}}]`, { name: 'a', hosts: '[shop.demo]', created: OLD }),
        virtualService(split(90, 10), { name: 'b', created: NEW }),
      ].join('---'),
      request: { host: 'shop.demo' },
      share: { v2: 1 },
    },
    {
      says: 'VS host with one dot (shop.demo) beside shop in one VS: the split holds for callers that write shop.demo',
      yaml: virtualService(split(90, 10), { hosts: '[shop.demo, shop]' }),
      request: { host: 'shop.demo' },
      share: NINETY_TEN,
    },
    {
      says: 'VS host with one dot (shop.demo): still the address of the Service, which refuses on other ports',
      yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
      request: { host: 'shop.demo', port: 81 },
      failed: { '000 refused': 1 },
    },
    {
      says: 'destination.host: shop.demo -> 503 NC',
      yaml: virtualService(`[{${to('v1', 'shop.demo')}}]`),
      failed: { '503 NC': 1 },
      warns: ['HOST_WITH_ONE_DOT'],
    },
    {
      says: 'hosts: [shop] in namespace ops means shop.ops: no effect on shop.demo',
      yaml: virtualService(split(90, 10), { namespace: 'ops' }),
      share: EVEN,
      warns: ['SHORT_HOST_OTHER_NAMESPACE'],
    },
    {
      says: 'FQDN in namespace ops, short destination.host there -> 503 NC',
      yaml: virtualService(split(90, 10), { namespace: 'ops', hosts: '[shop.demo.svc.cluster.local]' }),
      failed: { '503 NC': 1 },
      warns: ['SHORT_HOST_OTHER_NAMESPACE'],
    },
    {
      says: 'host typo: accepted, no effect',
      yaml: virtualService(split(90, 10), { hosts: '[shp]' }),
      share: EVEN,
      warns: ['HOST_UNKNOWN'],
    },
    {
      says: 'hosts: []: accepted, no effect',
      yaml: virtualService(split(90, 10), { hosts: '[]' }),
      share: EVEN,
      warns: ['HOST_UNKNOWN'],
    },
    {
      says: '*.demo.svc.cluster.local works',
      yaml: virtualService(split(90, 10), { hosts: '["*.demo.svc.cluster.local"]' }),
      share: NINETY_TEN,
    },
    {
      says: 'an exact host beats *.demo.svc.cluster.local at any age: the wildcard older',
      yaml: [
        virtualService(split(50, 50), { name: 'wide', hosts: '["*.demo.svc.cluster.local"]', created: OLD }),
        virtualService(split(90, 10), { created: NEW }),
      ].join('---'),
      share: NINETY_TEN,
    },
    {
      says: "*.demo.svc.cluster.local does not step in where all rules of the exact host drop out, says Istio's compiler",
      yaml: [
        virtualService(`[{${to('v2')}}]`, { name: 'wide', hosts: '["*.demo.svc.cluster.local"]', created: OLD }),
        virtualService(`[{match: [{sourceLabels: {app: other}}], ${to('v1')}}]`, { created: NEW }),
      ].join('---'),
      share: EVEN,
    },
    {
      says: "an unknown VS host works on a port that some HTTP Service uses: not where its protocol is detected, says Istio's compiler",
      base: `${service('{port: 80, name: web, targetPort: 8080}')}---${SUBSETS}`,
      yaml: virtualService(split(90, 10), { hosts: '[legacy.example.com]' }),
      request: { host: 'legacy.example.com' },
      share: { unknown: 1 },
      protocol: 'passthrough',
    },
    {
      says: "an unknown VS host works on a port that some HTTP Service uses: by itself on port 80 alone, says Istio's compiler",
      base: `${service('{port: 8080, name: http, targetPort: 8080}')}---${SUBSETS}`,
      yaml: virtualService(split(90, 10), { hosts: '[legacy.example.com]' }),
      request: { host: 'legacy.example.com', port: 8080 },
      share: { unknown: 1 },
      protocol: 'passthrough',
    },
    {
      says: 'an unknown VS host works on a port that some HTTP Service uses: on 8080 where its VS names that Service too',
      base: `${service('{port: 8080, name: http, targetPort: 8080}')}---${SUBSETS}`,
      yaml: virtualService(split(90, 10), { hosts: '[shop, legacy.example.com]' }),
      request: { host: 'legacy.example.com', port: 8080 },
      share: NINETY_TEN,
    },
    {
      says: '"*" on mesh: webhook rejects',
      yaml: virtualService(split(90, 10), { hosts: '["*"]' }),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: 'an unknown VS host works on a port that some HTTP Service uses: port 80',
      yaml: virtualService(split(90, 10), { hosts: '[legacy.example.com]' }),
      request: { host: 'legacy.example.com' },
      share: NINETY_TEN,
    },
    {
      says: 'gateways: [gw]: sidecars ignore it (plain balancing)',
      yaml: virtualService(split(90, 10), { more: 'gateways: [gw]' }),
      share: EVEN,
      warns: ['VIRTUAL_SERVICE_NOT_FOR_MESH'],
    },
    {
      says: 'gateways: [gw, mesh]: applies',
      yaml: virtualService(split(90, 10), { more: 'gateways: [gw, mesh]' }),
      share: NINETY_TEN,
    },
    {
      says: 'gateways: [mesh]: applies',
      yaml: virtualService(split(90, 10), { more: 'gateways: [mesh]' }),
      share: NINETY_TEN,
    },
    {
      says: 'all rules drop out for this client (sourceLabels): as if no VS, plain balancing',
      yaml: virtualService(`[{match: [{sourceLabels: {app: other}}], ${to('v2')}}]`),
      share: EVEN,
    },
    {
      says: 'a rule with the sourceLabels of this client applies',
      yaml: virtualService(`[{match: [{sourceLabels: {app: client}}], ${to('v2')}}]`),
      share: { v2: 1 },
    },
    {
      says: 'a rule with another sourceNamespace drops out, the next one applies',
      yaml: virtualService(`[{match: [{sourceNamespace: ops}], ${to('v2')}}, {${to('v1')}}]`),
      share: { v1: 1 },
    },
    {
      says: 'only conditional matches present: 404 NR for the rest',
      yaml: virtualService(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`),
      failed: { '404 NR': 1 },
    },
    {
      says: 'domains of the Service: no :port variants, the port in the Host header is ignored',
      yaml: vs90,
      request: { host: 'SHOP:8080' },
      share: NINETY_TEN,
    },
    {
      says: 'the sidecar takes the listener of the dialled IP:port: a TCP Service',
      base: `${service('{name: tcp, port: 90, targetPort: 8080}')}---${SUBSETS}`,
      yaml: virtualService('[]', { more: `tcp: ${split(90, 10)}` }),
      request: { host: '10.0.0.1', port: 90 },
      share: NINETY_TEN,
      protocol: 'tcp',
    },
    {
      says: 'else 0.0.0.0:port: an HTTP Service',
      yaml: vs90,
      request: { host: '10.0.0.1' },
      share: NINETY_TEN,
      protocol: 'http',
    },
    {
      says: 'else passthrough: a port that nothing listens on',
      yaml: vs90,
      request: { host: 'other.example.com', port: 9999 },
      share: { unknown: 1 },
      protocol: 'passthrough',
    },
    {
      says: 'all HTTP Services of one port number share one route configuration: one route that Envoy refuses freezes them all',
      yaml: [
        SERVICE.replace('{name: shop,', '{name: cart,').replace('10.0.0.1', '10.0.0.2'),
        virtualService(
          '[{route: [{destination: {host: cart}}], fault: {abort: {httpStatus: 600, percentage: {value: 1}}}}]',
          { name: 'cart', hosts: '[cart]' },
        ),
      ].join('---'),
      share: EVEN,
      warns: ['PROXY_REFUSES'],
    },
    {
      says: 'FQDN in namespace ops works',
      yaml: virtualService(split(90, 10).replaceAll('host: shop', 'host: shop.demo.svc.cluster.local'), {
        namespace: 'ops',
        hosts: '[shop.demo.svc.cluster.local]',
      }),
      share: NINETY_TEN,
    },
    {
      says: 'short host in demo, called by ClusterIP from ops: VS applies',
      yaml: vs90,
      from: OPS,
      request: { host: '10.0.0.1' },
      share: NINETY_TEN,
    },
    {
      says: 'an exact host beats *.demo.svc.cluster.local at any age: the wildcard newer',
      yaml: [
        virtualService(split(50, 50), { name: 'wide', hosts: '["*.demo.svc.cluster.local"]', created: NEW }),
        virtualService(split(90, 10), { created: OLD }),
      ].join('---'),
      share: NINETY_TEN,
    },
    {
      says: 'VS host with one dot (shop.demo) takes that domain from a Service without VS',
      yaml: virtualService(`[{${to('v2')}}]`, { hosts: '[shop.demo]' }),
      from: OPS,
      request: { host: 'shop.demo' },
      share: { v2: 1 },
    },
    { says: 'gateways omitted: applies', yaml: vs90, share: NINETY_TEN },
    {
      says: 'all rules drop out for this client (missing delegate): as if no VS, plain balancing',
      yaml: virtualService('[{match: [{uri: {prefix: /}}], delegate: {name: nobody}}]'),
      share: EVEN,
      warns: ['DELEGATE_DROPPED'],
    },
    {
      says: 'only conditional matches present: the match applies',
      yaml: virtualService(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`),
      request: { headers: { x: '1' } },
      share: { v2: 1 },
    },
  ],
};
