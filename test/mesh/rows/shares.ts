import { pods, SERVICE, SUBSETS, split, virtualService } from '../../support/mesh.js';
import { both, type Case, EVEN, NINETY_TEN, rule, service, type Table, to, vs90 } from '../../support/meshCases.js';

const dest = (subset: string, weight?: number | string) =>
  `{destination: {host: shop${subset ? `, subset: ${subset}` : ''}}${weight === undefined ? '' : `, weight: ${weight}`}}`;
const route = (...entries: string[]) => virtualService(`[{route: [${entries.join(', ')}]}]`);
const SIX = [...pods('shop', 'v1', 5), ...pods('shop', 'v2', 1)];
const labelled = (v1: string, v2: string) =>
  `${SERVICE}---${rule('shop', 'demo', `{host: shop, subsets: [{name: v1, labels: ${v1}}, {name: v2, labels: ${v2}}]}`)}`;
const hashing = rule(
  'shop',
  'demo',
  `{host: shop, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}}, ${both}}`,
);

export const shares: Table = {
  title: 'Shares',
  cases: [
    {
      says: '75/20: 78.947 / 21.053 %, share = w / sum',
      yaml: virtualService(split(75, 20)),
      share: { v1: 75 / 95, v2: 20 / 95 },
      warns: ['WEIGHTS_NOT_100'],
    },
    { says: '100/100 -> 50/50', yaml: virtualService(split(100, 100)), share: EVEN },
    { says: '100/0: zero entries vanish', yaml: virtualService(split(100, 0)), share: { v1: 1 }, warns: [] },
    {
      says: '90/omitted: omitted entries vanish',
      yaml: route(dest('v1', 90), dest('v2')),
      share: { v1: 1 },
      warns: ['WEIGHT_OMITTED'],
    },
    { says: 'single destination, weight 0: 100 %', yaml: route(dest('v1', 0)), share: { v1: 1 } },
    { says: 'single destination, weight 10: 100 %', yaml: route(dest('v1', 10)), share: { v1: 1 } },
    {
      says: '2+, all zero: rejected (total destination weight = 0)',
      yaml: virtualService(split(0, 0)),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: '2+, all omitted: rejected (total destination weight = 0)',
      yaml: route(dest('v1'), dest('v2')),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: '-10: rejected (weight -10 < 0)',
      yaml: virtualService(split(110, -10)),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: '99.5: rejected by the schema',
      yaml: virtualService(split(99.5, 0.5)),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: '"90": rejected by the schema',
      yaml: virtualService(split('"90"', '"10"')),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: 'sum > 4294967295: accepted, Envoy refuses',
      yaml: route(dest('v1', 2147483647), dest('v1', 2147483647), dest('v2', 2147483647)),
      share: { v1: 2 / 3, v2: 1 / 3 },
      warns: ['PROXY_REFUSES'],
    },
    {
      says: 'a weight > 2147483647: rejected by the schema',
      yaml: virtualService(split(2147483648, 10)),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: 'v1 50, v1 30, v2 20: 80/20',
      yaml: route(dest('v1', 50), dest('v1', 30), dest('v2', 20)),
      share: { v1: 0.8, v2: 0.2 },
    },
    {
      says: 'v1 45, v2 45, no subset 10: 50/50 (the 10 splits by pods)',
      yaml: route(dest('v1', 45), dest('v2', 45), dest('', 10)),
      share: EVEN,
    },
    { says: '5 pods v1, 1 pod v2: 90/10 as weighted', yaml: vs90, pods: SIX, share: NINETY_TEN },
    {
      says: '5 pods v1, 1 pod v2, without VS: by ready pods (3:1 -> 75/25)',
      pods: [...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1)],
      share: { v1: 0.75, v2: 0.25 },
    },
    { says: 'DR, no VS: plain balancing', share: EVEN, warns: [] },
    {
      says: 'no DR: 503 NC for all',
      base: SERVICE,
      yaml: vs90,
      failed: { '503 NC': 1 },
      warns: ['SUBSET_MISSING'],
    },
    {
      says: 'DR lacks v2: 503 NC for 10 %',
      base: `${SERVICE}---${rule('shop', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}')}`,
      yaml: vs90,
      share: { v1: 0.9 },
      failed: { '503 NC': 0.1 },
      warns: ['SUBSET_MISSING'],
    },
    {
      says: 'subset labels no pod has: 503 UH for 10 %',
      base: labelled('{version: v1}', '{version: "2"}'),
      yaml: vs90,
      share: { v1: 0.9 },
      failed: { '503 UH': 0.1 },
      warns: ['SUBSET_WITHOUT_ENDPOINTS'],
    },
    {
      says: 'v2 at 0: 503 UH for 10 %',
      yaml: vs90,
      pods: pods('shop', 'v1', 1),
      share: { v1: 0.9 },
      failed: { '503 UH': 0.1 },
      warns: ['SUBSET_WITHOUT_ENDPOINTS'],
    },
    {
      says: 'v2 unready: 503 UH for 10 %',
      yaml: vs90,
      pods: [...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1, { ready: false })],
      share: { v1: 0.9 },
      failed: { '503 UH': 0.1 },
      warns: ['SUBSET_WITHOUT_ENDPOINTS'],
    },
    {
      says: 'Service selector pins v1: 503 UH for 10 %',
      base: `${SERVICE.replace('{app: shop}', '{app: shop, version: v1}')}---${SUBSETS}`,
      yaml: vs90,
      share: { v1: 0.9 },
      failed: { '503 UH': 0.1 },
      warns: ['SELECTOR_PINS_VERSION'],
    },
    {
      says: 'half of v2 ready: its full weight to the ready half',
      yaml: vs90,
      pods: [...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1), ...pods('shop', 'v2', 2, { ready: false }).slice(1)],
      share: NINETY_TEN,
    },
    {
      says: 'subset without labels: all pods of the Service: v2 gets 5 %',
      base: labelled('{version: v1}', '{}'),
      yaml: vs90,
      share: { v1: 0.95, v2: 0.05 },
      warns: ['SUBSETS_OVERLAP'],
    },
    {
      says: 'v1 = app: shop: all pods of the Service: v1 45 / v2 55',
      base: labelled('{app: shop}', '{version: v2}'),
      yaml: vs90,
      share: { v1: 0.45, v2: 0.55 },
      warns: ['SUBSETS_OVERLAP'],
    },
    {
      says: 'consistentHash + weights: version still drawn by weight per request',
      base: `${SERVICE}---${hashing}`,
      yaml: vs90,
      unit: 'request',
      request: { headers: { 'x-user': '1' } },
      share: NINETY_TEN,
    },
    {
      says: 'headless Service: the dialled pod answers, weights have no effect',
      base: `${SERVICE.replace('10.0.0.1', 'None')}---${SUBSETS}`,
      yaml: vs90,
      share: EVEN,
      warns: ['WEIGHTS_WITHOUT_EFFECT'],
    },
    {
      says: 'headless Service whose name shop.demo a VS takes: the dialled pod answers',
      base: `${SERVICE.replace('10.0.0.1', 'None')}---${SUBSETS}`,
      yaml: virtualService(split(90, 10)).replace('hosts: [shop]', 'hosts: [shop.demo]'),
      request: { host: 'shop.demo' },
      share: EVEN,
    },
    ...['', 'match: [{}], ', 'match: [{uri: {prefix: /}}], ', 'match: [{uri: {regex: ".*"}}], '].map(
      (match): Case => ({
        says: `catch-all first (${match.slice(0, -2) || 'no match'}): rest cut off, warning rule #1 not used`,
        yaml: virtualService(`[{${match}${to('v1')}}, {match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`),
        request: { headers: { x: '1' } },
        share: { v1: 1 },
        warns: ['RULE_UNREACHABLE'],
      }),
    ),
    {
      says: 'withoutHeaders: {x: {exact: "1"}}: a missing header matches',
      yaml: virtualService(`[{match: [{withoutHeaders: {x: {exact: "1"}}}], ${to('v2')}}, {${to('v1')}}]`),
      share: { v2: 1 },
    },
    {
      says: 'unquoted exact: 1: schema rejects',
      yaml: virtualService(`[{match: [{headers: {x: {exact: 1}}}], ${to('v2')}}]`),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: 'destination port the Service lacks: 503 NC',
      yaml: virtualService('[{route: [{destination: {host: shop, subset: v1, port: {number: 81}}}]}]'),
      failed: { '503 NC': 1 },
      warns: ['PORT_MISSING'],
    },
    {
      says: 'destination port omitted: the port called',
      base: `${service('{name: http, port: 80}, {name: http-b, port: 81}')}---${SUBSETS}`,
      yaml: vs90,
      request: { port: 81 },
      share: NINETY_TEN,
    },
    {
      says: 'abort 25 % on 90/10: 25 FI / 67.5 / 7.5',
      yaml: virtualService(
        split(90, 10).replace('[{route', '[{fault: {abort: {percentage: {value: 25}, httpStatus: 500}}, route'),
      ),
      share: { v1: 0.675, v2: 0.075 },
      failed: { '500 FI': 0.25 },
    },
    {
      says: 'typo wieght: 10: lenient clients prune it -> v1 100 %',
      unasked: 'the API server removes the field before Istio sees it',
      yaml: virtualService(split(90, 10).replace('weight: 10', 'wieght: 10')),
      share: { v1: 1 },
      warns: ['WEIGHT_OMITTED'],
    },
    {
      says: 'consistentHash without VS: pins client to pod, hence version; over all clients by pods',
      base: `${SERVICE}---${hashing}`,
      request: { headers: { 'x-user': '1' } },
      share: EVEN,
      unit: 'key',
    },
    {
      says: 'withoutHeaders: {x: {exact: "1"}}: the header with that value does not match',
      yaml: virtualService(`[{match: [{withoutHeaders: {x: {exact: "1"}}}], ${to('v2')}}, {${to('v1')}}]`),
      request: { headers: { x: '1' } },
      share: { v1: 1 },
    },
    ...(
      [
        ['headers: {x: {}}', '1', 'present', 'v2'],
        ['headers: {x: {}}', undefined, 'present', 'v1'],
        ['withoutHeaders: {x: {}}', '1', 'absent', 'v1'],
        ['withoutHeaders: {x: {}}', undefined, 'absent', 'v2'],
      ] as const
    ).map(
      ([match, x, means, version]): Case => ({
        says: `${match} means ${means}: a request ${x ? 'with' : 'without'} x`,
        yaml: virtualService(`[{match: [{${match}}], ${to('v2')}}, {${to('v1')}}]`),
        request: { headers: x ? { x } : {} },
        share: { [version]: 1 },
      }),
    ),
    {
      says: 'unquoted y, which YAML 1.1 reads as true: schema rejects',
      yaml: virtualService(`[{match: [{headers: {x: {exact: true}}}], ${to('v2')}}]`),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    ...(
      [
        ['prefix: /foo', '/foobar', 'also /foobar', true],
        ['prefix: /foo/', '/foo', 'not /foo', false],
        ['exact: /foo', '/foo?a=1', 'ignores the query', true],
        ['regex: /fo+', '/foo?a=1', 'ignores the query', true],
        ['regex: /fo', '/foo', 'full match', false],
      ] as const
    ).map(
      ([uri, path, means, matches]): Case => ({
        says: `uri ${uri}: ${means}`,
        yaml: virtualService(`[{match: [{uri: {${uri}}}], ${to('v2')}}, {${to('v1')}}]`),
        request: { path },
        share: { [matches ? 'v2' : 'v1']: 1 },
      }),
    ),
  ],
};
