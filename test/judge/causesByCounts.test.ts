import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { seededRandom } from '../../src/base/random.js';
import { CATALOGUE } from '../../src/judge/causes/catalogue.js';
import { diagnose } from '../../src/judge/causes.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { Cause, CauseCode, Look } from '../../src/judge/types.js';
import type { Stage } from '../../src/scenario/types.js';
import { look, mirror, saw, scenario, share, stage } from '../support/judge.js';
import {
  bothSubsets,
  destinationRule,
  mirrored,
  service,
  split,
  to,
  v1,
  v2,
  virtualService,
  webapp,
} from '../support/pitstopObjects.js';

const NAME = 'customermanagementapi';
const canary = stage(share({ v2: 0.1 }));
const rest = [...v1, ...v2(), ...webapp()];
const sound = [service(), ...rest, bothSubsets, virtualService(NAME, split(90, 10))];
const bareCaller = [
  service(),
  ...v1,
  ...v2(),
  ...webapp({ sidecar: false }),
  bothSubsets,
  virtualService(NAME, split(90, 10)),
];
const even = stage({ ...share({ v2: 0.5 }), by: 'balancing' });

function causes(promise: Stage, objects: readonly KubeObject[], seen: Look): Cause[] {
  const whole = scenario([promise]);
  const assessment = new StageJudge(whole, promise, objects).look(seen);
  return diagnose({ scenario: whole, stage: promise, objects, assessment, observations: seen });
}

interface Flows {
  /** `503 UH` -> calls that reached no version. */
  readonly lost?: Record<string, number>;
  /** Of the calls to v2. */
  readonly failed?: number;
  /** Mirror copies that v2 received. */
  readonly copies?: number;
}

/** What all vantage points see of so many calls; every call stands behind a marked answer. */
function counts(one: number, two: number, { lost = {}, failed = 0, copies = 0 }: Flows = {}): Look {
  const gone = Object.values(lost).reduce((sum, each) => sum + each, 0);
  const responses = { '200 -': one + two - failed, ...(failed > 0 ? { '500 -': failed } : {}), ...lost };
  const unknown = [gone, gone] as const;
  const sent = one + two + gone;
  return look(
    [
      saw('client', { v1: one, v2: two - failed }, { failed: gone + failed, sent }),
      saw('source', { v1: one, v2: [two, failed] }, { unknown, responses }),
      saw('destination', { v1: one, v2: [two + copies, failed] }, { frontDoor: sent }),
    ],
    true,
  );
}

const headless = (): KubeObject => ({ ...service(), spec: { ...service().spec, clusterIP: 'None' } });
const port = (changes: Record<string, unknown>): KubeObject => ({
  ...service(),
  spec: { ...service().spec, ports: [{ port: 5100, ...changes }] },
});
const istio = (kind: string, name: string, spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: 'pitstop' },
  spec,
});
const tcpRoute = istio('VirtualService', 'by-connection', {
  hosts: [NAME],
  tcp: [{ route: [to('v1', 90), to('v2', 10)] }],
});
const httpRoute = (parent: Record<string, unknown>): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'customers', namespace: 'pitstop' },
  spec: {
    parentRefs: [{ kind: 'Service', name: NAME, ...parent }],
    rules: [
      {
        backendRefs: [
          { name: `${NAME}-v1`, port: 5100, weight: 90 },
          { name: `${NAME}-v2`, port: 5100, weight: 10 },
        ],
      },
    ],
  },
});
const backend = (version: string): KubeObject => ({
  ...service({ version }),
  metadata: { name: `${NAME}-${version}`, namespace: 'pitstop' },
});
const routed = (...http: unknown[]) => [service(), ...rest, bothSubsets, virtualService(NAME, http)];
const with90 = (changes: Record<string, unknown>) => [
  service(),
  ...rest,
  bothSubsets,
  virtualService(NAME, split(90, 10), changes),
];
/** The caller is a gateway; hosts are those of the world outside. */
const throughGateway = (changes: Record<string, unknown>) => [
  ...with90({ hosts: ['shop.example.com'], ...changes }),
  istio('Gateway', 'edge', { selector: { app: 'webapp' }, servers: [] }),
];
const balanced = counts(500, 500);
const lostTenth = (how: string) => counts(900, 0, { lost: { [how]: 100 } });

const FULL_NAME = `${NAME}.pitstop.svc.cluster.local`;
const fullNames = (http: readonly unknown[]) =>
  JSON.parse(JSON.stringify(http).replaceAll(`"${NAME}"`, `"${FULL_NAME}"`)) as unknown[];
const sidecarOf = (app: string, hosts: readonly string[]): KubeObject =>
  istio('Sidecar', app, { workloadSelector: { labels: { app } }, egress: [{ hosts }] });
const elsewhereRoute = virtualService(NAME, fullNames(split(90, 10)), { hosts: [FULL_NAME] });
/** The route lies in a namespace of its own. */
const elsewhere = [
  service(),
  ...rest,
  bothSubsets,
  { ...elsewhereRoute, metadata: { name: NAME, namespace: 'rules' } },
];
const backendRule = (one: number, two: number) => ({
  backendRefs: [
    { name: `${NAME}-v1`, port: 5100, weight: one },
    { name: `${NAME}-v2`, port: 5100, weight: two },
  ],
});
const testers = { ...backendRule(0, 100), matches: [{ headers: [{ name: 'x-tester', value: 'yes' }] }] };
const byBackends = (rules: readonly object[]): KubeObject[] => {
  const route = httpRoute({ group: '' });
  return [service(), backend('v1'), backend('v2'), ...rest, { ...route, spec: { ...route.spec, rules } }];
};
/** v1 and the callers in one zone, v2 in another; nothing is routed. */
const inZones = (callers: string, trafficPolicy: object): KubeObject[] => [
  service(),
  ...[...v1, ...v2(), ...webapp()].map((object) => {
    if (object.kind !== 'Pod') return object;
    const zone = object.metadata.labels?.version === 'v2' ? 'b' : callers;
    const { metadata } = object;
    return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, 'istio-locality': `north.${zone}` } } };
  }),
  { ...bothSubsets, spec: { ...bothSubsets.spec, trafficPolicy } },
];

interface Row {
  readonly code: CauseCode;
  readonly says: string;
  readonly promise?: Stage;
  readonly objects: readonly KubeObject[];
  readonly seen: Look;
  readonly field: string;
  /** As like as can be and yet right: the same cause must not be named, whatever was counted. */
  readonly neighbour: readonly [says: string, objects: readonly KubeObject[]];
}

const rows: readonly Row[] = [
  {
    code: 'CALLER_WITHOUT_SIDECAR',
    says: 'the caller has no sidecar: its proxy counts nothing, and pods share the calls',
    objects: bareCaller,
    seen: look(
      [saw('client', { v1: 500, v2: 500 }), saw('source', {}), saw('destination', { v1: 500, v2: 500 })],
      true,
    ),
    field: 'spec.containers',
    neighbour: ['every pod of the caller has one', sound],
  },
  {
    code: 'CALLER_WITHOUT_SIDECAR',
    says: 'the caller has no sidecar, and its few connections chance to make a share near the promised',
    objects: bareCaller,
    seen: look(
      [
        saw('client', { v1: 5466, v2: 607 }),
        saw('destination', { v1: 0, v2: 0 }, { foreign: { 'unknown.unknown': 6073 } }),
      ],
      true,
    ),
    field: 'spec.containers',
    neighbour: ['every pod of the caller has one', sound],
  },
  {
    code: 'ROUTE_HOST_DIFFERS',
    says: 'the host is that of another namespace',
    objects: with90({ hosts: [`${NAME}.default.svc.cluster.local`] }),
    seen: balanced,
    field: 'spec.hosts[0]',
    neighbour: ['the host is written in full', with90({ hosts: [`${NAME}.pitstop.svc.cluster.local`] })],
  },
  {
    code: 'ROUTE_GATEWAY_DIFFERS',
    says: 'the gateways lack mesh',
    objects: with90({ gateways: ['edge'] }),
    seen: balanced,
    field: 'spec.gateways',
    neighbour: ['the gateways name mesh too', with90({ gateways: ['edge', 'mesh'] })],
  },
  {
    code: 'ROUTE_GATEWAY_DIFFERS',
    says: 'the calls pass a gateway, and the route names another one',
    objects: throughGateway({ gateways: ['other'] }),
    seen: balanced,
    field: 'spec.gateways',
    neighbour: ['it names the one they pass', throughGateway({ gateways: ['edge'] })],
  },
  {
    code: 'PORT_NOT_HTTP',
    says: 'the port is named tcp',
    objects: [port({ name: 'tcp' }), ...sound.slice(1)],
    seen: look([saw('client', { v1: 500, v2: 500 }), saw('source', {}), saw('destination', {})], true),
    field: 'spec.ports[0].name',
    neighbour: ['a port without a name, whose protocol is detected', [port({}), ...sound.slice(1)]],
  },
  {
    code: 'PORT_NOT_HTTP',
    says: 'the few connections that the caller keeps make the promised share by chance',
    objects: [port({ name: 'tcp-api' }), ...sound.slice(1)],
    seen: look([saw('client', { v1: 900, v2: 100 }), saw('source', { v1: 0, v2: 0 })], true),
    field: 'spec.ports[0].name',
    neighbour: ['the port is named http', sound],
  },
  {
    code: 'PORT_NOT_HTTP',
    says: 'appProtocol beats the name',
    objects: [port({ name: 'http', appProtocol: 'tcp' }), ...sound.slice(1)],
    seen: look([saw('client', { v1: 500, v2: 500 }), saw('source', {}), saw('destination', {})], true),
    field: 'spec.ports[0].appProtocol',
    neighbour: ['appProtocol http beats the name tcp', [port({ name: 'tcp', appProtocol: 'http' }), ...sound.slice(1)]],
  },
  {
    code: 'ROUTE_BY_CONNECTION',
    says: 'a weighted TCP route stands on a TCP port, and requests as promised of the time before it are in the window',
    objects: [port({ name: 'tcp-api' }), ...rest, bothSubsets, tcpRoute],
    seen: look(
      [
        saw('client', { v1: 2305, v2: 983 }),
        { ...saw('source', { v1: 87, v2: 0 }), connections: { v1: 9, v2: 2 } } as ReturnType<typeof saw>,
        saw('destination', { v1: 87, v2: 0 }),
      ],
      true,
    ),
    field: 'spec.tcp[0].route',
    neighbour: ['the port is named http, and has a route of HTTP', [...sound, tcpRoute]],
  },
  {
    code: 'SUBSET_MISSING',
    says: 'the rule lacks v2: its calls find no cluster',
    objects: [service(), ...rest, destinationRule({ v1: { version: 'v1' } }), virtualService(NAME, split(90, 10))],
    seen: lostTenth('503 NC'),
    field: 'spec.subsets',
    neighbour: ['the rule has both', sound],
  },
  {
    code: 'SUBSET_WITHOUT_ENDPOINTS',
    says: 'a further label that no pod carries',
    objects: [
      service(),
      ...rest,
      destinationRule({ v1: { version: 'v1' }, v2: { version: 'v2', track: 'canary' } }),
      virtualService(NAME, split(90, 10)),
    ],
    seen: lostTenth('503 UH'),
    field: 'spec.subsets[1].labels.track',
    neighbour: [
      'a further label that its pods carry',
      [
        service(),
        ...rest,
        destinationRule({ v1: { version: 'v1' }, v2: { version: 'v2', app: NAME } }),
        virtualService(NAME, split(90, 10)),
      ],
    ],
  },
  {
    code: 'SUBSETS_OVERLAP',
    says: 'subset v2 selects every pod: half of its tenth goes to v1',
    objects: [
      service(),
      ...rest,
      destinationRule({ v1: { version: 'v1' }, v2: { app: NAME } }),
      virtualService(NAME, split(90, 10)),
    ],
    seen: counts(1900, 100),
    field: 'spec.subsets[1].labels',
    neighbour: ['each selects its own', sound],
  },
  {
    code: 'SUBSETS_OVERLAP',
    says: 'subset v2 selects v1: nothing goes to v2',
    objects: [
      service(),
      ...rest,
      destinationRule({ v1: { version: 'v1' }, v2: { version: 'v1' } }),
      virtualService(NAME, split(90, 10)),
    ],
    seen: counts(1000, 0),
    field: 'spec.subsets[1].labels',
    neighbour: ['each selects its own', sound],
  },
  {
    code: 'VERSION_NOT_READY',
    says: 'v2 is scaled to 0',
    objects: [service(), ...v1, ...v2({ replicas: 0 }), ...webapp(), bothSubsets, virtualService(NAME, split(90, 10))],
    seen: lostTenth('503 UH'),
    field: 'spec.replicas',
    neighbour: [
      'one of its two pods is ready',
      [service(), ...v1, ...v2({ replicas: 2 }), ...webapp(), bothSubsets, virtualService(NAME, split(90, 10))],
    ],
  },
  {
    code: 'ROUTE_CAPTURED',
    says: 'an older route wins the host whole',
    objects: [...sound, virtualService('a-first', [{ route: [to('v1')] }], {}, '2025-01-01T00:00:00Z')],
    seen: counts(1000, 0),
    field: 'spec.hosts[0]',
    neighbour: [
      'a younger one changes nothing',
      [...sound, virtualService('a-later', [{ route: [to('v1')] }], {}, '2026-02-01T00:00:00Z')],
    ],
  },
  {
    code: 'ROUTE_CAPTURED',
    says: 'an earlier match takes every GET',
    objects: routed({ match: [{ method: { exact: 'GET' } }], route: [to('v2')] }, ...split(90, 10)),
    seen: counts(0, 1000),
    field: 'spec.http[0].match',
    neighbour: [
      'it stands behind the weights',
      routed(...split(90, 10), { match: [{ method: { exact: 'GET' } }], route: [to('v2')] }),
    ],
  },
  {
    code: 'ROUTE_CAPTURED',
    says: 'an earlier match on the path takes a third of the calls',
    objects: routed({ match: [{ uri: { prefix: '/customers' } }], route: [to('v2')] }, ...split(90, 10)),
    seen: counts(600, 400),
    field: 'spec.http[0].match',
    neighbour: [
      'it splits alike',
      routed({ match: [{ uri: { prefix: '/customers' } }], route: [to('v1', 90), to('v2', 10)] }, ...split(90, 10)),
    ],
  },
  {
    code: 'WEIGHT_NORMALISED',
    says: '70/10 is 87.5/12.5 %',
    promise: stage({ ...share({ v2: 0.1 }), ...{} }),
    objects: routed(...split(20, 10)),
    seen: counts(667, 333),
    field: 'spec.http[0].route[1].weight',
    neighbour: ['9/1 is 90/10', routed(...split(9, 1))],
  },
  {
    code: 'MIRROR_NOT_SPLIT',
    says: 'a mirror of everything where a tenth was promised',
    objects: routed(...mirrored(100)),
    seen: counts(1000, 0, { copies: 1000 }),
    field: 'spec.http[0].mirror',
    neighbour: ['a split, and a mirror beside it', sound],
  },
  {
    code: 'ROUTE_NOT_ATTACHED',
    says: 'the parent has no group',
    objects: [service(), backend('v1'), backend('v2'), ...rest, httpRoute({ port: 5100 })],
    seen: balanced,
    field: 'spec.parentRefs[0].group',
    neighbour: [
      'the core group',
      [service(), backend('v1'), backend('v2'), ...rest, httpRoute({ group: '', port: 5100 })],
    ],
  },
  {
    code: 'ROUTE_NOT_ATTACHED',
    says: 'the parent is a port that the Service lacks',
    objects: [service(), backend('v1'), backend('v2'), ...rest, httpRoute({ group: '', port: 80 })],
    seen: balanced,
    field: 'spec.parentRefs[0].port',
    neighbour: ['no port is every port', [service(), backend('v1'), backend('v2'), ...rest, httpRoute({ group: '' })]],
  },
  {
    code: 'RULE_HIDDEN',
    says: 'the route is exported elsewhere',
    objects: with90({ exportTo: ['istio-system'] }),
    seen: balanced,
    field: 'spec.exportTo',
    neighbour: ['it is exported to its own namespace', with90({ exportTo: ['.'] })],
  },
  {
    code: 'RULE_HIDDEN',
    says: 'the subsets are exported elsewhere: no call finds a cluster',
    objects: [
      service(),
      ...rest,
      { ...bothSubsets, spec: { ...bothSubsets.spec, exportTo: ['istio-system'] } },
      virtualService(NAME, split(90, 10)),
    ],
    seen: counts(0, 0, { lost: { '503 NC': 1000 } }),
    field: 'spec.exportTo',
    neighbour: [
      'they are exported to all',
      [
        service(),
        ...rest,
        { ...bothSubsets, spec: { ...bothSubsets.spec, exportTo: ['*'] } },
        virtualService(NAME, split(90, 10)),
      ],
    ],
  },
  {
    code: 'RULE_HIDDEN',
    says: 'the Sidecar of the namespace does not know the Service',
    objects: [...sound, istio('Sidecar', 'default', { egress: [{ hosts: ['istio-system/*'] }] })],
    // Before it came into force, some calls went to v1.
    seen: look(
      [
        saw('client', { v1: 500, v2: 500 }),
        saw('source', { v1: 335 }),
        saw('destination', { v1: 335 }, { foreign: { 'unknown.unknown': 3008 } }),
      ],
      true,
    ),
    field: 'spec.egress',
    neighbour: [
      'it knows its namespace',
      [...sound, istio('Sidecar', 'default', { egress: [{ hosts: ['./*', 'istio-system/*'] }] })],
    ],
  },
  {
    code: 'RULE_HIDDEN',
    says: 'the Sidecar of the namespace does not know the Service, and few connections chance to make a share near the promised',
    objects: [...sound, istio('Sidecar', 'default', { egress: [{ hosts: ['istio-system/*'] }] })],
    seen: look(
      [
        saw('client', { v1: 2852, v2: 551 }),
        saw('destination', { v1: 0, v2: 0 }, { foreign: { 'unknown.unknown': 3403 } }),
      ],
      true,
    ),
    field: 'spec.egress',
    neighbour: [
      'it knows its namespace',
      [...sound, istio('Sidecar', 'default', { egress: [{ hosts: ['./*', 'istio-system/*'] }] })],
    ],
  },
  {
    code: 'RULE_HIDDEN',
    says: 'a Sidecar that selects the caller does not know the Service',
    objects: [...sound, sidecarOf('webapp', ['istio-system/*'])],
    seen: look(
      [
        saw('client', { v1: 500, v2: 500 }),
        saw('source', { v1: 335 }),
        saw('destination', { v1: 335 }, { foreign: { 'unknown.unknown': 3008 } }),
      ],
      true,
    ),
    field: 'spec.egress',
    neighbour: ['it selects another workload', [...sound, sidecarOf('reporting', ['istio-system/*'])]],
  },
  {
    code: 'RULE_HIDDEN',
    says: "the caller's Sidecar knows the Service and not the namespace of its route",
    objects: [...elsewhere, sidecarOf('webapp', ['./*'])],
    seen: balanced,
    field: 'spec.egress[0].hosts',
    neighbour: ['it knows that namespace too', [...elsewhere, sidecarOf('webapp', ['./*', 'rules/*'])]],
  },
  {
    code: 'WEIGHT_DIFFERS',
    says: 'the wrong weights are in the second rule of an HTTPRoute, where a plain request ends',
    objects: byBackends([testers, backendRule(75, 25)]),
    seen: counts(750, 250),
    field: 'spec.rules[1].backendRefs[1].weight',
    neighbour: ['they are right', byBackends([testers, backendRule(90, 10)])],
  },
  {
    code: 'ROUTE_CAPTURED',
    says: 'a narrower rule of an HTTPRoute takes some requests, wherever it is written',
    objects: byBackends([backendRule(90, 10), testers]),
    seen: counts(600, 400),
    field: 'spec.rules[1].matches',
    neighbour: ['there is none', byBackends([backendRule(90, 10)])],
  },
  {
    code: 'COOKIE_KEEPS_VERSION',
    says: 'a rule of an HTTPRoute on a cookie leads to v2',
    objects: byBackends([
      { ...backendRule(0, 100), matches: [{ headers: [{ name: 'Cookie', value: 'v2', type: 'RegularExpression' }] }] },
      backendRule(90, 10),
    ]),
    seen: counts(600, 400),
    field: 'spec.rules[0].matches[0].headers',
    neighbour: ['the rule is on another header', byBackends([testers, backendRule(90, 10)])],
  },
  {
    code: 'ENDPOINTS_EJECTED',
    says: 'outlier detection keeps the callers at the version of their own zone',
    promise: even,
    objects: inZones('a', { outlierDetection: { consecutive5xxErrors: 5 } }),
    seen: counts(1000, 0),
    field: 'spec.trafficPolicy.outlierDetection',
    neighbour: [
      'the setting is off',
      inZones('a', {
        outlierDetection: { consecutive5xxErrors: 5 },
        loadBalancer: { localityLbSetting: { enabled: false } },
      }),
    ],
  },
  {
    code: 'SERVICE_BYPASSED',
    says: 'the Service is headless',
    objects: [headless(), ...sound.slice(1)],
    seen: balanced,
    field: 'spec.clusterIP',
    neighbour: ['it has an address', sound],
  },
  {
    code: 'FAULT_LEFT_OVER',
    says: 'a quarter is aborted by the proxy',
    objects: routed({
      route: [to('v1', 90), to('v2', 10)],
      fault: { abort: { percentage: { value: 25 }, httpStatus: 503 } },
    }),
    seen: counts(675, 75, { lost: { '503 FI': 250 } }),
    field: 'spec.http[0].fault.abort',
    neighbour: [
      'a fault without percentage injects nothing',
      routed({ route: [to('v1', 90), to('v2', 10)], fault: { abort: { httpStatus: 503 } } }),
    ],
  },
  {
    code: 'WEIGHT_DIFFERS',
    says: '75/25 instead of 90/10',
    objects: routed(...split(75, 25)),
    seen: counts(750, 250),
    field: 'spec.http[0].route[1].weight',
    neighbour: ['90/10', sound],
  },
  {
    code: 'ROUTE_LEFT_OVER',
    says: 'a route of another name in a stage by balancing',
    promise: even,
    objects: [service(), ...rest, bothSubsets, virtualService('old', split(90, 10))],
    seen: counts(900, 100),
    field: 'spec.hosts[0]',
    neighbour: [
      'a route of another Service',
      [service(), ...rest, bothSubsets, virtualService('old', split(90, 10), { hosts: ['vehicles'] })],
    ],
  },
  {
    code: 'SELECTOR_PINS_VERSION',
    says: 'the selector names v1',
    objects: [service({ version: 'v1' }), ...sound.slice(1)],
    seen: lostTenth('503 UH'),
    field: 'spec.selector.version',
    neighbour: ['it names the application', sound],
  },
  {
    code: 'VERSION_FAILS',
    says: 'half of the answers of v2 are errors',
    objects: sound,
    seen: counts(900, 100, { failed: 50 }),
    field: 'responses',
    neighbour: ['none is', sound],
  },
  {
    code: 'ROUTE_MISSING',
    says: 'no route at all',
    objects: [service(), ...rest, bothSubsets],
    seen: balanced,
    field: 'spec.hosts',
    neighbour: ['a route', sound],
  },
];

test('the catalogue holds 1 to 37, each once, and the schema of the report knows every code', () => {
  expect(CATALOGUE.map(({ number }) => number).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 37 }, (_, i) => i + 1),
  );
  const schema = JSON.parse(readFileSync('schema/report.schema.json', 'utf8'));
  expect(new Set(CATALOGUE.map(({ code }) => code))).toEqual(new Set(schema.definitions.cause.properties.code.enum));
});

describe('causes by what was counted', () => {
  test.each(rows)('$code: $says', ({ promise = canary, objects, seen, field, code }) => {
    const [first] = causes(promise, objects, seen);
    expect([first?.code, first?.field]).toEqual([code, field]);
    expect(first?.likelihood).toBeGreaterThan(0.5);
    expect(first?.title).toBeTruthy();
  });

  test.each(rows)('$code: not where $neighbour.0', ({ promise = canary, neighbour: [, objects], seen, code }) => {
    // Counts of the broken cluster would make VERSION_FAILS true wherever they come from.
    const counted = code === 'VERSION_FAILS' ? counts(900, 100) : seen;
    expect(causes(promise, objects, counted).map((cause) => cause.code)).not.toContain(code);
    const kept = promise === even ? counts(500, 500) : counts(900, 100);
    expect(causes(promise, objects, kept)).toEqual([]);
  });

  describe('two causes that objects show: the counts tell which is at work', () => {
    const both = [service({ version: 'v1' }), ...rest, bothSubsets, virtualService(NAME, split(75, 25))];
    test.each([
      { says: 'a quarter reached v2', seen: counts(750, 250), first: 'WEIGHT_DIFFERS' },
      { says: 'a tenth was lost', seen: lostTenth('503 UH'), first: 'SELECTOR_PINS_VERSION' },
    ])('$says: $first', ({ seen, first }) => {
      expect(causes(canary, both, seen)[0]?.code).toBe(first);
    });

    test('both at once: a quarter was lost, and both are named', () => {
      const found = causes(canary, both, counts(750, 0, { lost: { '503 UH': 250 } }));
      expect(found.map(({ code }) => code).sort()).toEqual(['SELECTOR_PINS_VERSION', 'WEIGHT_DIFFERS']);
    });

    test('the likelihoods of the named and of "something else" make 1', () => {
      const found = causes(canary, both, counts(750, 250));
      const sum = found.reduce((total, { likelihood = 0 }) => total + likelihood, 0);
      expect(sum).toBeGreaterThan(0.99);
      expect(sum).toBeLessThanOrEqual(1.001);
    });
  });

  test('a wrong object that explains nothing of the counts is named with the likelihood that it has', () => {
    const found = causes(canary, routed(...split(75, 25)), counts(200, 800));
    expect(found.map(({ code }) => code)).toEqual(['WEIGHT_DIFFERS']);
    expect(found[0]?.likelihood).toBeLessThan(0.01);
  });

  test('one odd call does not veto a cause', () => {
    const seen = counts(750, 250, { lost: { '503 UH': 1 } });
    expect(causes(canary, routed(...split(75, 25)), seen)[0]).toMatchObject({ code: 'WEIGHT_DIFFERS' });
  });

  test('property: sound objects and counts drawn from the promise have no cause', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.constantFrom(0, 1),
        (percent, calls, seed, copied) => {
          const random = seededRandom(seed);
          let two = 0;
          for (let call = 0; call < calls; call++) if (random() < percent / 100) two++;
          if (copied === 1) {
            const objects = routed(...mirrored(100));
            const promise = stage({ ...share({ v2: 0 }), ...mirror({ v2: 1 }) });
            expect(causes(promise, objects, counts(calls, 0, { copies: calls }))).toEqual([]);
          }
          const promise = stage(share({ v2: percent / 100 }));
          const objects = routed(...split(100 - percent, percent));
          expect(causes(promise, objects, counts(calls - two, two))).toEqual([]);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });
});
