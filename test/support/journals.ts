import type { KubeObject } from '../../src/base/kubernetes.js';
import { type Random, seededRandom } from '../../src/base/random.js';
import { millis, ratio } from '../../src/base/units.js';
import type { Look } from '../../src/judge/types.js';
import type { GeneratorHealth, LatencySummary, LoadSummary } from '../../src/load/types.js';
import type { Observation, TrafficGraph, WindowCounts } from '../../src/observe/types.js';
import type { RunEvent, RunEventBody } from '../../src/release/events.js';
import type { Expectation, Scenario, Stage } from '../../src/scenario/types.js';

/** What the mesh of a simulated stage really does. */
interface Truth {
  /** Share of v2 at the source proxy. */
  readonly share: number;
  /** Copies to v2 per call. */
  readonly mirror?: number;
  /** Share of the calls to v2 that fail. */
  readonly v2Fails?: number;
  /** Nothing reaches the service. */
  readonly silent?: boolean;
  readonly objects?: readonly KubeObject[];
}

export interface JournalOptions {
  readonly seed?: number;
  readonly truths?: Readonly<Record<string, Truth>>;
  readonly scenario?: Scenario;
  /** Looks of a stage before its settled one; a look is 500 ms. */
  readonly looks?: number;
  readonly generator?: GeneratorHealth;
  /** Stop with this signal at this look of this stage. */
  readonly interruptAt?: { readonly stage: string; readonly look: number };
  /** Stop after the first stage that is not a pass, as a run does; the caller knows which. */
  readonly stopAfter?: string;
}

export const HOSTILE =
  '</script><img src=x onerror=alert(1)>]]>\u001b[31mred\u001b]0;title\u0007\u0000\u202e"\'&`|*_#@x';

const stage = (name: string, expect: Expectation, margin = 0.03): Stage => ({
  name,
  apply: [],
  delete: [],
  expect,
  precision: { margin: ratio(margin), errorRate: ratio(1e-4), absence: ratio(0.01) },
});
const promise = (share: number, more: Partial<Expectation> = {}): Expectation => ({
  share: { v2: ratio(share) },
  by: 'weight',
  mirror: undefined,
  errors: { max: ratio(0.005) },
  ...more,
});

export const pitstop: Scenario = {
  name: 'pitstop-canary',
  file: 'scenarios/pitstop/scenario.yaml',
  mesh: 'istio',
  namespace: 'pitstop',
  service: 'customermanagementapi',
  from: 'webapp',
  versions: { v1: { version: 'v1' }, v2: { version: 'v2' } },
  marker: { uri: '/CustomerManagement/Details/*', versions: { v2: 'LoyaltyLevel' }, failed: 'offline' },
  load: {
    uris: ['/', '/CustomerManagement', '/CustomerManagement/Details/{customerId}'].map((target, index) => ({
      method: 'GET',
      target,
      headers: {},
      line: index + 1,
    })),
    urisFile: 'uris/loadtest-uris.txt',
    model: {
      kind: 'closed',
      users: 1000,
      thinkTime: { kind: 'uniform', minMs: millis(100), maxMs: millis(2000) },
    },
    order: 'round-robin',
    timeout: millis(10_000),
  },
  seed: ['customer'],
  precision: { margin: ratio(0.03), errorRate: ratio(1e-4), absence: ratio(0.01) },
  watch: { client: 'require', source: 'require', destination: 'account', graph: 'account' },
  warmUp: millis(2000),
  maxDuration: millis(120_000),
  stages: [
    stage('v1-only', promise(0)),
    stage('dark', promise(0)),
    stage('mirror', promise(0, { mirror: { v2: ratio(1) } })),
    stage('canary', promise(0.1)),
    stage('even', promise(0.5, { by: 'balancing' }), 0.05),
  ],
  lab: { objects: [], scrapeInterval: millis(1000), propagation: millis(300), stale: {}, apps: {} },
};

const TRUE: Readonly<Record<string, Truth>> = {
  'v1-only': { share: 0 },
  dark: { share: 0 },
  mirror: { share: 0, mirror: 1 },
  canary: { share: 0.1 },
  even: { share: 0.5 },
};

const virtualService = (name: string, v1: number, v2: number): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'pitstop', generation: 2 },
  spec: {
    hosts: ['customermanagementapi'],
    http: [
      {
        route: [
          { destination: { host: 'customermanagementapi', subset: 'v1' }, weight: v1 },
          { destination: { host: 'customermanagementapi', subset: 'v2' }, weight: v2 },
        ],
      },
    ],
  },
});

const deployment = (version: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: `customermanagementapi-${version}`,
    namespace: 'pitstop',
    labels: { app: 'customermanagementapi' },
  },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'customermanagementapi', version } },
    template: { metadata: { labels: { app: 'customermanagementapi', version } } },
  },
  status: { replicas: 1, readyReplicas: 1, availableReplicas: 1 },
});

const pod = (name: string, labels: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'pitstop', labels },
  spec: { containers: [{ name: 'app' }, { name: 'istio-proxy' }] },
  status: { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
});

/** The namespace with a VirtualService of these weights. */
const objectsWith = (...routes: KubeObject[]): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'customermanagementapi', namespace: 'pitstop' },
    spec: { selector: { app: 'customermanagementapi' }, ports: [{ name: 'http', port: 5100 }] },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'customermanagementapi', namespace: 'pitstop' },
    spec: {
      host: 'customermanagementapi',
      subsets: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })),
    },
  },
  deployment('v1'),
  deployment('v2'),
  pod('webapp-1', { app: 'webapp', version: 'v1' }),
  pod('customermanagementapi-v1-1', { app: 'customermanagementapi', version: 'v1' }),
  pod('customermanagementapi-v2-1', { app: 'customermanagementapi', version: 'v2' }),
  ...routes,
];

const LOOK_MS = 500;
/** Pages of each kind in a look: home, list, details. */
const PAGES = 250;
const START = Date.UTC(2026, 6, 1, 12, 0, 0);
export const VALID_GENERATOR: GeneratorHealth = {
  valid: true,
  cpuSeconds: 3.2,
  cpuShare: 0.11,
  lateShare: 0.0004,
  late: 12,
  lateness: { p50: 0.6, p99: 1.5, max: 62 },
  loopDelayP99: 1.2,
  gcShare: 0.004,
  longestGcMs: 3.1,
  peakRssBytes: 120e6,
};

/** A whole run as the journal would hold it, with draws by `seed`: the same options give the same events. */
export function makeJournal(options: JournalOptions = {}): RunEvent[] {
  const { seed = 7, scenario = pitstop, looks = 60, generator = VALID_GENERATOR } = options;
  const random = seededRandom(seed);
  const events: RunEvent[] = [];
  let at = START;
  const emit = (body: RunEventBody, after = 0) => {
    at += after;
    events.push({ seq: events.length, at, ...body } as RunEvent);
  };
  emit({
    type: 'run-started',
    schemaVersion: 1,
    runId: '20260701-120000-pitstop-canary-0001',
    weighbridgeVersion: '0.1.0',
    scenario,
    stages: scenario.stages.map(({ name }) => name),
    seed,
    engine: 'node',
    target: {
      kind: 'lab',
      baseUrl: 'http://127.0.0.1:7005',
      prometheusUrl: 'http://127.0.0.1:9090',
      kialiUrl: 'http://127.0.0.1:20001/kiali',
      context: 'weighbridge-lab',
    },
  });
  emit({ type: 'seeded', variables: { customerId: 'c1' }, created: ['customer'] }, 400);
  emit({ type: 'load-started', uris: scenario.load.uris.map(({ target }) => target), mixedIn: [] }, 20);
  let latency = latencyOf(0, random);
  let interrupted = false;
  for (const each of scenario.stages) {
    const truth = options.truths?.[each.name] ?? TRUE[each.name] ?? { share: each.expect.share?.v2 ?? 0 };
    emit({ type: 'stage-started', stage: each.name }, 5);
    emit(
      { type: 'changed', stage: each.name, object: `VirtualService/pitstop/${scenario.service}`, result: 'configured' },
      12,
    );
    emit({ type: 'waiting', stage: each.name, for: 'the routes of 1 proxy' }, 3);
    emit(
      { type: 'arrived', stage: each.name, ms: 412, how: 'config-dump', inferred: false, detail: '1 of 1 proxies' },
      412,
    );
    emit({ type: 'window-opened', stage: each.name }, 2000);
    const tally = new Tally(scenario, truth, random);
    for (let look = 1; look <= looks && !interrupted; look++) {
      tally.advance();
      latency = latencyOf(tally.sent, random);
      emit(
        {
          type: 'look',
          stage: each.name,
          look: tally.look(look * LOOK_MS, false),
          latency,
          rps: (3 * PAGES * 1000) / LOOK_MS,
          generator,
        },
        LOOK_MS,
      );
      const { interruptAt } = options;
      interrupted = interruptAt?.stage === each.name && interruptAt.look === look;
    }
    if (interrupted) {
      emit({ type: 'interrupted', signal: 'SIGINT' }, 40);
      emit({ type: 'window-closed', stage: each.name, reason: 'interrupted' }, 1);
      emit({ type: 'stage-finished', stage: each.name }, 1);
      break;
    }
    emit({ type: 'window-closed', stage: each.name, reason: 'decided' }, 1);
    const settledAt = looks * LOOK_MS + 900;
    emit({ type: 'look', stage: each.name, look: tally.look(settledAt, true), latency, rps: 0, generator }, 900);
    emit(
      {
        type: 'objects',
        stage: each.name,
        objects: truth.objects ?? objectsWith(virtualService('customermanagementapi', 90, 10)),
      },
      10,
    );
    emit({ type: 'stage-finished', stage: each.name }, 1);
    if (options.stopAfter === each.name) break;
  }
  emit({ type: 'load-finished', summary: summaryOf(events, latency, generator) }, 300);
  emit(
    {
      type: 'restored',
      objects: [{ object: `VirtualService/pitstop/${scenario.service}`, result: 'deleted', note: '' }],
      kept: false,
    },
    200,
  );
  emit({ type: 'run-finished' }, 1);
  return events;
}

/** Cumulative counts of one stage at all vantage points. */
class Tally {
  readonly #scenario: Scenario;
  readonly #truth: Truth;
  readonly #random: Random;
  #looks = 0;
  /** Calls behind list pages and behind details pages, by version. */
  readonly #list = { v1: 0, v2: 0 };
  readonly #details = { v1: 0, v2: 0 };
  #failed = 0;
  #copies = 0;

  constructor(scenario: Scenario, truth: Truth, random: Random) {
    this.#scenario = scenario;
    this.#truth = truth;
    this.#random = random;
  }

  get sent(): number {
    return this.#looks * 3 * PAGES;
  }

  advance(): void {
    this.#looks += 1;
    if (this.#truth.silent) return;
    for (let page = 0; page < 2 * PAGES; page++) {
      const version = this.#random() < this.#truth.share ? 'v2' : 'v1';
      (page % 2 === 0 ? this.#list : this.#details)[version] += 1;
      if (version === 'v2' && this.#random() < (this.#truth.v2Fails ?? 0)) this.#failed += 1;
      if (this.#random() < (this.#truth.mirror ?? 0)) this.#copies += 1;
    }
  }

  look(at: number, settled: boolean): Look {
    const calls = { v1: this.#list.v1 + this.#details.v1, v2: this.#list.v2 + this.#details.v2 };
    const received = { v1: calls.v1, v2: calls.v2 + this.#copies };
    const marked = this.#details.v1 + this.#details.v2;
    const client: WindowCounts = {
      ...NOTHING,
      versions: { v1: { total: this.#details.v1, failed: 0 }, v2: { total: this.#details.v2, failed: 0 } },
      unmarked: this.sent - marked,
      sent: this.sent,
      byUri: [
        { uri: '/', versions: {}, unmarked: this.#looks * PAGES, failed: 0 },
        { uri: '/CustomerManagement', versions: {}, unmarked: this.#looks * 2 * PAGES - marked, failed: 0 },
        { uri: '/CustomerManagement/Details/c1', versions: { ...this.#details }, unmarked: 0, failed: 0 },
      ],
    };
    const ok = (vantagePoint: Observation['vantagePoint'], counts: WindowCounts, more = {}): Observation => ({
      status: 'ok',
      vantagePoint,
      counts,
      rounding: 0,
      resets: 0,
      ...more,
    });
    const versions = (by: { v1: number; v2: number }) => ({
      v1: { total: by.v1, failed: 0 },
      v2: { total: by.v2, failed: this.#failed },
    });
    const responses: Record<string, number> = {
      '200 -': calls.v1 + calls.v2 - this.#failed,
      ...(this.#failed > 0 && { '500 -': this.#failed }),
    };
    return {
      at,
      settled,
      observations: [
        ok('client', client),
        ok('source', { ...NOTHING, versions: versions(calls), responses }),
        ok('destination', { ...NOTHING, versions: versions(received) }, { frontDoor: this.sent }),
        ok('graph', { ...NOTHING, versions: versions(received) }, { rounding: 3, graph: this.#graph(received, at) }),
      ],
    };
  }

  #graph(received: { v1: number; v2: number }, at: number): TrafficGraph {
    const perSecond = (count: number) => Math.round((count / (at / 1000)) * 100) / 100;
    const { service, namespace } = this.#scenario;
    const all = received.v1 + received.v2;
    const total = perSecond(all);
    const node = (
      id: string,
      kind: 'workload' | 'service' | 'unknown',
      app: string,
      version: string,
      label: string,
      inRate = total,
    ) => ({
      id,
      kind,
      namespace,
      app,
      version,
      label,
      inRate,
      outRate: inRate,
      flags: [],
    });
    const edge = (from: string, to: string, rate: number, percent: number, errorPercent = 0, responseTime = 4.2) => ({
      from,
      to,
      rate,
      percent,
      errorPercent,
      responseTime,
    });
    const share = (count: number) => (all === 0 ? 0 : (100 * count) / all);
    const pages = perSecond(this.sent);
    const errors = received.v2 === 0 ? 0 : (100 * this.#failed) / received.v2;
    const called: [string, string, number][] = [
      ['vehiclemanagementapi', 'veh', pages / 3],
      ['workshopmanagementapi', 'shop', pages / 3],
    ];
    return {
      nodes: [
        node('client', 'unknown', '', '', 'unknown', pages),
        node('web', 'workload', 'webapp', 'v1', 'webapp', pages),
        node('cust-svc', 'service', service, '', service),
        node('cust-v1', 'workload', service, 'v1', service, perSecond(received.v1)),
        ...(received.v2 > 0 ? [node('cust-v2', 'workload', service, 'v2', service, perSecond(received.v2))] : []),
        ...called.flatMap(([app, id, rate]) => [
          node(`${id}-svc`, 'service', app, '', app, rate),
          node(`${id}-v1`, 'workload', app, 'v1', app, rate),
        ]),
        node('sql-svc', 'service', 'sqlserver', '', 'sqlserver', total),
        node('sql', 'workload', 'sqlserver', 'v1', 'sqlserver', total),
      ],
      edges: [
        edge('client', 'web', pages, 100, 0, 11),
        edge('web', 'cust-svc', total, share(all) * 0.5),
        edge('cust-svc', 'cust-v1', perSecond(received.v1), share(received.v1)),
        ...(received.v2 > 0 ? [edge('cust-svc', 'cust-v2', perSecond(received.v2), share(received.v2), errors)] : []),
        ...called.flatMap(([, id, rate]) => [
          edge('web', `${id}-svc`, rate, 25),
          edge(`${id}-svc`, `${id}-v1`, rate, 100),
        ]),
        edge('cust-v1', 'sql-svc', perSecond(received.v1), 100, 0, 1.1),
        ...(received.v2 > 0 ? [edge('cust-v2', 'sql-svc', perSecond(received.v2), 100, 0, 1.1)] : []),
        edge('sql-svc', 'sql', total, 100, 0, 1),
      ],
    };
  }
}

const NOTHING: WindowCounts = {
  versions: {},
  unknown: { total: 0, failed: 0 },
  responses: {},
  foreign: {},
  unmarked: 0,
  failed: 0,
  sent: 0,
  byUri: [],
};

/** Lognormal around 11 ms, in buckets of 3 % width. */
function latencyOf(count: number, random: Random): LatencySummary {
  const buckets = new Map<number, number>();
  const draws = Math.min(count, 2000);
  for (let i = 0; i < draws; i++) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const bucket = Math.round(Math.log(11 * Math.exp(0.5 * normal)) / Math.log(1.06));
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + count / draws);
  }
  const sorted = [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucket, value]) => ({ upTo: Math.round(1.06 ** bucket * 10) / 10, count: Math.round(value) }));
  const total = sorted.reduce((sum, bucket) => sum + bucket.count, 0);
  const quantile = (p: number) => {
    let seen = 0;
    for (const bucket of sorted) {
      seen += bucket.count;
      if (seen >= p * total) return bucket.upTo;
    }
    return 0;
  };
  return {
    count: total,
    mean: 12.4,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    p999: quantile(0.999),
    max: sorted.at(-1)?.upTo ?? 0,
    buckets: sorted,
  };
}

function summaryOf(events: readonly RunEvent[], latency: LatencySummary, generator: GeneratorHealth): LoadSummary {
  const looks = events.filter((event) => event.type === 'look' && !event.look.settled).length;
  const sent = looks * 3 * PAGES;
  const seconds = (looks * LOOK_MS) / 1000;
  return {
    counts: {
      sent,
      ended: sent,
      versions: {},
      unmarked: sent,
      failed: 0,
      dropped: 0,
      bytesReceived: sent * 2048,
      status: { '200': sent },
      errors: {},
      byUri: [],
    },
    seconds,
    requestsPerSecond: seconds === 0 ? 0 : sent / seconds,
    responseTime: latency,
    serviceTime: latency,
    generator,
  };
}

/** A failing canary: 75/25 where 90/10 was promised. */
export const failingCanary = (seed = 7): RunEvent[] =>
  makeJournal({
    seed,
    stopAfter: 'canary',
    truths: {
      canary: { share: 0.25, objects: objectsWith(virtualService('customermanagementapi', 75, 25)) },
    },
  });

/** A journal of few stages for what is slow to look at: mirror passes, canary fails, even is not reached. */
export const smallFailure = (): RunEvent[] =>
  makeJournal({
    scenario: { ...pitstop, stages: pitstop.stages.slice(2) },
    looks: 24,
    stopAfter: 'canary',
    truths: { canary: { share: 0.25, objects: objectsWith(virtualService('customermanagementapi', 75, 25)) } },
  });

/** Every text that comes from outside is hostile. */
export function hostileJournal(): RunEvent[] {
  const scenario: Scenario = {
    ...pitstop,
    name: HOSTILE,
    file: HOSTILE,
    service: HOSTILE,
    stages: pitstop.stages.slice(3, 4).map((one) => ({ ...one, name: HOSTILE })),
  };
  const events = makeJournal({
    scenario,
    looks: 6,
    truths: { [HOSTILE]: { share: 0.3, objects: objectsWith(virtualService(HOSTILE, 70, 30)) } },
  });
  return events.map((event): RunEvent => {
    switch (event.type) {
      case 'changed':
        return { ...event, object: HOSTILE };
      case 'arrived':
        return { ...event, detail: HOSTILE };
      case 'restored':
        return { ...event, objects: [{ object: HOSTILE, result: 'failed', note: HOSTILE }] };
      case 'look':
        return { ...event, look: hostileLook(event.look) };
      default:
        return event;
    }
  });
}

function hostileLook(look: Look): Look {
  return {
    ...look,
    observations: look.observations.map((one) => {
      if (one.status !== 'ok') return one;
      if (one.vantagePoint === 'destination')
        return { status: 'no-data', vantagePoint: 'destination', reason: HOSTILE };
      if (!one.graph)
        return { ...one, counts: { ...one.counts, foreign: { [HOSTILE]: 3 }, responses: { [HOSTILE]: 2 } } };
      const nodes = one.graph.nodes.map((node) => ({ ...node, label: HOSTILE, version: node.version && HOSTILE }));
      return { ...one, graph: { ...one.graph, nodes } };
    }),
  };
}
