import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { diagnose } from '../../src/judge/causes.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { Cause, Look } from '../../src/judge/types.js';
import type { Stage } from '../../src/scenario/types.js';
import { look, saw, scenario, share, stage } from '../support/judge.js';
import { bothSubsets, service, split, v1, v2, virtualService, webapp } from '../support/pitstopObjects.js';

const NAME = 'customermanagementapi';
const canary = stage(share({ v2: 0.1 }));
const even = stage({ ...share({ v2: 0.5 }), by: 'balancing' });

const gatewayApi = (kind: string, name: string, spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind,
  metadata: { name, namespace: 'pitstop' },
  spec,
});
const gateway = (listener: Record<string, unknown> = {}): KubeObject =>
  gatewayApi('Gateway', 'web', { listeners: [{ name: 'http', port: 80, protocol: 'HTTP', ...listener }] });
const backend = (version: string): KubeObject => ({
  ...service({ version }),
  metadata: { name: `${NAME}-${version}`, namespace: 'pitstop' },
});
const ref = (name: string, more: Record<string, unknown> = {}) => ({ name, port: 5100, ...more });
const weights = (one: number, two: number) => [ref(`${NAME}-v1`, { weight: one }), ref(`${NAME}-v2`, { weight: two })];
const route = (backendRefs: readonly object[], parent: object = {}, more: object = {}): KubeObject =>
  gatewayApi('HTTPRoute', 'customers', {
    parentRefs: [{ name: 'web', ...parent }],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/CustomerManagement' } }], backendRefs }],
    ...more,
  });
/** The caller's pods are those of the Gateway `web`. */
const caller = webapp().map((object) => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata.labels, 'gateway.networking.k8s.io/gateway-name': 'web' },
  },
}));
const services = [service(), backend('v1'), backend('v2'), ...v1, ...v2()];
const at = (...objects: readonly KubeObject[]) => [...services, ...caller, ...objects];

function causes(promise: Stage, objects: readonly KubeObject[], seen: Look = look([], true)): Cause[] {
  const whole = scenario([promise], { mesh: 'gateway-api' });
  const assessment = new StageJudge(whole, promise, objects).look(seen);
  return diagnose({ scenario: whole, stage: promise, objects, assessment, observations: seen });
}

const ROUTE = 'HTTPRoute/pitstop/customers';
const sound = route(weights(90, 10));
const rulesOf = ({ spec = {} }: KubeObject) => spec.rules as object[];
const serviceParent = { group: '', kind: 'Service', name: NAME };

interface Row {
  readonly says: string;
  readonly promise?: Stage;
  readonly objects: readonly KubeObject[];
  /** The causes, in order: code, object, field, found, expected. */
  readonly told: readonly (readonly [string, string, string, string, string])[];
}

const rows: readonly Row[] = [
  { says: 'weights as promised have no cause', objects: at(gateway(), sound), told: [] },
  {
    says: 'other weights',
    objects: at(gateway(), route(weights(75, 25))),
    told: [['WEIGHT_DIFFERS', ROUTE, 'spec.rules[0].backendRefs[1].weight', '25', '10']],
  },
  {
    says: 'an omitted weight is 1',
    objects: at(gateway(), route([ref(`${NAME}-v1`, { weight: 90 }), ref(`${NAME}-v2`)])),
    told: [['WEIGHT_NORMALISED', ROUTE, 'spec.rules[0].backendRefs[1].weight', 'omitted', '10']],
  },
  {
    says: 'the Service as a whole instead of a split',
    objects: at(gateway(), route([ref(NAME)])),
    told: [['WEIGHT_DIFFERS', ROUTE, 'spec.rules[0].backendRefs', `${NAME} 100`, 'v2 10']],
  },
  {
    says: 'rules for other Services take nothing from it',
    objects: at(gateway(), route([], {}, { rules: [{ backendRefs: [ref('vehicles')] }, ...rulesOf(sound)] })),
    told: [],
  },
  {
    says: 'a route of the mesh is not followed by a gateway',
    objects: at(gateway(), sound, {
      ...route(weights(75, 25), serviceParent),
      metadata: { name: 'a', namespace: 'pitstop' },
    }),
    told: [],
  },
  {
    says: 'a VirtualService is not followed by a gateway of the Gateway API',
    objects: at(gateway(), sound, bothSubsets, virtualService(NAME, split(75, 25))),
    told: [],
  },
  {
    says: 'the parent is another Gateway',
    objects: at(gateway(), route(weights(90, 10), { name: 'other' })),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.parentRefs[0].name', 'other', 'web']],
  },
  {
    says: 'the parent is a Gateway of another namespace',
    objects: at(gateway(), route(weights(90, 10), { namespace: 'ingress' })),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.parentRefs[0].namespace', 'ingress', 'pitstop']],
  },
  {
    says: 'one of several parents is the Gateway',
    objects: at(gateway(), route([], {}, { ...sound.spec, parentRefs: [{ name: 'other' }, { name: 'web' }] })),
    told: [],
  },
  {
    says: 'the Gateway has no such section',
    objects: at(gateway(), route(weights(90, 10), { sectionName: 'https' })),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.parentRefs[0].sectionName', 'https', 'http']],
  },
  {
    says: 'no listener has the port',
    objects: at(gateway(), route(weights(90, 10), { port: 8443 })),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.parentRefs[0].port', '8443', '80']],
  },
  {
    says: 'the listener serves other hostnames',
    objects: at(gateway({ hostname: '*.example.com' }), route(weights(90, 10), {}, { hostnames: ['shop.test'] })),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.hostnames', 'shop.test', '*.example.com']],
  },
  {
    says: 'a hostname that the listener serves',
    objects: at(
      gateway({ hostname: '*.example.com' }),
      route(weights(90, 10), {}, { hostnames: ['shop.example.com'] }),
    ),
    told: [],
  },
  {
    says: 'the listener takes no routes of the namespace',
    objects: at(
      gateway({ allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { a: 'b' } } } } }),
      sound,
    ),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.parentRefs[0]', 'pitstop', 'a namespace that the listener takes']],
  },
  {
    says: 'no Gateway',
    objects: at(sound),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.parentRefs[0].name', 'web', 'a Gateway that is there']],
  },
  {
    says: 'a backend is no Service',
    objects: at(gateway(), route([ref(`${NAME}-v1`, { weight: 90 }), ref(`${NAME}-v3`, { weight: 10 })])),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.rules[0].backendRefs[1].name', `${NAME}-v3`, 'a Service of pitstop']],
  },
  {
    says: 'a backend lacks the port',
    objects: at(gateway(), route([ref(`${NAME}-v1`, { weight: 90 }), ref(`${NAME}-v2`, { weight: 10, port: 80 })])),
    told: [['ROUTE_NOT_ATTACHED', ROUTE, 'spec.rules[0].backendRefs[1].port', '80', '5100']],
  },
  {
    says: 'no route leads to the Service',
    objects: at(gateway()),
    told: [['ROUTE_MISSING', `HTTPRoute/pitstop/${NAME}`, 'spec.parentRefs', 'absent', 'web']],
  },
  {
    says: 'a stage by balancing needs a route to the Service as a whole',
    promise: even,
    objects: at(gateway(), route([ref(NAME)])),
    told: [],
  },
  {
    says: 'weights that are left over in a stage by balancing',
    promise: even,
    objects: at(gateway(), sound),
    told: [['ROUTE_LEFT_OVER', ROUTE, 'spec.parentRefs', 'web', 'no route for this host']],
  },
];

describe('routes of the Gateway API at the gateway that calls', () => {
  test.each(rows)('$says', ({ promise = canary, objects, told }) => {
    const found = causes(promise, objects);
    expect(found.map((each) => [each.code, each.object, each.field, each.found, each.expected])).toEqual(told);
  });

  test('calls that a missing backend loses are told from a wrong weight', () => {
    const objects = at(gateway(), route([ref(`${NAME}-v1`, { weight: 90 }), ref(`${NAME}-v3`, { weight: 10 })]));
    const responses = { '200 -': 900, '500 NC': 100 };
    const seen = look(
      [
        saw('client', { v1: 900, v2: 0 }, { failed: 100, sent: 1000 }),
        saw('source', { v1: 900, v2: 0 }, { unknown: [100, 100], responses }),
        saw('destination', { v1: 900, v2: 0 }),
      ],
      true,
    );
    const [first] = causes(canary, objects, seen);
    expect(first).toMatchObject({ code: 'ROUTE_NOT_ATTACHED', field: 'spec.rules[0].backendRefs[1].name' });
    expect(first?.likelihood).toBeGreaterThan(0.5);
  });

  const none = look(
    [
      saw('client', { v1: 0, v2: 0 }, { failed: 1000, sent: 1000 }),
      saw('source', { v1: 0, v2: 0 }),
      saw('destination', { v1: 0, v2: 0 }),
    ],
    true,
  );
  test.each([
    [
      'a route for another hostname',
      at(gateway(), route(weights(90, 10), {}, { hostnames: ['shop.test'] })),
      ['spec.hostnames', 'shop.test'],
    ],
    ['a route for every hostname', at(gateway(), sound), undefined],
  ])('no call comes through %s', (_, objects, told) => {
    const found = causes(canary, objects, none).filter(({ code }) => code === 'ROUTE_HOST_DIFFERS');
    expect(found.map((each) => [each.field, each.found])).toEqual(told ? [told] : []);
  });
});

test('a backend that is no Service is told of a route on the Service too', () => {
  const mesh = route([ref(`${NAME}-v1`, { weight: 90 }), ref(`${NAME}-v3`, { weight: 10 })], serviceParent, {
    rules: [{ backendRefs: [ref(`${NAME}-v1`, { weight: 90 }), ref(`${NAME}-v3`, { weight: 10 })] }],
  });
  expect(causes(canary, [...services, ...webapp(), mesh])).toMatchObject([
    { code: 'ROUTE_NOT_ATTACHED', field: 'spec.rules[0].backendRefs[1].name', found: `${NAME}-v3` },
  ]);
});
