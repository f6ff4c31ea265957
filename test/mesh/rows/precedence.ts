import { pods, SERVICE, SUBSETS, split, virtualService } from '../../support/mesh.js';
import {
  both,
  type Case,
  EVEN,
  exported,
  NEW,
  NINETY_TEN,
  OLD,
  OPS,
  rule,
  service,
  type Table,
  to,
  vs90,
} from '../../support/meshCases.js';

const two = (first: string, second: string) => [first, second].join('---');
const ALL = virtualService(`[{${to('v1')}}]`, { created: OLD });
const FROM_OPS: Pick<Case, 'from' | 'request'> = { from: OPS, request: { host: 'shop.demo' } };

export const whichVirtualService: Table = {
  title: 'Which VirtualService',
  cases: [
    {
      says: 'two VS, one host, mesh: one wins whole, the oldest',
      yaml: two(
        virtualService(split(50, 50), { name: 'a', created: NEW }),
        virtualService(split(90, 10), { name: 'b', created: OLD }),
      ),
      share: NINETY_TEN,
      warns: ['DUPLICATE_VIRTUAL_SERVICE'],
    },
    {
      says: 'two VS, one host, mesh: tie (same second) by name',
      yaml: two(
        virtualService(split(50, 50), { name: 'b', created: OLD }),
        virtualService(split(90, 10), { name: 'a', created: OLD }),
      ),
      share: NINETY_TEN,
    },
    {
      says: "two VS, one host, mesh: tie by name, then namespace; another namespace's VS counts too",
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
      says: 'two VS, one host, mesh: short and FQDN spelling are the same host',
      yaml: two(
        virtualService(split(50, 50), { name: 'full', hosts: '[shop.demo.svc.cluster.local]', created: NEW }),
        virtualService(split(90, 10), { created: OLD }),
      ),
      share: NINETY_TEN,
      warns: ['DUPLICATE_VIRTUAL_SERVICE'],
    },
    {
      says: 'older has only match x=1, newer the default: plain requests 404 NR',
      yaml: two(
        virtualService(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`, { name: 'match', created: OLD }),
        virtualService(split(90, 10), { created: NEW }),
      ),
      failed: { '404 NR': 1 },
    },
    {
      says: 'newer VS with exportTo ["."] in the namespace of the client, older public one: the newer wins',
      yaml: two(ALL, exported('ops', '["."]', { created: NEW })),
      ...FROM_OPS,
      share: { v2: 1 },
    },
    {
      says: "newer VS exported to the client's namespace by name, older public one: the newer wins",
      yaml: two(ALL, exported('third', '[ops]', { created: NEW })),
      ...FROM_OPS,
      share: { v2: 1 },
    },
    {
      says: 'exportTo ["."], client elsewhere: VS: plain balancing',
      yaml: exported('demo', '["."]'),
      ...FROM_OPS,
      share: EVEN,
      warns: ['VIRTUAL_SERVICE_NOT_EXPORTED'],
    },
    {
      says: 'exportTo ["~"]: webhook rejects',
      yaml: exported('demo', '["~"]'),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: 'exportTo ["."], client elsewhere: Service (annotation networking.istio.io/exportTo): passthrough',
      base: `${service('{name: http, port: 80}', ', annotations: {networking.istio.io/exportTo: "."}')}---${SUBSETS}`,
      yaml: vs90,
      pods: [...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1)],
      ...FROM_OPS,
      share: { v1: 0.75, v2: 0.25 },
      protocol: 'passthrough',
    },
    {
      says: 'older has only match x=1, newer the default: requests with x=1 are routed',
      yaml: two(
        virtualService(`[{match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`, { name: 'match', created: OLD }),
        virtualService(split(90, 10), { created: NEW }),
      ),
      request: { headers: { x: '1' } },
      share: { v2: 1 },
    },
    {
      says: 'private, then exported to this namespace, then public: private beats an older exported one',
      yaml: two(
        exported('third', '[ops]', { name: 'named', created: OLD }),
        virtualService('[{route: [{destination: {host: shop.demo.svc.cluster.local, subset: v1}}]}]', {
          namespace: 'ops',
          hosts: '[shop.demo.svc.cluster.local]',
          more: 'exportTo: ["."]',
          created: NEW,
        }),
      ),
      ...FROM_OPS,
      share: { v1: 1 },
    },
    {
      says: 'private, then exported to this namespace, then public: age only inside a group',
      yaml: two(
        exported('ops', '["."]', { name: 'a', created: NEW }),
        virtualService('[{route: [{destination: {host: shop.demo.svc.cluster.local, subset: v1}}]}]', {
          name: 'b',
          namespace: 'ops',
          hosts: '[shop.demo.svc.cluster.local]',
          more: 'exportTo: ["."]',
          created: OLD,
        }),
      ),
      ...FROM_OPS,
      share: { v1: 1 },
    },
  ],
};

const FQDN = 'shop.demo.svc.cluster.local';
const based = (...rest: string[]) => [SERVICE, vs90, ...rest].join('---');

export const whichDestinationRule: Table = {
  title: 'Which DestinationRule',
  cases: [
    {
      says: 'exportTo ["."], client elsewhere: DR: subsets 503 NC',
      base: based(rule('r', 'demo', `{host: shop, exportTo: ["."], ${both}}`)),
      ...FROM_OPS,
      failed: { '503 NC': 1 },
      warns: ['SUBSET_MISSING'],
    },
    {
      says: "DR lookup: client's namespace, Service's, root: in the client's",
      base: based(rule('r', 'ops', `{host: ${FQDN}, ${both}}`)),
      ...FROM_OPS,
      share: NINETY_TEN,
    },
    {
      says: "DR lookup: client's namespace, Service's, root: in the root (istio-system)",
      base: based(rule('r', 'istio-system', `{host: ${FQDN}, ${both}}`)),
      share: NINETY_TEN,
    },
    {
      says: 'DR lookup: a third namespace never',
      base: based(rule('r', 'third', `{host: ${FQDN}, ${both}}`)),
      failed: { '503 NC': 1 },
      warns: ['SUBSET_MISSING'],
    },
    {
      says: "DR with only a trafficPolicy in the client's namespace hides the Service namespace's subsets: 503 NC for everything",
      base: based(SUBSETS, rule('r', 'ops', `{host: ${FQDN}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}`)),
      ...FROM_OPS,
      failed: { '503 NC': 1 },
      warns: ['SUBSET_MISSING'],
    },
    {
      says: 'two DRs, same host and namespace: subsets united',
      base: based(
        rule('a', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}'),
        rule('b', 'demo', `{host: ${FQDN}, subsets: [{name: v2, labels: {version: v2}}]}`),
      ),
      share: NINETY_TEN,
    },
    {
      says: 'two DRs, same host and namespace: on equal subset name the older wins silently',
      base: based(
        rule('a', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v2}}]}', NEW),
        rule('b', 'demo', `{host: shop, ${both}}`, OLD),
      ),
      share: NINETY_TEN,
    },
    {
      says: 'two DRs, same host and namespace: on equal subset name and age the name decides',
      base: based(
        rule('a', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v2}}]}'),
        rule('b', 'demo', `{host: shop, ${both}}`),
      ),
      share: { v2: 1 },
    },
    {
      says: 'wildcard DR and exact DR: exact only, a subset only in the wildcard -> 503 NC',
      base: based(
        rule('wide', 'demo', `{host: "*.demo.svc.cluster.local", ${both}}`),
        rule('exact', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}'),
      ),
      share: { v1: 0.9 },
      failed: { '503 NC': 0.1 },
      warns: ['SUBSET_MISSING'],
    },
    {
      says: 'wildcard DR alone: its subsets serve',
      base: based(rule('wide', 'demo', `{host: "*.demo.svc.cluster.local", ${both}}`)),
      share: NINETY_TEN,
    },
    {
      says: 'short DR host in another namespace: another host -> 503 NC',
      base: based(rule('r', 'ops', `{host: shop, ${both}}`)),
      failed: { '503 NC': 1 },
    },
    {
      says: "DR lookup: client's namespace, Service's, root: in the Service's",
      base: based(SUBSETS),
      ...FROM_OPS,
      share: NINETY_TEN,
    },
    {
      says: "DR lookup: first found is used alone: the client's hides a subset of the Service's",
      base: based(SUBSETS, rule('r', 'ops', `{host: ${FQDN}, subsets: [{name: v1, labels: {version: v1}}]}`)),
      ...FROM_OPS,
      share: { v1: 0.9 },
      failed: { '503 NC': 0.1 },
      warns: ['SUBSET_MISSING'],
    },
    {
      says: "DR lookup: first found is used alone: the Service's hides a subset of the root's",
      base: based(
        rule('r', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}'),
        rule('r', 'istio-system', `{host: ${FQDN}, ${both}}`),
      ),
      share: { v1: 0.9 },
      failed: { '503 NC': 0.1 },
    },
  ],
};
