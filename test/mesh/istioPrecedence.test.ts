import { pods, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';
import {
  both,
  type Case,
  EVEN,
  NEW,
  NINETY_TEN,
  OLD,
  OPS,
  rule,
  service,
  table,
  to,
  vs90,
} from '../support/meshCases.js';

const two = (first: string, second: string) => [first, second].join('---');
const exported = (namespace: string, exportTo: string, more: Parameters<typeof virtualService>[1] = {}) =>
  virtualService(`[{route: [{destination: {host: shop.demo.svc.cluster.local, subset: v2}}]}]`, {
    name: 'mine',
    namespace,
    hosts: '[shop.demo.svc.cluster.local]',
    more: `exportTo: ${exportTo}`,
    ...more,
  });
const ALL = virtualService(`[{${to('v1')}}]`, { created: OLD });
const FROM_OPS: Pick<Case, 'from' | 'request'> = { from: OPS, request: { host: 'shop.demo' } };

table('which VirtualService', [
  {
    says: 'of two for one host the oldest wins whole',
    yaml: two(
      virtualService(split(50, 50), { name: 'a', created: NEW }),
      virtualService(split(90, 10), { name: 'b', created: OLD }),
    ),
    share: NINETY_TEN,
    warns: ['DUPLICATE_VIRTUAL_SERVICE'],
  },
  {
    says: 'of two of one second the name decides',
    yaml: two(
      virtualService(split(50, 50), { name: 'b', created: OLD }),
      virtualService(split(90, 10), { name: 'a', created: OLD }),
    ),
    share: NINETY_TEN,
  },
  {
    says: 'of two of one second and name the namespace decides',
    yaml: two(
      virtualService(split(50, 50), { created: OLD }),
      virtualService(split(90, 10).replaceAll('host: shop', 'host: shop.demo.svc.cluster.local'), {
        namespace: 'alpha',
        hosts: '[shop.demo.svc.cluster.local]',
        created: OLD,
      }),
    ),
    share: NINETY_TEN,
  },
  {
    says: 'short and full spelling are the same host',
    yaml: two(
      virtualService(split(50, 50), { name: 'full', hosts: '[shop.demo.svc.cluster.local]', created: NEW }),
      virtualService(split(90, 10), { created: OLD }),
    ),
    share: NINETY_TEN,
    warns: ['DUPLICATE_VIRTUAL_SERVICE'],
  },
  {
    says: 'an older one with a match alone hides the default of the newer',
    yaml: two(
      virtualService(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`, { name: 'match', created: OLD }),
      virtualService(split(90, 10), { created: NEW }),
    ),
    failed: { '404 NR': 1 },
  },
  {
    says: 'a newer private one in the client namespace beats an older public one',
    yaml: two(ALL, exported('ops', '["."]', { created: NEW })),
    ...FROM_OPS,
    share: { v2: 1 },
  },
  {
    says: 'one exported by name beats an older public one',
    yaml: two(ALL, exported('third', '[ops]', { created: NEW })),
    ...FROM_OPS,
    share: { v2: 1 },
  },
  {
    says: 'a private one elsewhere is not seen',
    yaml: exported('demo', '["."]'),
    ...FROM_OPS,
    share: EVEN,
    warns: ['VIRTUAL_SERVICE_NOT_EXPORTED'],
  },
  { says: 'exportTo ~ is refused', yaml: exported('demo', '["~"]'), share: EVEN, warns: ['OBJECT_REFUSED'] },
  {
    says: 'a Service that is not exported passes through to the ClusterIP',
    base: `${service('{name: http, port: 80}', ', annotations: {networking.istio.io/exportTo: "."}')}---${SUBSETS}`,
    yaml: vs90,
    pods: [...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1)],
    ...FROM_OPS,
    share: { v1: 0.75, v2: 0.25 },
    protocol: 'passthrough',
  },
]);

const FQDN = 'shop.demo.svc.cluster.local';
const based = (...rest: string[]) => [SERVICE, vs90, ...rest].join('---');

table('which DestinationRule', [
  {
    says: 'exported to nobody else, its subsets are unknown elsewhere',
    base: based(rule('r', 'demo', `{host: shop, exportTo: ["."], ${both}}`)),
    ...FROM_OPS,
    failed: { '503 NC': 1 },
    warns: ['SUBSET_MISSING'],
  },
  {
    says: 'one in the client namespace is found first',
    base: based(rule('r', 'ops', `{host: ${FQDN}, ${both}}`)),
    ...FROM_OPS,
    share: NINETY_TEN,
  },
  {
    says: 'one in the root namespace is found last',
    base: based(rule('r', 'istio-system', `{host: ${FQDN}, ${both}}`)),
    share: NINETY_TEN,
  },
  {
    says: 'one in a third namespace never',
    base: based(rule('r', 'third', `{host: ${FQDN}, ${both}}`)),
    failed: { '503 NC': 1 },
    warns: ['SUBSET_MISSING'],
  },
  {
    says: 'one with a policy alone in the client namespace hides the subsets',
    base: based(SUBSETS, rule('r', 'ops', `{host: ${FQDN}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}`)),
    ...FROM_OPS,
    failed: { '503 NC': 1 },
    warns: ['SUBSET_MISSING'],
  },
  {
    says: 'two for one host and namespace are united',
    base: based(
      rule('a', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}'),
      rule('b', 'demo', `{host: ${FQDN}, subsets: [{name: v2, labels: {version: v2}}]}`),
    ),
    share: NINETY_TEN,
  },
  {
    says: 'of two equal subset names the older wins',
    base: based(
      rule('a', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v2}}]}', NEW),
      rule('b', 'demo', `{host: shop, ${both}}`, OLD),
    ),
    share: NINETY_TEN,
  },
  {
    says: 'of two equal subset names of one second the name decides',
    base: based(
      rule('a', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v2}}]}'),
      rule('b', 'demo', `{host: shop, ${both}}`),
    ),
    share: { v2: 1 },
  },
  {
    says: 'an exact host is used alone, a subset of the wildcard is unknown',
    base: based(
      rule('wide', 'demo', `{host: "*.demo.svc.cluster.local", ${both}}`),
      rule('exact', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}'),
    ),
    share: { v1: 0.9 },
    failed: { '503 NC': 0.1 },
    warns: ['SUBSET_MISSING'],
  },
  {
    says: 'a wildcard alone serves',
    base: based(rule('wide', 'demo', `{host: "*.demo.svc.cluster.local", ${both}}`)),
    share: NINETY_TEN,
  },
  {
    says: 'a short host in another namespace is another host',
    base: based(rule('r', 'ops', `{host: shop, ${both}}`)),
    failed: { '503 NC': 1 },
  },
]);
