import { SUBSETS, split, virtualService } from '../support/mesh.js';
import { type Case, EVEN, NEW, NINETY_TEN, OLD, OPS, service, table, to, vs90 } from '../support/meshCases.js';

table('from host to virtual host', [
  { says: 'a short host in the same namespace is the Service', yaml: vs90, share: NINETY_TEN, warns: [] },
  ...[
    'shop.demo',
    'shop.demo.svc',
    'shop.demo.svc.cluster.local',
    'shop.demo.svc.cluster.local.',
    '10.0.0.1',
    'SHOP:8080',
  ].map(
    (host): Case => ({
      says: `the VirtualService applies to calls of ${host}`,
      yaml: vs90,
      request: { host },
      share: NINETY_TEN,
    }),
  ),
  {
    says: 'from another namespace the short name means nothing and passes through',
    yaml: vs90,
    from: OPS,
    share: { unknown: 1 },
    protocol: 'passthrough',
  },
  {
    says: 'from another namespace shop.demo is routed',
    yaml: vs90,
    from: OPS,
    request: { host: 'shop.demo' },
    share: NINETY_TEN,
  },
  {
    says: 'a host with one dot leaves callers of the short name balanced',
    yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
    share: EVEN,
    warns: ['HOST_WITH_ONE_DOT'],
  },
  {
    says: 'a host with one dot leaves callers of the FQDN balanced',
    yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
    request: { host: 'shop.demo.svc.cluster.local' },
    share: EVEN,
  },
  {
    says: 'a host with one dot splits for those who write exactly that',
    yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
    request: { host: 'shop.demo' },
    share: NINETY_TEN,
  },
  {
    says: 'a host with one dot does not take the name from the Service of an older VirtualService',
    yaml: [
      virtualService(`[{${to('v2')}}]`, { name: 'a', hosts: '[shop.demo]', created: NEW }),
      virtualService(split(90, 10), { name: 'b', hosts: '["*.demo.svc.cluster.local"]', created: OLD }),
    ].join('---'),
    request: { host: 'shop.demo' },
    share: NINETY_TEN,
  },
  {
    says: 'a host with one dot takes the name from the Service of a newer VirtualService',
    yaml: [
      virtualService(`[{${to('v2')}}]`, { name: 'a', hosts: '[shop.demo]', created: OLD }),
      virtualService(split(90, 10), { name: 'b', created: NEW }),
    ].join('---'),
    request: { host: 'shop.demo' },
    share: { v2: 1 },
  },
  {
    says: 'a host with one dot takes the name from the Service that the same VirtualService names',
    yaml: virtualService(split(90, 10), { hosts: '[shop.demo, shop]' }),
    request: { host: 'shop.demo' },
    share: NINETY_TEN,
  },
  {
    says: 'a host with one dot is still the address of the Service, which refuses on other ports',
    yaml: virtualService(split(90, 10), { hosts: '[shop.demo]' }),
    request: { host: 'shop.demo', port: 81 },
    failed: { '000 refused': 1 },
  },
  {
    says: 'a destination host with one dot is no cluster',
    yaml: virtualService(`[{${to('v1', 'shop.demo')}}]`),
    failed: { '503 NC': 1 },
    warns: ['HOST_WITH_ONE_DOT'],
  },
  {
    says: 'a short host in a rule of another namespace has no effect',
    yaml: virtualService(split(90, 10), { namespace: 'ops' }),
    share: EVEN,
    warns: ['SHORT_HOST_OTHER_NAMESPACE'],
  },
  {
    says: 'the FQDN works from another namespace, but short destinations there are no clusters',
    yaml: virtualService(split(90, 10), { namespace: 'ops', hosts: '[shop.demo.svc.cluster.local]' }),
    failed: { '503 NC': 1 },
    warns: ['SHORT_HOST_OTHER_NAMESPACE'],
  },
  {
    says: 'a misspelt host has no effect',
    yaml: virtualService(split(90, 10), { hosts: '[shp]' }),
    share: EVEN,
    warns: ['HOST_UNKNOWN'],
  },
  {
    says: 'an empty list of hosts has no effect',
    yaml: virtualService(split(90, 10), { hosts: '[]' }),
    share: EVEN,
    warns: ['HOST_UNKNOWN'],
  },
  {
    says: 'a wildcard over the namespace applies',
    yaml: virtualService(split(90, 10), { hosts: '["*.demo.svc.cluster.local"]' }),
    share: NINETY_TEN,
  },
  {
    says: 'an exact host beats an older wildcard',
    yaml: [
      virtualService(split(50, 50), { name: 'wide', hosts: '["*.demo.svc.cluster.local"]', created: OLD }),
      virtualService(split(90, 10), { created: NEW }),
    ].join('---'),
    share: NINETY_TEN,
  },
  {
    says: 'a wildcard does not step in where the exact host has rules for other sources only',
    yaml: [
      virtualService(`[{${to('v2')}}]`, { name: 'wide', hosts: '["*.demo.svc.cluster.local"]', created: OLD }),
      virtualService(`[{match: [{sourceLabels: {app: other}}], ${to('v1')}}]`, { created: NEW }),
    ].join('---'),
    share: EVEN,
  },
  {
    says: 'a host that no registry knows passes through where the only Service of the port has a detected protocol',
    base: `${service('{port: 80, name: web, targetPort: 8080}')}---${SUBSETS}`,
    yaml: virtualService(split(90, 10), { hosts: '[legacy.example.com]' }),
    request: { host: 'legacy.example.com' },
    share: { unknown: 1 },
    protocol: 'passthrough',
  },
  {
    says: 'a host that no registry knows is not routed on another port than 80 by itself',
    base: `${service('{port: 8080, name: http, targetPort: 8080}')}---${SUBSETS}`,
    yaml: virtualService(split(90, 10), { hosts: '[legacy.example.com]' }),
    request: { host: 'legacy.example.com', port: 8080 },
    share: { unknown: 1 },
    protocol: 'passthrough',
  },
  {
    says: 'a host that no registry knows is routed on the port of a Service that its VirtualService names too',
    base: `${service('{port: 8080, name: http, targetPort: 8080}')}---${SUBSETS}`,
    yaml: virtualService(split(90, 10), { hosts: '[shop, legacy.example.com]' }),
    request: { host: 'legacy.example.com', port: 8080 },
    share: NINETY_TEN,
  },
  {
    says: 'the host * on the mesh is refused',
    yaml: virtualService(split(90, 10), { hosts: '["*"]' }),
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'a host that no registry knows works on a port of some HTTP Service',
    yaml: virtualService(split(90, 10), { hosts: '[legacy.example.com]' }),
    request: { host: 'legacy.example.com' },
    share: NINETY_TEN,
  },
  {
    says: 'a VirtualService for a gateway alone is ignored by sidecars',
    yaml: virtualService(split(90, 10), { more: 'gateways: [gw]' }),
    share: EVEN,
    warns: ['VIRTUAL_SERVICE_NOT_FOR_MESH'],
  },
  {
    says: 'a gateway and mesh apply',
    yaml: virtualService(split(90, 10), { more: 'gateways: [gw, mesh]' }),
    share: NINETY_TEN,
  },
  { says: 'mesh alone applies', yaml: virtualService(split(90, 10), { more: 'gateways: [mesh]' }), share: NINETY_TEN },
  {
    says: 'rules for other sources only are as no VirtualService',
    yaml: virtualService(`[{match: [{sourceLabels: {app: other}}], ${to('v2')}}]`),
    share: EVEN,
  },
  {
    says: 'a rule for this source applies',
    yaml: virtualService(`[{match: [{sourceLabels: {app: client}}], ${to('v2')}}]`),
    share: { v2: 1 },
  },
  {
    says: 'a rule for another source namespace drops out',
    yaml: virtualService(`[{match: [{sourceNamespace: ops}], ${to('v2')}}, {${to('v1')}}]`),
    share: { v1: 1 },
  },
  {
    says: 'only conditional rules leave 404 for the rest',
    yaml: virtualService(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`),
    failed: { '404 NR': 1 },
  },
]);
