import { seededRandom } from '../../src/base/random.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { type RuleSpec, ruleFor } from '../../src/judge/requirements.js';
import { upperTail } from './binomial.js';
import { type Regions, regionsOf } from './simulate.js';

/** How a proxy takes a pod for the next request. */
type Discipline = 'random' | 'round robin' | 'least requests';

export interface Balanced {
  readonly discipline: Discipline;
  /** Users in a closed loop without think time: so many requests are in flight. */
  readonly users: number;
  /** Proxies that balance on their own, each for its part of the users. */
  readonly proxies: number;
  /** Pods of v1 and v2. */
  readonly pods: readonly [v1: number, v2: number];
  /** Mean service times of v1 and v2, ms. */
  readonly meanMs: readonly [v1: number, v2: number];
  /** exponential; steady: within 20 % of the mean. */
  readonly service: 'exponential' | 'steady';
}

/**
 * The requests of one run, one version at a time (true: v2): users in a closed loop without think time send the next request when an answer
 * comes. Least requests as Envoy has it: two pods at random with replacement, the one with fewer requests in flight, the first on a tie.
 */
function picks(setting: Balanced, seed: number, stream: number): () => boolean {
  const { discipline, users, proxies, pods, meanMs, service } = setting;
  const random = seededRandom(seed, stream);
  const count = pods[0] + pods[1];
  // Endpoints are sorted by address, so the versions' pods are mixed.
  const isV2 = Array.from({ length: count }, (_, pod) => (pod * pods[1]) % count < pods[1]);
  const active = Array.from({ length: proxies }, () => new Int32Array(count));
  const rotation = Array.from({ length: proxies }, () => Math.floor(random() * count));
  const ends = new Float64Array(users);
  const at = new Int32Array(users).fill(-1);
  const duration = (pod: number): number => {
    const mean = meanMs[isV2[pod] ? 1 : 0];
    return service === 'exponential' ? -mean * Math.log(1 - random()) : mean * (0.8 + 0.4 * random());
  };
  const choose = (proxy: number): number => {
    const drawn = () => Math.floor(random() * count);
    if (discipline === 'random') return drawn();
    if (discipline === 'round robin') {
      rotation[proxy] = ((rotation[proxy] as number) + 1) % count;
      return rotation[proxy] as number;
    }
    const [first, second] = [drawn(), drawn()];
    const own = active[proxy] as Int32Array;
    return (own[second] as number) < (own[first] as number) ? second : first;
  };
  return () => {
    // Users who have not sent yet end at 0, so they come first.
    let user = 0;
    for (let other = 1; other < users; other++) if ((ends[other] as number) < (ends[user] as number)) user = other;
    const proxy = user % proxies;
    const own = active[proxy] as Int32Array;
    const left = at[user] as number;
    if (left >= 0) own[left] = (own[left] as number) - 1;
    const pod = choose(proxy);
    own[pod] = (own[pod] as number) + 1;
    at[user] = pod;
    ends[user] = (ends[user] as number) + duration(pod);
    return isV2[pod] as boolean;
  };
}

/** Share of v2 and variance of blocks of 100 requests as a multiple of the binomial one, over a long run. */
export function longRun(setting: Balanced, seed: number, blocks = 1000): { share: number; variance: number } {
  const next = picks(setting, seed, 0);
  for (let warmUp = 0; warmUp < 1000; warmUp++) next();
  const counts = Array.from({ length: blocks }, () => {
    let k = 0;
    for (let i = 0; i < 100; i++) if (next()) k++;
    return k;
  });
  const mean = counts.reduce((sum, k) => sum + k, 0) / blocks;
  const squares = counts.reduce((sum, k) => sum + (k - mean) ** 2, 0) / (blocks - 1);
  return { share: mean / 100, variance: squares / (mean * (1 - mean / 100)) };
}

export interface BalancingCell {
  readonly says: string;
  readonly share: number;
  readonly variance: number;
  readonly runs: number;
  /** Fails although the pods are even; passes although they are off by the margin; runs without a verdict in either. */
  readonly falseAlarms: number;
  readonly misses: number;
  readonly undecided: number;
  /** Mean requests to the verdict with even pods. */
  readonly requests: number;
}

/** A share by balancing as stages promise it: 50 ± 5 %, with the quiet band of a quarter of the margin, at 1 %. */
const PROMISE = {
  kind: 'gate',
  share: 0.5,
  margin: 0.05,
  alpha: 0.01,
  beta: 0.01,
  quiet: 0.0125,
} as const satisfies RuleSpec;

const settings: readonly Pick<Balanced, 'discipline' | 'users' | 'proxies' | 'service'>[] = [
  { discipline: 'random', users: 16, proxies: 1, service: 'steady' },
  { discipline: 'round robin', users: 16, proxies: 1, service: 'steady' },
  { discipline: 'round robin', users: 16, proxies: 4, service: 'exponential' },
  ...([1, 4, 16, 64] as const).flatMap((users) =>
    (['steady', 'exponential'] as const).map(
      (service) => ({ discipline: 'least requests', users, proxies: 1, service }) as const,
    ),
  ),
  { discipline: 'least requests', users: 16, proxies: 4, service: 'steady' },
];

export function balancingCells(runs: number, seed: number): BalancingCell[] {
  const rule = ruleFor(PROMISE);
  const horizon = 4 * operatingCharacteristics(rule, PROMISE.share).quantile(1 - 1e-8);
  const regions = regionsOf(rule, horizon);
  return settings.map((setting, index) => {
    const { discipline, users, proxies, service } = setting;
    const says = `${discipline}, ${users} in flight, ${proxies} ${proxies === 1 ? 'proxy' : 'proxies'}, ${service} times`;
    const even: Balanced = { ...setting, pods: [1, 1], meanMs: [5, 5] };
    const off: Balanced = { ...even, pods: [9, 11] };
    const held = verdicts(regions, even, runs, seed + 100 * index);
    const broken = verdicts(regions, off, runs, seed + 100 * index + 1);
    return {
      says,
      ...longRun(even, seed),
      runs,
      falseAlarms: held.fail,
      misses: broken.pass,
      undecided: held.undecided + broken.undecided,
      requests: held.requests,
    };
  });
}

function verdicts(
  { horizon, failLow, failHigh, passLow, passHigh }: Regions,
  setting: Balanced,
  runs: number,
  seed: number,
) {
  let [pass, fail, requests] = [0, 0, 0];
  for (let run = 0; run < runs; run++) {
    const next = picks(setting, seed, run);
    let [k, n] = [0, 0];
    while (++n <= horizon) {
      if (next()) k++;
      if (k <= (failLow[n] as number) || k >= (failHigh[n] as number)) {
        fail++;
        break;
      }
      if (k >= (passLow[n] as number) && k <= (passHigh[n] as number)) {
        pass++;
        break;
      }
    }
    requests += n;
  }
  return { pass, fail, undecided: runs - pass - fail, requests: requests / runs };
}

/** A count this unusual would be seen once in a million tables. */
const UNUSUAL = 1e-6;

export const balancingViolations = (cells: readonly BalancingCell[]): string[] =>
  cells.flatMap(({ says, falseAlarms, misses, runs }) => [
    ...(upperTail(falseAlarms, runs, PROMISE.alpha) > UNUSUAL
      ? []
      : [`${says}: ${falseAlarms} false alarms in ${runs} runs`]),
    ...(upperTail(misses, runs, PROMISE.beta) > UNUSUAL ? [] : [`${says}: ${misses} misses in ${runs} runs`]),
  ]);

/** Where latencies differ: share of v2 at 5 against 25 ms by requests in flight. */
export const driftRows = (seed: number): { users: number; share: number }[] =>
  [1, 4, 16, 64].map((users) => ({
    users,
    share: longRun(
      { discipline: 'least requests', users, proxies: 1, pods: [1, 1], meanMs: [5, 25], service: 'exponential' },
      seed,
    ).share,
  }));
