import { millis, ratio } from '../../src/base/units.js';
import type { Look } from '../../src/judge/types.js';
import type { UriCounts } from '../../src/load/types.js';
import type { Observation, WindowCounts } from '../../src/observe/types.js';
import type { Expectation, Scenario, Stage, WatchedPoint } from '../../src/scenario/types.js';

/** A stage that promises what is given and nothing else. */
export function stage(expect: Partial<Expectation>, changes: Partial<Stage> = {}): Stage {
  return {
    name: 'canary',
    apply: [],
    delete: [],
    expect: { share: undefined, by: 'weight', mirror: undefined, errors: undefined, ...expect },
    precision: { margin: ratio(0.03), errorRate: ratio(0.0001), absence: ratio(0.01) },
    ...changes,
  };
}

export const share = (shares: Record<string, number>): Partial<Expectation> => ({
  share: Object.fromEntries(Object.entries(shares).map(([version, value]) => [version, ratio(value)])),
});

export const mirror = (shares: Record<string, number>): Partial<Expectation> => ({
  mirror: Object.fromEntries(Object.entries(shares).map(([version, value]) => [version, ratio(value)])),
});

/** The Pitstop scenario with these stages. */
export function scenario(stages: readonly Stage[], changes: Partial<Scenario> = {}): Scenario {
  return {
    name: 'test',
    file: 'scenario.yaml',
    mesh: 'istio',
    namespace: 'pitstop',
    service: 'customermanagementapi',
    from: 'webapp',
    versions: { v1: { version: 'v1' }, v2: { version: 'v2' } },
    marker: { uri: '/CustomerManagement/Details/*', versions: { v2: 'LoyaltyLevel' }, failed: 'offline' },
    load: {
      uris: [
        { method: 'GET', target: '/', headers: {}, line: 1 },
        { method: 'GET', target: '/CustomerManagement/Details/{customerId}', headers: {}, line: 2 },
      ],
      urisFile: 'uris.txt',
      model: { kind: 'closed', users: 100, thinkTime: { kind: 'uniform', minMs: millis(100), maxMs: millis(2000) } },
      order: 'round-robin',
      timeout: millis(10_000),
    },
    seed: [],
    precision: { margin: ratio(0.03), errorRate: ratio(0.0001), absence: ratio(0.01) },
    watch: { client: 'require', source: 'require', destination: 'account', graph: 'account' },
    warmUp: millis(2000),
    maxDuration: millis(120_000),
    stages,
    lab: { objects: [], scrapeInterval: millis(1000), propagation: millis(300), stale: {}, apps: {} },
    ...changes,
  };
}

type Counted = number | readonly [total: number, failed: number];
const pair = (value: Counted) =>
  typeof value === 'number' ? { total: value, failed: 0 } : { total: value[0], failed: value[1] };

export interface SeenOptions {
  readonly unknown?: Counted;
  readonly responses?: Record<string, number>;
  readonly foreign?: Record<string, number>;
  readonly unmarked?: number;
  readonly failed?: number;
  readonly sent?: number;
  readonly byUri?: readonly UriCounts[];
  readonly rounding?: number;
  readonly extrapolation?: number;
  readonly frontDoor?: number;
  readonly resets?: number;
}

/** What a vantage point saw. A client's `sent` is the sum of its answers unless given. */
export function saw(
  vantagePoint: WatchedPoint,
  versions: Record<string, Counted>,
  options: SeenOptions = {},
): Observation {
  const { unmarked = 0, failed = 0 } = options;
  const answered = Object.values(versions).reduce<number>((sum, each) => sum + pair(each).total, 0);
  const counts: WindowCounts = {
    versions: Object.fromEntries(Object.entries(versions).map(([name, each]) => [name, pair(each)])),
    unknown: pair(options.unknown ?? 0),
    responses: options.responses ?? {},
    foreign: options.foreign ?? {},
    unmarked,
    failed,
    sent: options.sent ?? answered + unmarked + failed,
    byUri: options.byUri ?? [],
  };
  return {
    status: 'ok',
    vantagePoint,
    counts,
    rounding: options.rounding ?? 0,
    ...(options.extrapolation === undefined ? {} : { extrapolation: options.extrapolation }),
    resets: options.resets ?? 0,
    ...(options.frontDoor === undefined ? {} : { frontDoor: options.frontDoor }),
  };
}

export const lost = (vantagePoint: WatchedPoint, reason = 'connection refused'): Observation => ({
  status: 'no-data',
  vantagePoint,
  reason,
});

export const look = (observations: readonly Observation[], settled = false, at = 1000): Look => ({
  at,
  observations,
  settled,
});

/** All four vantage points in agreement: marked answers are half of the calls, and every request is in the books. */
export function agreed(v1: number, v2: number, settled = false, at = 1000): Look {
  const marked = { v1: Math.floor(v1 / 2), v2: Math.floor(v2 / 2) };
  const sent = 2 * (v1 + v2);
  const unmarked = sent - marked.v1 - marked.v2;
  return look(
    [
      saw('client', marked, { unmarked, sent }),
      saw('source', { v1, v2 }, { responses: { '200 -': v1 + v2 } }),
      saw('destination', { v1, v2 }, { frontDoor: sent }),
      saw('graph', { v1, v2 }, { rounding: 3 }),
    ],
    settled,
    at,
  );
}
