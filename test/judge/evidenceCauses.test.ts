import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { EVIDENCE_CAUSES } from '../../src/judge/causes/evidenceCauses.js';
import { diagnose } from '../../src/judge/causes.js';
import type { WindowHistory } from '../../src/judge/history.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { Cause, Look } from '../../src/judge/types.js';
import type { Evidence, SeriesFacts } from '../../src/observe/types.js';
import type { Stage } from '../../src/scenario/types.js';
import { look, lost, mirror, saw, scenario, share, stage } from '../support/judge.js';
import {
  bothSubsets,
  mirrored,
  service,
  split,
  to,
  v1,
  v2,
  virtualService,
  webapp,
} from '../support/pitstopObjects.js';

const VS = 'VirtualService/pitstop/customermanagementapi';
const DR = 'DestinationRule/pitstop/customermanagementapi';
const SVC = 'Service/pitstop/customermanagementapi';
const OPENED = Date.parse('2026-03-01T12:00:00Z');

const workloads = [service(), ...v1, ...v2(), ...webapp()];
const route = virtualService('customermanagementapi', split(90, 10));
const usual = [...workloads, bothSubsets, route];

/** Settled, so that both sides speak of the same requests. */
const both = (
  source: Parameters<typeof saw>[1],
  destination: Parameters<typeof saw>[1] = source,
  options: Parameters<typeof saw>[2] = {},
): Look => look([saw('source', source), saw('destination', destination, options)], true, 60_000);

/** Calls of two callers, proxy by proxy. */
function byCallers(one: Record<string, number>, other: Record<string, number>): Look {
  const sum = (version: string) => (one[version] ?? 0) + (other[version] ?? 0);
  const all = { v1: sum('v1'), v2: sum('v2') };
  const proxies = [one, other].map((versions, index) => ({ name: `webapp-${index}`, versions }));
  return look([{ ...saw('source', all), proxies } as ReturnType<typeof saw>, saw('destination', all)], true, 60_000);
}

const facts = (some: Partial<SeriesFacts>): SeriesFacts => ({
  responses: {},
  labels: [],
  proxies: {},
  copies: [],
  ...some,
});

/** The rule with this traffic policy for the whole Service. */
const policy = (trafficPolicy: unknown): KubeObject => ({
  ...bothSubsets,
  spec: { ...bothSubsets.spec, trafficPolicy },
});

const writtenBy = (object: KubeObject, manager: string, time: string, more = {}): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, managedFields: [{ manager, operation: 'Update', time, ...more }] },
});

/** One look a second: calls to v1 and v2 each second, and calls that reached nobody. */
function told(...seconds: readonly (readonly [v1: number, v2: number, lost?: number])[]): WindowHistory {
  const sums = { v1: 0, v2: 0, lost: 0 };
  const counts = seconds.map(([one, two, none = 0], index) => {
    sums.v1 += one;
    sums.v2 += two;
    sums.lost += none;
    return { at: (index + 1) * 1000, versions: { v1: sums.v1, v2: sums.v2 }, lost: sums.lost };
  });
  return { openedAt: OPENED, counts };
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** Pods by name, each with so many requests of its version. */
const served = (v1Pods: readonly number[], v2Pods: readonly number[]): Evidence => ({
  destination: facts({
    proxies: Object.fromEntries([
      ...v1Pods.map((count, index) => [`customermanagementapi-v1-${index}`, { v1: count }]),
      ...v2Pods.map((count, index) => [`customermanagementapi-v2-${index}`, { v2: count }]),
    ]),
  }),
});

interface Row {
  readonly says: string;
  readonly promise?: Stage;
  readonly objects?: readonly KubeObject[];
  readonly seen: Look;
  readonly evidence?: Evidence;
  readonly history?: WindowHistory;
  /** code, object, field, and what `found` begins with. */
  readonly told: readonly (readonly [string, string, string, string])[];
}

const canary = stage(share({ v2: 0.1 }));
const even = stage({ ...share({ v2: 0.5 }), by: 'balancing' });
const copying = stage({ ...share({ v2: 0 }), ...mirror({ v2: 1 }) });
const asPromised = both({ v1: 1800, v2: 200 });

const retries: readonly Row[] = [
  {
    says: 'attempts that fail at the destination and succeed for the caller are retries, and inflate the version',
    seen: both({ v1: 1800, v2: [200, 2] }, { v1: 1800, v2: [250, 52] }),
    told: [['RETRIES_INFLATE', VS, 'spec.http[0].retries', 'absent (the mesh retries twice); 12.2 % of the requests']],
  },
  {
    says: 'the route says how often it retries',
    objects: [
      ...workloads,
      bothSubsets,
      virtualService('customermanagementapi', [{ route: [to('v1', 90), to('v2', 10)], retries: { attempts: 5 } }]),
    ],
    seen: both({ v1: 1800, v2: [200, 2] }, { v1: 1800, v2: [250, 52] }),
    told: [['RETRIES_INFLATE', VS, 'spec.http[0].retries', 'attempts 5; 12.2 % of the requests']],
  },
  {
    says: 'a version that fails as often for the caller is not retried',
    seen: both({ v1: 1800, v2: [200, 50] }, { v1: 1800, v2: [200, 50] }),
    told: [],
  },
  {
    says: 'more requests than calls without failures are no retries',
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 230 }),
    told: [],
  },
  {
    says: 'where a mirror copies to the version, its failures at the destination may be those of copies',
    promise: stage({ ...share({ v2: 0 }), ...mirror({ v2: 1 }) }),
    objects: [...workloads, bothSubsets, virtualService('customermanagementapi', mirrored(100))],
    seen: both({ v1: 1000, v2: 0 }, { v1: 1000, v2: [1000, 400] }),
    told: [],
  },
];

const mirrorRoute = virtualService('customermanagementapi', mirrored(100));
const copies: readonly Row[] = [
  {
    says: 'copies that do not arrive although the version is ready are lost',
    promise: copying,
    objects: [...workloads, bothSubsets, mirrorRoute],
    seen: both({ v1: 1000, v2: 0 }, { v1: 1000, v2: 620 }),
    told: [['MIRROR_LOST', VS, 'spec.http[0].mirror', '620 copies of 1,000 calls']],
  },
  {
    says: 'a connection pool is the first suspect',
    promise: copying,
    objects: [...workloads, policy({ connectionPool: { http: { http1MaxPendingRequests: 1 } } }), mirrorRoute],
    seen: both({ v1: 1000, v2: 0 }, { v1: 1000, v2: 620 }),
    told: [['MIRROR_LOST', DR, 'spec.trafficPolicy.connectionPool', '620 copies of 1,000 calls']],
  },
  {
    says: 'copies of all calls are none lost',
    promise: copying,
    objects: [...workloads, bothSubsets, mirrorRoute],
    seen: both({ v1: 1000, v2: 0 }, { v1: 1000, v2: 1000 }),
    told: [],
  },
  {
    says: 'in an open window, copies that are not scraped yet are not lost',
    promise: copying,
    objects: [...workloads, bothSubsets, mirrorRoute],
    seen: look([saw('source', { v1: 1000, v2: 0 }), saw('destination', { v1: 900, v2: 700 })], false, 60_000),
    told: [],
  },
  {
    says: 'a version without a ready pod gets no copies, which another cause tells',
    promise: copying,
    objects: [service(), ...v1, ...v2({ ready: false }), bothSubsets, mirrorRoute],
    seen: both({ v1: 1000, v2: 0 }, { v1: 1000, v2: 0 }),
    told: [],
  },
];

const refused = facts({ responses: { v2: { '503 UO': 40, '200 -': 160 }, v1: { '200 -': 1800 } } });
const limits: readonly Row[] = [
  {
    says: 'requests above the limits of the connection pool',
    objects: [...workloads, route, policy({ connectionPool: { http: { http2MaxRequests: 1 } } })],
    seen: both({ v1: 1800, v2: [200, 40] }, { v1: 1800, v2: 160 }),
    evidence: { source: refused },
    told: [['CIRCUIT_BREAKER_OPEN', DR, 'spec.trafficPolicy.connectionPool', '40 calls of v2 refused with 503 UO']],
  },
  {
    says: 'the limits of the subset that refuses come first',
    objects: [
      ...workloads,
      route,
      {
        ...bothSubsets,
        spec: {
          host: 'customermanagementapi',
          trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } },
          subsets: [
            { name: 'v1', labels: { version: 'v1' } },
            {
              name: 'v2',
              labels: { version: 'v2' },
              trafficPolicy: { connectionPool: { http: { http2MaxRequests: 1 } } },
            },
          ],
        },
      },
    ],
    seen: both({ v1: 1800, v2: [200, 40] }, { v1: 1800, v2: 160 }),
    evidence: { source: refused },
    told: [['CIRCUIT_BREAKER_OPEN', DR, 'spec.subsets[1].trafficPolicy.connectionPool', '40 calls of v2']],
  },
  {
    says: 'limits that nothing exceeds are no cause',
    objects: [...workloads, route, policy({ connectionPool: { http: { http2MaxRequests: 1 } } })],
    seen: both({ v1: 1800, v2: [200, 40] }),
    evidence: { source: facts({ responses: { v2: { '503 -': 40, '200 -': 160 } } }) },
    told: [],
  },
  {
    says: 'no healthy endpoint although all pods are ready: outlier detection has ejected them',
    objects: [...workloads, route, policy({ outlierDetection: { consecutive5xxErrors: 1 } })],
    seen: both({ v1: 1800, v2: 20 }),
    evidence: { source: facts({ responses: { unknown: { '503 UH': 180 } } }) },
    told: [['ENDPOINTS_EJECTED', DR, 'spec.trafficPolicy.outlierDetection', '180 calls found no healthy endpoint']],
  },
  {
    says: 'no healthy endpoint where no pod is ready is no ejection',
    objects: [
      service(),
      ...v1,
      ...v2({ ready: false }),
      ...webapp(),
      route,
      policy({ outlierDetection: { consecutive5xxErrors: 1 } }),
    ],
    seen: both({ v1: 1800, v2: 0 }),
    evidence: { source: facts({ responses: { unknown: { '503 UH': 200 } } }) },
    told: [],
  },
  {
    says: 'a ready pod that gets nothing beside one that gets all of its version',
    objects: [service(), ...v1, ...v2({ replicas: 2 }), ...webapp(), route, policy({ outlierDetection: {} })],
    seen: asPromised,
    evidence: served([1800], [200, 0]),
    told: [
      ['ENDPOINTS_EJECTED', DR, 'spec.trafficPolicy.outlierDetection', 'customermanagementapi-v2-1 got none of 200'],
    ],
  },
  {
    says: 'pods that share the requests are none ejected',
    objects: [service(), ...v1, ...v2({ replicas: 2 }), ...webapp(), route, policy({ outlierDetection: {} })],
    seen: asPromised,
    evidence: served([1800], [120, 80]),
    told: [],
  },
];

const cookieRule = (subset: string) =>
  virtualService('customermanagementapi', [
    { match: [{ headers: { cookie: { regex: '^(.*;)?canary=always(;.*)?$' } } }], route: [to(subset)] },
    { route: [to('v1', 90), to('v2', 10)] },
  ]);
const hashing = policy({ loadBalancer: { consistentHash: { httpHeaderName: 'x-user' } } });
const tcpRoute: KubeObject = {
  ...virtualService('customermanagementapi', []),
  spec: { hosts: ['customermanagementapi'], tcp: [{ route: [to('v1', 90), to('v2', 10)] }] },
};
const asTcp = (seen: ReturnType<typeof saw>, connections: Record<string, number>) =>
  ({ ...seen, connections }) as ReturnType<typeof saw>;
const byConnection = look([asTcp(saw('source', { v1: 0, v2: 0 }), { v1: 40, v2: 2 })], true);
const stickiness: readonly Row[] = [
  {
    says: 'a cookie that keeps users at v2, and v2 has more than its share',
    objects: [...workloads, bothSubsets, cookieRule('v2')],
    seen: both({ v1: 1500, v2: 500 }),
    told: [
      [
        'COOKIE_KEEPS_VERSION',
        VS,
        'spec.http[0].match[0].headers.cookie',
        'requests whose cookie matches ^(.*;)?canary',
      ],
    ],
  },
  {
    says: 'a cookie for testers, and the share is as promised',
    objects: [...workloads, bothSubsets, cookieRule('v2')],
    seen: asPromised,
    told: [],
  },
  {
    says: 'a cookie that keeps users at v1 does not raise v2',
    objects: [...workloads, bothSubsets, cookieRule('v1')],
    seen: both({ v1: 1500, v2: 500 }),
    told: [],
  },
  {
    says: 'a hash whose key is the same in all requests keeps them at one pod of the version',
    objects: [service(), ...v1, ...v2({ replicas: 3 }), ...webapp(), route, hashing],
    seen: asPromised,
    evidence: served([1800], [0, 200, 0]),
    told: [
      [
        'HASH_KEEPS_POD',
        DR,
        'spec.trafficPolicy.loadBalancer.consistentHash',
        'httpHeaderName; customermanagementapi-v2-1 got',
      ],
    ],
  },
  {
    says: 'a hash that spreads is no cause',
    objects: [service(), ...v1, ...v2({ replicas: 3 }), ...webapp(), route, hashing],
    seen: asPromised,
    evidence: served([1800], [60, 80, 60]),
    told: [],
  },
  {
    says: 'by balancing, a hash keeps the version too',
    promise: even,
    objects: [...workloads, hashing],
    seen: both({ v1: 30, v2: 970 }),
    told: [['HASH_KEEPS_POD', DR, 'spec.trafficPolicy.loadBalancer.consistentHash', 'httpHeaderName; v2 got 97 %']],
  },
  {
    says: 'by balancing, a hash that keeps the version to which the rest is left',
    promise: even,
    objects: [...workloads, hashing],
    seen: both({ v1: 400, v2: 0 }),
    told: [['HASH_KEEPS_POD', DR, 'spec.trafficPolicy.loadBalancer.consistentHash', 'httpHeaderName; v1 got 100 %']],
  },
  {
    says: 'by balancing, a hash that keeps each caller at a version of its own, whatever they make together',
    promise: even,
    objects: [...workloads, hashing],
    seen: byCallers({ v1: 300, v2: 0 }, { v1: 2, v2: 298 }),
    told: [
      [
        'HASH_KEEPS_POD',
        DR,
        'spec.trafficPolicy.loadBalancer.consistentHash',
        'httpHeaderName; webapp-0 sends to v1 alone and webapp-1 sends to v2 alone',
      ],
    ],
  },
  {
    says: 'callers that each reach both versions are kept nowhere',
    promise: even,
    objects: [...workloads, hashing],
    seen: byCallers({ v1: 160, v2: 140 }, { v1: 145, v2: 155 }),
    told: [],
  },
  {
    says: 'session affinity of the Service, where nothing else routes',
    promise: even,
    objects: [{ ...service(), spec: { ...service().spec, sessionAffinity: 'ClientIP' } }, ...workloads.slice(1)],
    seen: both({ v1: 30, v2: 970 }),
    told: [['HASH_KEEPS_POD', SVC, 'spec.sessionAffinity', 'ClientIP; v2 got 97 %']],
  },
  {
    says: 'an uneven balance without hash or affinity has another cause',
    promise: even,
    objects: workloads,
    seen: both({ v1: 30, v2: 970 }),
    told: [],
  },
  {
    says: 'a weighted TCP route is drawn once for a connection',
    objects: [...workloads, bothSubsets, tcpRoute],
    seen: byConnection,
    told: [['ROUTE_BY_CONNECTION', VS, 'spec.tcp[0].route', '2 destinations, drawn once for each of 42 connections']],
  },
  {
    says: 'a TCP route to one destination draws nothing',
    objects: [...workloads, bothSubsets, { ...tcpRoute, spec: { ...tcpRoute.spec, tcp: [{ route: [to('v1')] }] } }],
    seen: byConnection,
    told: [],
  },
];

const v2Bare = [...v2({ sidecar: false })];
const disabled = (spec: Record<string, unknown>, namespace = 'pitstop'): KubeObject => ({
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: { name: 'quiet', namespace },
  spec,
});
const dropped = { metrics: [{ overrides: [{ match: { metric: 'REQUEST_COUNT' }, disabled: true }] }] };
const telemetry: readonly Row[] = [
  {
    says: 'a version whose pods have no proxy is called, and nobody counts there',
    objects: [service(), ...v1, ...v2Bare, ...webapp(), bothSubsets, route],
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    told: [
      [
        'VERSION_WITHOUT_SIDECAR',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.metadata.annotations',
        'no istio-proxy in customermanagementapi-v2-0; 200 calls',
      ],
    ],
  },
  {
    says: 'pods of an ambient namespace need no proxy of their own',
    objects: [
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'pitstop', labels: { 'istio.io/dataplane-mode': 'ambient' } },
      },
      service(),
      ...v1,
      ...v2Bare,
      bothSubsets,
      route,
    ],
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    told: [],
  },
  {
    says: 'proxies that count tell that there are some, whatever the pods say',
    objects: [service(), ...v1, ...v2Bare, ...webapp(), bothSubsets, route],
    seen: asPromised,
    told: [],
  },
  {
    says: 'a Telemetry that switches the counter off',
    objects: [...usual, disabled(dropped)],
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    told: [
      ['TELEMETRY_DROPPED', 'Telemetry/pitstop/quiet', 'spec.metrics[0].overrides[0].disabled', '200 calls, 0 of them'],
    ],
  },
  {
    says: 'a Telemetry of the root namespace that removes the version',
    objects: [
      ...usual,
      disabled(
        { metrics: [{ overrides: [{ tagOverrides: { destination_version: { operation: 'REMOVE' } } }] }] },
        'istio-system',
      ),
    ],
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    told: [
      [
        'TELEMETRY_DROPPED',
        'Telemetry/istio-system/quiet',
        'spec.metrics[0].overrides[0].tagOverrides.destination_version',
        '200 calls',
      ],
    ],
  },
  {
    says: 'a Telemetry of other pods drops nothing here',
    objects: [...usual, disabled({ ...dropped, selector: { matchLabels: { app: 'other' } } })],
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    told: [],
  },
  {
    says: 'a pod that Prometheus has no target for',
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    evidence: { targets: [{ name: 'customermanagementapi-v1-0', up: true }] },
    told: [
      [
        'TELEMETRY_DROPPED',
        'Pod/pitstop/customermanagementapi-v2-0',
        'metadata.annotations',
        'no scrape target for customermanagementapi-v2-0; 200 calls',
      ],
    ],
  },
  {
    says: 'a pod whose scrapes fail',
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    evidence: { targets: [{ name: 'customermanagementapi-v2-0', up: false }] },
    told: [['TELEMETRY_DROPPED', 'Pod/pitstop/customermanagementapi-v2-0', 'metadata.annotations', 'scrapes fail for']],
  },
  {
    says: 'a target that is up explains nothing',
    seen: both({ v1: 1800, v2: 200 }, { v1: 1800, v2: 0 }),
    evidence: { targets: [{ name: 'customermanagementapi-v2-0', up: true }] },
    told: [],
  },
  {
    says: 'one pod under two jobs',
    seen: both({ v1: 3600, v2: 400 }),
    evidence: {
      source: facts({ copies: [{ proxy: 'webapp-0', counts: { 'job="pods"': 2000, 'job="envoy"': 1990 } }] }),
    },
    told: [
      ['SCRAPED_TWICE', 'Pod/pitstop/webapp-0', 'istio_requests_total', 'job="pods" and job="envoy", with 2,000 and'],
    ],
  },
  {
    says: 'a pod whose job was renamed counted one after the other',
    seen: asPromised,
    evidence: {
      source: facts({ copies: [{ proxy: 'webapp-0', counts: { 'job="pods"': 1500, 'job="envoy"': 500 } }] }),
    },
    told: [],
  },
];

const relabelled = (version: string | undefined) =>
  v2().map((object): KubeObject => {
    if (object.kind !== 'Deployment') return object;
    const labels = { app: 'customermanagementapi', ...(version === undefined ? {} : { version }) };
    return { ...object, spec: { ...object.spec, template: { metadata: { labels } } } };
  });
const counted = (version: string, count: number, right = 0): Evidence => {
  const row = { service: 'customermanagementapi', workload: 'customermanagementapi-v2', version, revision: version };
  const own = right > 0 ? [{ ...row, version: 'v2', revision: 'v2', count: right }] : [];
  return { destination: facts({ labels: [{ ...row, count }, ...own] }) };
};
const labels: readonly Row[] = [
  {
    says: 'the pods of v2 carry no version',
    objects: [service(), ...v1, ...relabelled(undefined), ...webapp(), bothSubsets, route],
    seen: both({ v1: 2000, v2: 0 }),
    told: [
      [
        'VERSION_LABEL_MISSING',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.metadata.labels.version',
        'absent',
      ],
    ],
  },
  {
    says: 'the pods of v2 say that they are v1',
    objects: [service(), ...v1, ...relabelled('v1'), ...webapp(), bothSubsets, route],
    seen: both({ v1: 2000, v2: 0 }),
    told: [
      [
        'VERSION_LABEL_MISSING',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.metadata.labels.version',
        'v1, as customermanagementapi-v1 has',
      ],
    ],
  },
  {
    says: 'a version that is not deployed at all lacks no label',
    objects: [service(), ...v1, ...webapp(), bothSubsets, route],
    seen: both({ v1: 2000, v2: 0 }),
    told: [],
  },
  {
    says: 'proxies that started before the label was changed count for the old version',
    seen: both({ v1: 2000, v2: 0 }),
    evidence: counted('v1', 200),
    told: [
      [
        'METRIC_LABELS_STALE',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.metadata.labels.version',
        'v2, and 200 requests to it are counted as v1',
      ],
    ],
  },
  { says: 'series that say what the pods say', seen: asPromised, evidence: counted('v2', 200), told: [] },
  { says: 'series that say no version are not stale', seen: asPromised, evidence: counted('unknown', 200), told: [] },
  {
    says: 'requests of a pod that has just ended, beside many of its successors',
    seen: asPromised,
    evidence: counted('v1', 12, 180),
    told: [],
  },
  { says: 'a handful of requests', seen: asPromised, evidence: counted('v1', 3), told: [] },
  {
    says: 'few requests, none of which says the right version',
    seen: both({ v1: 200, v2: 0 }),
    evidence: counted('v1', 12),
    told: [
      [
        'METRIC_LABELS_STALE',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.metadata.labels.version',
        'v2, and 12 requests to it are counted as v1',
      ],
    ],
  },
];

/** The destination's books with requests of others. */
const beside = (
  foreign: Record<string, number>,
  foreignVersions: Record<string, number>,
  own = { v1: 1800, v2: 200 },
) => {
  const seen = saw('destination', own, { foreign });
  if (seen.status !== 'ok') throw new Error('unreachable');
  return look([saw('source', own), { ...seen, counts: { ...seen.counts, foreignVersions } }], true, 60_000);
};
const callers: readonly Row[] = [
  {
    says: 'a second test that calls v2 alone',
    seen: beside({ 'loadtest.other': 600 }, { v2: 600 }),
    told: [
      ['FOREIGN_TRAFFIC', 'Workload/other/loadtest', 'calls', '600 requests of loadtest.other, 100 % of them to v2'],
    ],
  },
  {
    says: 'other callers with the same split move nothing',
    seen: beside({ 'mobile.pitstop': 2000 }, { v1: 1800, v2: 200 }),
    told: [],
  },
  { says: 'a few probes', seen: beside({ 'unknown.unknown': 19 }, { v2: 19 }), told: [] },
  {
    says: 'nobody but another workload calls',
    seen: beside({ 'mobile.pitstop': 400 }, { v1: 360, v2: 40 }, { v1: 0, v2: 0 }),
    told: [
      ['FOREIGN_TRAFFIC', 'Workload/pitstop/mobile', 'calls', '400 requests of mobile.pitstop, beside 0 of webapp'],
    ],
  },
  {
    says: 'callers without name are not named instead of the judged one',
    seen: beside({ 'unknown.unknown': 400 }, { v1: 200, v2: 200 }, { v1: 0, v2: 0 }),
    told: [],
  },
];

const half = told(...times(20, [90, 10] as const), ...times(20, [50, 50] as const));
const changes: readonly Row[] = [
  {
    says: 'the route was written in the window, and the share changed with it',
    objects: [...workloads, bothSubsets, writtenBy(route, 'argocd-controller', '2026-03-01T12:00:19Z')],
    seen: both({ v1: 2800, v2: 1200 }),
    history: half,
    told: [
      ['ROUTE_OVERWRITTEN', VS, 'metadata.managedFields', 'written by argocd-controller at 12:00:19 UTC; v2 got 10 %'],
    ],
  },
  {
    says: 'the route was written by the run itself, just before the window',
    objects: [...workloads, bothSubsets, writtenBy(route, 'weighbridge', '2026-03-01T12:00:19Z')],
    seen: both({ v1: 2800, v2: 1200 }),
    history: half,
    told: [],
  },
  {
    says: 'the route was written before the window',
    objects: [...workloads, bothSubsets, writtenBy(route, 'argocd-controller', '2026-03-01T11:50:00Z')],
    seen: both({ v1: 2800, v2: 1200 }),
    history: half,
    told: [],
  },
  {
    says: 'the route was written, and the share stayed',
    objects: [...workloads, bothSubsets, writtenBy(route, 'argocd-controller', '2026-03-01T12:00:19Z')],
    seen: asPromised,
    history: told(...times(40, [90, 10] as const)),
    told: [],
  },
  {
    says: 'only the status of the route was written',
    objects: [
      ...workloads,
      bothSubsets,
      writtenBy(route, 'pilot-discovery', '2026-03-01T12:00:19Z', { subresource: 'status' }),
    ],
    seen: both({ v1: 2800, v2: 1200 }),
    history: half,
    told: [],
  },
  {
    says: 'calls without endpoint in one burst when the subsets changed',
    objects: [...workloads, route, writtenBy(bothSubsets, 'helm', '2026-03-01T12:00:04Z')],
    seen: both({ v1: 2000, v2: 200 }),
    history: told(...times(4, [90, 10] as const), [90, 2, 8], [90, 3, 7], ...times(20, [90, 10] as const)),
    told: [
      [
        'ROLLOUT_RACE',
        DR,
        'metadata.managedFields',
        '15 calls without endpoint within 2 s, none afterwards; helm wrote',
      ],
    ],
  },
  {
    says: 'a burst that the stage did not outlive, when by the objects the endpoints are there',
    objects: [...workloads, route, writtenBy(bothSubsets, 'helm', '2026-03-01T12:00:04Z')],
    seen: both({ v1: 720, v2: 45 }),
    history: told(...times(4, [90, 10] as const), [90, 2, 8], [90, 3, 40]),
    told: [['ROLLOUT_RACE', DR, 'metadata.managedFields', '48 calls without endpoint within 2 s']],
  },
  {
    says: 'the same where pods may be ejected',
    objects: [
      ...workloads,
      route,
      writtenBy(
        { ...bothSubsets, spec: { ...bothSubsets.spec, trafficPolicy: { outlierDetection: { interval: '1s' } } } },
        'helm',
        '2026-03-01T12:00:04Z',
      ),
    ],
    seen: both({ v1: 720, v2: 45 }),
    history: told(...times(4, [90, 10] as const), [90, 2, 8], [90, 3, 40]),
    told: [],
  },
  {
    says: 'calls without endpoint all the time',
    objects: [...workloads, route, writtenBy(bothSubsets, 'helm', '2026-03-01T12:00:04Z')],
    seen: both({ v1: 2000, v2: 0 }),
    history: told(...times(26, [90, 0, 10] as const)),
    told: [],
  },
  {
    says: 'a burst long after the last change',
    objects: [...workloads, route, writtenBy(bothSubsets, 'helm', '2026-03-01T11:00:00Z')],
    seen: both({ v1: 2000, v2: 200 }),
    history: told(...times(4, [90, 10] as const), [90, 2, 8], ...times(20, [90, 10] as const)),
    told: [],
  },
];

const withImages = (one: string, two: string) =>
  usual.map((object): KubeObject => {
    if (object.kind !== 'Deployment' || !object.metadata.name.startsWith('customer')) return object;
    const image = object.metadata.name.endsWith('v2') ? two : one;
    const template = object.spec?.template as Record<string, unknown>;
    return {
      ...object,
      spec: { ...object.spec, template: { ...template, spec: { containers: [{ name: 'api', image }] } } },
    };
  });
const answered = (v2Answers: number) =>
  look([saw('client', { v1: 1000 - v2Answers, v2: v2Answers }), saw('source', { v1: 1800, v2: 200 })], true);
const answers: readonly Row[] = [
  {
    says: 'the router sends a tenth to v2, whose pods run the image of v1',
    objects: withImages('api:1', 'api:1'),
    seen: answered(0),
    told: [
      [
        'ANSWER_NOT_FROM_VERSION',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.spec.containers[0].image',
        'api:1, the image of customermanagementapi-v1; v2 in 0 %',
      ],
    ],
  },
  {
    says: 'images differ, so something else answers: a cache, perhaps',
    objects: withImages('api:1', 'api:2'),
    seen: answered(0),
    told: [['ANSWER_NOT_FROM_VERSION', SVC, 'answers', 'v2 in 0 % of the marked answers, in 10 % of the calls']],
  },
  {
    says: 'a few hundred requests, all of them counted on both sides',
    objects: withImages('api:1', 'api:1'),
    seen: look([saw('client', { v1: 207, v2: 0 }), saw('source', { v1: 185, v2: 22 })], true),
    told: [
      [
        'ANSWER_NOT_FROM_VERSION',
        'Deployment/pitstop/customermanagementapi-v2',
        'spec.template.spec.containers[0].image',
        'api:1, the image of customermanagementapi-v1; v2 in 0 %',
      ],
    ],
  },
  {
    says: 'a few hundred requests while some are under way may differ by chance',
    objects: withImages('api:1', 'api:1'),
    seen: look([saw('client', { v1: 100, v2: 4 }), saw('source', { v1: 185, v2: 22 })]),
    told: [],
  },
  {
    says: 'calls that went as TCP are in the answers alone, so the two are not of the same requests',
    objects: withImages('api:1', 'api:1'),
    seen: look([saw('client', { v1: 2300, v2: 980 }), asTcp(saw('source', { v1: 87, v2: 0 }), { v1: 9, v2: 2 })], true),
    told: [],
  },
  { says: 'client and router agree', objects: withImages('api:1', 'api:1'), seen: answered(104), told: [] },
  {
    says: 'a version that fails has few marked answers for that reason',
    objects: withImages('api:1', 'api:1'),
    seen: look([saw('client', { v1: 1000, v2: 0 }), saw('source', { v1: 1800, v2: [200, 200] })], true),
    told: [],
  },
];

function causes({ promise = canary, objects = usual, seen, evidence, history }: Row): Cause[] {
  const whole = scenario([promise]);
  const assessment = new StageJudge(whole, promise).look(seen);
  return diagnose({
    scenario: whole,
    stage: promise,
    objects,
    assessment,
    observations: seen,
    ...(evidence ? { evidence } : {}),
    ...(history ? { history } : {}),
  });
}

const ofEvidence = new Set(EVIDENCE_CAUSES.map(({ code }) => code));

const families = { retries, copies, limits, stickiness, telemetry, labels, callers, changes, answers };

describe.each(Object.entries(families))('%s', (_family, rows) => {
  test.each(rows)('$says', (row) => {
    const found = causes(row).filter(({ code }) => ofEvidence.has(code));
    expect(found.map((cause) => [cause.code, cause.object, cause.field, cause.found])).toEqual(
      row.told.map(([code, object, field, begin]) => [code, object, field, expect.stringMatching(startsWith(begin))]),
    );
    for (const cause of found) {
      expect(cause.fix).toMatch(/\S.*\.$/);
      expect(cause.expected).not.toBe('');
    }
  });
});

const startsWith = (text: string) => new RegExp(`^${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`);

test('vantage points that cannot be read are no evidence of anything', () => {
  const blind = look([lost('source'), lost('destination')], true);
  expect(causes({ says: '', seen: blind, told: [], evidence: { targets: [] }, history: told() })).toEqual([]);
});
