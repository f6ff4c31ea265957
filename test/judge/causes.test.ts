import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { diagnose } from '../../src/judge/causes.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { Cause, Look } from '../../src/judge/types.js';
import type { Scenario, Stage } from '../../src/scenario/types.js';
import { look, mirror, saw, scenario, share, stage } from '../support/judge.js';
import {
  bothSubsets,
  destinationRule,
  manifest,
  mirrored,
  service,
  split,
  to,
  v1,
  v2,
  virtualService,
  webapp,
} from '../support/pitstopObjects.js';

const usual = [service(), ...v1, ...v2(), ...webapp(), bothSubsets];
const VS = 'VirtualService/pitstop/customermanagementapi';
const canary = stage(share({ v2: 0.1 }));

function causes(
  promise: Stage,
  objects: readonly KubeObject[],
  seen: Look = look([], true),
  changes: Partial<Scenario> = {},
): Cause[] {
  const whole = scenario([promise], changes);
  const assessment = new StageJudge(whole, promise).look(seen);
  return diagnose({ scenario: whole, stage: promise, objects, assessment, observations: seen });
}

interface Row {
  readonly says: string;
  readonly promise: Stage;
  readonly objects: readonly KubeObject[];
  readonly seen?: Look;
  /** The causes, in order: code, object, field, found, expected. */
  readonly told: readonly (readonly [string, string, string, string, string])[];
}

const even = stage(
  { ...share({ v2: 0.5 }), by: 'balancing' },
  { name: 'even', delete: [{ kind: 'VirtualService', namespace: 'pitstop', name: 'customermanagementapi' }] },
);
const mirrorStage = stage({ ...share({ v2: 0 }), ...mirror({ v2: 1 }) });

const rows: readonly Row[] = [
  {
    says: 'a canary as promised has no cause',
    promise: canary,
    objects: [...usual, virtualService('customermanagementapi', split(90, 10))],
    told: [],
  },
  {
    says: '75/25 instead of 90/10',
    promise: canary,
    objects: [...usual, virtualService('customermanagementapi', split(75, 25))],
    told: [['WEIGHT_DIFFERS', VS, 'spec.http[0].route[1].weight', '25', '10']],
  },
  {
    says: 'both versions named, both weights wrong: told once, at the released version',
    promise: stage(share({ v1: 0.9, v2: 0.1 })),
    objects: [...usual, virtualService('customermanagementapi', split(75, 25))],
    told: [['WEIGHT_DIFFERS', VS, 'spec.http[0].route[1].weight', '25', '10']],
  },
  {
    says: '75/20 is normalised to 78.9/21.1, so 25 is missing beside 75',
    promise: stage(share({ v2: 0.25 })),
    objects: [...usual, virtualService('customermanagementapi', split(75, 20))],
    told: [['WEIGHT_NORMALISED', VS, 'spec.http[0].route[1].weight', '20', '25']],
  },
  {
    says: '9/1 is 90/10',
    promise: canary,
    objects: [...usual, virtualService('customermanagementapi', split(9, 1))],
    told: [],
  },
  {
    says: 'an omitted weight beside another is zero',
    promise: canary,
    objects: [...usual, virtualService('customermanagementapi', [{ route: [to('v1', 90), to('v2')] }])],
    told: [['WEIGHT_NORMALISED', VS, 'spec.http[0].route[1].weight', 'omitted', '10']],
  },
  {
    says: 'a route that does not name v2',
    promise: canary,
    objects: [...usual, virtualService('customermanagementapi', [{ route: [to('v1')] }])],
    told: [['WEIGHT_DIFFERS', VS, 'spec.http[0].route', 'v1 100', 'v2 10']],
  },
  {
    says: 'a dark stage whose route already gives v2 a share',
    promise: stage(share({ v2: 0 })),
    objects: [...usual, virtualService('customermanagementapi', split(90, 10))],
    told: [['WEIGHT_DIFFERS', VS, 'spec.http[0].route[1].weight', '10', '0']],
  },
  {
    says: 'a canary that is still a mirror',
    promise: canary,
    objects: [...usual, virtualService('customermanagementapi', mirrored(100))],
    told: [['MIRROR_NOT_SPLIT', VS, 'spec.http[0].mirror', 'mirror to v2', 'weight 10 for v2']],
  },
  {
    says: 'a mirror that is a split',
    promise: mirrorStage,
    objects: [...usual, virtualService('customermanagementapi', split(90, 10))],
    told: [['MIRROR_NOT_SPLIT', VS, 'spec.http[0].route[1].weight', 'weight 10 for v2', 'mirror to v2']],
  },
  {
    says: 'a mirror without percentage copies everything',
    promise: mirrorStage,
    objects: [...usual, virtualService('customermanagementapi', mirrored())],
    seen: look([saw('source', { v1: 1000, v2: 0 }), saw('destination', { v1: 1000, v2: 1000 })], true),
    told: [],
  },
  {
    says: 'a mirror of 35 % instead of 100 %',
    promise: mirrorStage,
    objects: [...usual, virtualService('customermanagementapi', mirrored(35))],
    told: [['WEIGHT_DIFFERS', VS, 'spec.http[0].mirrorPercentage.value', '35', '100']],
  },
  {
    says: 'a selector that still pins v1 in the canary',
    promise: canary,
    objects: [service({ version: 'v1' }), ...usual.slice(1), virtualService('customermanagementapi', split(90, 10))],
    told: [['SELECTOR_PINS_VERSION', 'Service/pitstop/customermanagementapi', 'spec.selector.version', 'v1', 'absent']],
  },
  {
    says: 'a selector that still pins v1 loses the mirror copies',
    promise: mirrorStage,
    objects: [service({ version: 'v1' }), ...usual.slice(1), virtualService('customermanagementapi', mirrored(100))],
    told: [['SELECTOR_PINS_VERSION', 'Service/pitstop/customermanagementapi', 'spec.selector.version', 'v1', 'absent']],
  },
  {
    says: 'a selector that pins v1 is right in the dark',
    promise: stage(share({ v2: 0 })),
    objects: [service({ version: 'v1' }), ...v1, ...v2(), ...webapp()],
    told: [],
  },
  {
    says: 'an open selector without a route lets v2 into a dark stage',
    promise: stage(share({ v2: 0 })),
    objects: [service(), ...v1, ...v2(), ...webapp()],
    told: [['ROUTE_MISSING', 'Service/pitstop/customermanagementapi', 'spec.selector.version', 'absent', 'v1']],
  },
  {
    says: 'v2 scaled to 0',
    promise: canary,
    objects: [
      service(),
      ...v1,
      ...v2({ replicas: 0 }),
      ...webapp(),
      bothSubsets,
      virtualService('customermanagementapi', split(90, 10)),
    ],
    told: [['VERSION_NOT_READY', 'Deployment/pitstop/customermanagementapi-v2', 'spec.replicas', '0', '1']],
  },
  {
    says: 'v2 not ready',
    promise: canary,
    objects: [
      service(),
      ...v1,
      ...v2({ replicas: 2, ready: false }),
      ...webapp(),
      bothSubsets,
      virtualService('customermanagementapi', split(90, 10)),
    ],
    told: [['VERSION_NOT_READY', 'Deployment/pitstop/customermanagementapi-v2', 'status.readyReplicas', '0', '2']],
  },
  {
    says: 'v2 never deployed',
    promise: canary,
    objects: [service(), ...v1, ...webapp(), bothSubsets, virtualService('customermanagementapi', split(90, 10))],
    told: [
      [
        'VERSION_NOT_READY',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.metadata.labels',
        'absent',
        'version: v2',
      ],
    ],
  },
  {
    says: 'a subset that no destination rule defines',
    promise: canary,
    objects: [
      service(),
      ...v1,
      ...v2(),
      ...webapp(),
      destinationRule({ v1: { version: 'v1' } }),
      virtualService('customermanagementapi', split(90, 10)),
    ],
    told: [['SUBSET_MISSING', 'DestinationRule/pitstop/customermanagementapi', 'spec.subsets', 'v1', 'v2']],
  },
  {
    says: 'no destination rule at all',
    promise: canary,
    objects: [service(), ...v1, ...v2(), ...webapp(), virtualService('customermanagementapi', split(90, 10))],
    told: [
      ['SUBSET_MISSING', VS, 'spec.http[0].route[0].destination.subset', 'v1', 'a subset of a DestinationRule'],
      ['SUBSET_MISSING', VS, 'spec.http[0].route[1].destination.subset', 'v2', 'a subset of a DestinationRule'],
    ],
  },
  {
    says: 'subset labels that no pod carries',
    promise: canary,
    objects: [
      service(),
      ...v1,
      ...v2(),
      ...webapp(),
      destinationRule({ v1: { version: 'v1' }, v2: { version: '2.0' } }),
      virtualService('customermanagementapi', split(90, 10)),
    ],
    told: [
      [
        'SUBSET_WITHOUT_ENDPOINTS',
        'DestinationRule/pitstop/customermanagementapi',
        'spec.subsets[1].labels.version',
        '2.0',
        'v2',
      ],
    ],
  },
  {
    says: 'a canary without any route',
    promise: canary,
    objects: usual,
    told: [['ROUTE_MISSING', VS, 'spec.hosts', 'absent', 'customermanagementapi']],
  },
  { says: 'an even stage without a route is as promised', promise: even, objects: usual, told: [] },
  {
    says: 'an even stage with a route of another name left over',
    promise: even,
    objects: [...usual, virtualService('customermanagementapi-canary', split(90, 10))],
    told: [
      [
        'ROUTE_LEFT_OVER',
        'VirtualService/pitstop/customermanagementapi-canary',
        'spec.hosts[0]',
        'customermanagementapi',
        'no route for this host',
      ],
    ],
  },
  {
    says: 'a left-over route that spells the host in full',
    promise: even,
    objects: [
      ...usual,
      virtualService('old', split(90, 10), { hosts: ['other', 'customermanagementapi.pitstop.svc.cluster.local'] }),
    ],
    told: [
      [
        'ROUTE_LEFT_OVER',
        'VirtualService/pitstop/old',
        'spec.hosts[1]',
        'customermanagementapi.pitstop.svc.cluster.local',
        'no route for this host',
      ],
    ],
  },
  {
    says: 'a route of another service, or only for a gateway, is nobody’s leftover',
    promise: even,
    objects: [
      ...usual,
      virtualService('vehicles', split(90, 10), { hosts: ['vehiclemanagementapi'] }),
      virtualService('edge', split(90, 10), { gateways: ['edge'] }),
    ],
    told: [],
  },
  {
    says: 'calls that no source proxy sees, from a pod without a sidecar',
    promise: canary,
    objects: [
      service(),
      ...v1,
      ...v2(),
      ...webapp({ sidecar: false, annotation: 'false' }),
      bothSubsets,
      virtualService('customermanagementapi', split(90, 10)),
    ],
    seen: look([saw('client', { v1: 50, v2: 50 }), saw('source', {})], true),
    told: [
      [
        'CALLER_WITHOUT_SIDECAR',
        'Deployment/pitstop/webapp',
        'spec.template.metadata.annotations.sidecar.istio.io/inject',
        'false',
        'true',
      ],
    ],
  },
  {
    says: 'a caller started before injection was switched on',
    promise: canary,
    objects: [
      service(),
      ...v1,
      ...v2(),
      ...webapp({ sidecar: false }),
      bothSubsets,
      virtualService('customermanagementapi', split(90, 10)),
    ],
    seen: look([saw('client', { v1: 50, v2: 50 }), saw('source', {})], true),
    told: [['CALLER_WITHOUT_SIDECAR', 'Pod/pitstop/webapp-0', 'spec.containers', 'webapp', 'istio-proxy']],
  },
];

describe('causes', () => {
  test.each(rows)('$says', ({ promise, objects, seen, told }) => {
    const found = causes(promise, objects, seen);
    expect(found.map((cause) => [cause.code, cause.object, cause.field, cause.found, cause.expected])).toEqual(told);
    for (const cause of found) expect(cause.fix).toMatch(/\S.*\.$/);
  });

  test('a version that always answers 500 is named although its share is right', () => {
    const seen = look(
      [
        saw('client', { v1: 900 }),
        saw('source', { v1: 900, v2: [100, 100] }, { responses: { '200 -': 900, '500 -': 100 } }),
      ],
      true,
    );
    const [cause, ...others] = causes(canary, [...usual, virtualService('customermanagementapi', split(90, 10))], seen);
    expect(others).toEqual([]);
    expect(cause).toMatchObject({
      code: 'VERSION_FAILS',
      object: 'Deployment/pitstop/customermanagementapi-v2',
      expected: 'at most 1 %',
    });
    expect(cause?.found).toBe('100 of 100 calls to v2 failed (100 %); all versions: 500: 100');
  });

  test('a few failures are no cause', () => {
    const seen = look([saw('source', { v1: 900, v2: [100, 2] })], true);
    expect(causes(canary, [...usual, virtualService('customermanagementapi', split(90, 10))], seen)).toEqual([]);
  });

  test('the older route wins: the one of this stage is not in force', () => {
    const older = virtualService('customermanagementapi', mirrored(100), {}, '2026-01-01T00:00:00Z');
    const newer = virtualService('customermanagementapi-canary', split(90, 10), {}, '2026-01-01T00:01:00Z');
    const promise = stage(share({ v2: 0.1 }), { apply: [manifest(newer, 'canary.yaml')] });
    const [cause, ...others] = causes(promise, [...usual, newer, older]);
    expect(others).toEqual([]);
    expect(cause).toMatchObject({ code: 'ROUTE_CAPTURED', object: VS });
    expect(cause?.fix).toContain('kubectl delete virtualservice customermanagementapi -n pitstop');
    expect(cause?.fix).toContain('in force instead of VirtualService/pitstop/customermanagementapi-canary');
  });

  test('says which object the stage deletes instead', () => {
    const [cause] = causes(even, [...usual, virtualService('customermanagementapi-canary', split(90, 10))]);
    expect(cause?.fix).toContain('The stage deletes VirtualService/customermanagementapi, which is another object.');
  });

  test('a wrong manifest is named by file and line', () => {
    const wrong = virtualService('customermanagementapi', split(75, 25));
    const lines = { 'spec.http[0].route[1].weight': 14 };
    const [cause] = causes(stage(share({ v2: 0.1 }), { apply: [manifest(wrong, 'canary.yaml', lines)] }), [
      ...usual,
      wrong,
    ]);
    expect(cause).toMatchObject({
      code: 'WEIGHT_DIFFERS',
      place: 'canary.yaml:14',
      fix: 'Set the weights of v1 to 90 and v2 to 10.',
    });
  });

  test('a right manifest that was overwritten is told as such', () => {
    const right = virtualService('customermanagementapi', split(90, 10));
    const live = virtualService('customermanagementapi', split(75, 25));
    const [cause] = causes(stage(share({ v2: 0.1 }), { apply: [manifest(right, 'canary.yaml')] }), [...usual, live]);
    expect(cause?.fix).toContain('something changed the object after it was applied');
  });

  test('a route whose host is misspelt is named instead of a missing one', () => {
    const typo = virtualService('customermanagementapi', split(90, 10), { hosts: ['customermanagementapi.pitstop'] });
    const promise = stage(share({ v2: 0.1 }), { apply: [manifest(typo, 'canary.yaml', { 'spec.hosts[0]': 7 })] });
    expect(causes(promise, [...usual, typo])).toMatchObject([
      {
        code: 'ROUTE_HOST_DIFFERS',
        object: VS,
        field: 'spec.hosts[0]',
        found: 'customermanagementapi.pitstop',
        expected: 'customermanagementapi',
        place: 'canary.yaml:7',
      },
    ]);
  });

  test('a route that only gateways follow is named', () => {
    const edge = virtualService('customermanagementapi', split(90, 10), { gateways: ['edge'] });
    const promise = stage(share({ v2: 0.1 }), { apply: [manifest(edge, 'canary.yaml')] });
    expect(causes(promise, [...usual, edge])).toMatchObject([
      { code: 'ROUTE_GATEWAY_DIFFERS', field: 'spec.gateways', found: 'edge', expected: 'mesh' },
    ]);
  });

  test('an HTTPRoute on the Service is read like a VirtualService', () => {
    const backend = (version: string): KubeObject => ({
      ...service({ version }),
      metadata: { name: `customermanagementapi-${version}`, namespace: 'pitstop' },
    });
    const route: KubeObject = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'customers', namespace: 'pitstop' },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: 'customermanagementapi', port: 5100 }],
        rules: [
          {
            backendRefs: [
              { name: 'customermanagementapi-v1', port: 5100, weight: 90 },
              { name: 'customermanagementapi-v2', port: 5100 },
            ],
          },
        ],
      },
    };
    // An omitted weight is 1 here: 98.9 / 1.1.
    expect(causes(canary, [...usual, backend('v1'), backend('v2'), route])).toMatchObject([
      {
        code: 'WEIGHT_NORMALISED',
        object: 'HTTPRoute/pitstop/customers',
        field: 'spec.rules[0].backendRefs[1].weight',
        found: 'omitted',
        expected: '10',
      },
    ]);
  });

  test('objects of any shape are data, never an error', () => {
    const odd: KubeObject[] = [
      { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a' } },
      virtualService('b', 'nothing' as never, { hosts: 7 }),
      virtualService('c', [null, { route: [{ weight: 'x' }, null] }], { hosts: [null, 'customermanagementapi'] }),
      { ...bothSubsets, spec: { host: 'customermanagementapi', subsets: [null, 'v2', { name: 'v2', labels: [] }] } },
      { ...service(), spec: { selector: 'app' as never } },
    ];
    expect(() => causes(canary, odd)).not.toThrow();
  });
});
