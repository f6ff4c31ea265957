import { pods, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';
import { both, type Case, EVEN, NINETY_TEN, rule, service, table, to, vs90 } from '../support/meshCases.js';

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

table('shares', [
  {
    says: '75/20 is 75/95 and 20/95',
    yaml: virtualService(split(75, 20)),
    share: { v1: 75 / 95, v2: 20 / 95 },
    warns: ['WEIGHTS_NOT_100'],
  },
  { says: '100/100 is even', yaml: virtualService(split(100, 100)), share: EVEN },
  { says: 'a zero entry vanishes', yaml: virtualService(split(100, 0)), share: { v1: 1 }, warns: [] },
  {
    says: 'an omitted weight vanishes',
    yaml: route(dest('v1', 90), dest('v2')),
    share: { v1: 1 },
    warns: ['WEIGHT_OMITTED'],
  },
  { says: 'a single destination of weight 0 takes all', yaml: route(dest('v1', 0)), share: { v1: 1 } },
  { says: 'a single destination of weight 10 takes all', yaml: route(dest('v1', 10)), share: { v1: 1 } },
  { says: 'all zero is refused', yaml: virtualService(split(0, 0)), share: EVEN, warns: ['OBJECT_REFUSED'] },
  { says: 'all omitted is refused', yaml: route(dest('v1'), dest('v2')), share: EVEN, warns: ['OBJECT_REFUSED'] },
  {
    says: 'a negative weight is refused',
    yaml: virtualService(split(110, -10)),
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'a fractional weight is refused',
    yaml: virtualService(split(99.5, 0.5)),
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'a weight in quotes is refused',
    yaml: virtualService(split('"90"', '"10"')),
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'a sum beyond 32 bits is refused by the proxy',
    yaml: virtualService(split(4294967295, 1)),
    share: { v1: 1 - 1 / 4294967296, v2: 1 / 4294967296 },
    warns: ['PROXY_REFUSES'],
  },
  {
    says: 'entries of one subset add up',
    yaml: route(dest('v1', 50), dest('v1', 30), dest('v2', 20)),
    share: { v1: 0.8, v2: 0.2 },
  },
  {
    says: 'a destination without subset splits by pods',
    yaml: route(dest('v1', 45), dest('v2', 45), dest('', 10)),
    share: EVEN,
  },
  { says: 'replica counts do not change a weighted split', yaml: vs90, pods: SIX, share: NINETY_TEN },
  {
    says: 'without a VirtualService ready pods decide',
    pods: [...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1)],
    share: { v1: 0.75, v2: 0.25 },
  },
  { says: 'a DestinationRule alone changes nothing', share: EVEN, warns: [] },
  {
    says: 'without a DestinationRule all is 503 NC',
    base: SERVICE,
    yaml: vs90,
    failed: { '503 NC': 1 },
    warns: ['SUBSET_MISSING'],
  },
  {
    says: 'a DestinationRule without v2 fails its tenth',
    base: `${SERVICE}---${rule('shop', 'demo', '{host: shop, subsets: [{name: v1, labels: {version: v1}}]}')}`,
    yaml: vs90,
    share: { v1: 0.9 },
    failed: { '503 NC': 0.1 },
    warns: ['SUBSET_MISSING'],
  },
  {
    says: 'subset labels that no pod has',
    base: labelled('{version: v1}', '{version: "2"}'),
    yaml: vs90,
    share: { v1: 0.9 },
    failed: { '503 UH': 0.1 },
    warns: ['SUBSET_WITHOUT_ENDPOINTS'],
  },
  {
    says: 'v2 scaled to zero',
    yaml: vs90,
    pods: pods('shop', 'v1', 1),
    share: { v1: 0.9 },
    failed: { '503 UH': 0.1 },
    warns: ['SUBSET_WITHOUT_ENDPOINTS'],
  },
  {
    says: 'v2 unready',
    yaml: vs90,
    pods: [...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1, { ready: false })],
    share: { v1: 0.9 },
    failed: { '503 UH': 0.1 },
    warns: ['SUBSET_WITHOUT_ENDPOINTS'],
  },
  {
    says: 'a Service selector that pins v1',
    base: `${SERVICE.replace('{app: shop}', '{app: shop, version: v1}')}---${SUBSETS}`,
    yaml: vs90,
    share: { v1: 0.9 },
    failed: { '503 UH': 0.1 },
    warns: ['SELECTOR_PINS_VERSION'],
  },
  {
    says: 'the ready half of v2 takes its full weight',
    yaml: vs90,
    pods: [...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1), ...pods('shop', 'v2', 2, { ready: false }).slice(1)],
    share: NINETY_TEN,
  },
  {
    says: 'a subset without labels is the whole Service',
    base: labelled('{version: v1}', '{}'),
    yaml: vs90,
    share: { v1: 0.95, v2: 0.05 },
    warns: ['SUBSETS_OVERLAP'],
  },
  {
    says: 'a subset v1 of app: shop is the whole Service',
    base: labelled('{app: shop}', '{version: v2}'),
    yaml: vs90,
    share: { v1: 0.45, v2: 0.55 },
    warns: ['SUBSETS_OVERLAP'],
  },
  {
    says: 'consistent hashing does not make weights sticky',
    base: `${SERVICE}---${hashing}`,
    yaml: vs90,
    request: { headers: { 'x-user': '1' } },
    share: NINETY_TEN,
  },
  {
    says: 'weights on a headless Service have no effect',
    base: `${SERVICE.replace('10.0.0.1', 'None')}---${SUBSETS}`,
    yaml: vs90,
    share: EVEN,
    warns: ['WEIGHTS_WITHOUT_EFFECT'],
  },
  ...['', 'match: [{}], ', 'match: [{uri: {prefix: /}}], ', 'match: [{uri: {regex: ".*"}}], '].map(
    (match): Case => ({
      says: `a first rule with "${match.slice(0, -2)}" cuts off the rest`,
      yaml: virtualService(`[{${match}${to('v1')}}, {match: [{headers: {x: {exact: "1"}}}], ${to('v2')}}]`),
      request: { headers: { x: '1' } },
      share: { v1: 1 },
      warns: ['RULE_UNREACHABLE'],
    }),
  ),
  {
    says: 'a missing header matches withoutHeaders exact',
    yaml: virtualService(`[{match: [{withoutHeaders: {x: {exact: "1"}}}], ${to('v2')}}, {${to('v1')}}]`),
    share: { v2: 1 },
  },
  {
    says: 'an unquoted exact: 1 is refused',
    yaml: virtualService(`[{match: [{headers: {x: {exact: 1}}}], ${to('v2')}}]`),
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'a destination port that the Service lacks',
    yaml: virtualService('[{route: [{destination: {host: shop, subset: v1, port: {number: 81}}}]}]'),
    failed: { '503 NC': 1 },
    warns: ['PORT_MISSING'],
  },
  {
    says: 'an omitted port of a Service with several is the one that was called',
    base: `${service('{name: http, port: 80}, {name: http-b, port: 81}')}---${SUBSETS}`,
    yaml: vs90,
    request: { port: 81 },
    share: NINETY_TEN,
  },
  {
    says: 'an abort of 25 % comes before the split',
    yaml: virtualService(
      split(90, 10).replace('[{route', '[{fault: {abort: {percentage: {value: 25}, httpStatus: 500}}, route'),
    ),
    share: { v1: 0.675, v2: 0.075 },
    failed: { '500 FI': 0.25 },
  },
]);
