import { seededRandom } from '../../src/base/random.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { type RuleSpec, ruleFor } from '../../src/judge/requirements.js';
import { upperTail } from './binomial.js';
import { type Regions, regionsOf } from './simulate.js';

/** How a proxy takes a pod for the next request. */
export type Discipline = 'random' | 'round robin' | 'least requests';

export interface Balanced {
  readonly discipline: Discipline;
  /** Users in a closed loop without think time: so many requests are in flight. */
  readonly users: number;
  /** Proxies that balance on their own, each for its part of the users. */
  readonly proxies: number;
  /** Pods of v1 and v2. */
  readonly pods: readonly [v1: number, v2: number];
  /** Mean service times of v1 and v2, ms; exponentially distributed. */
  readonly meanMs: readonly [v1: number, v2: number];
}

/**
 * The requests of one run, one version at a time (true: v2). Exponential service times make it a Markov chain, so the next answer is drawn
 * by the rates alone. Least requests as Envoy has it: two pods at random with replacement, the one with fewer requests in flight, the first on a tie.
 */
export function picks(
  { discipline, users, proxies, pods, meanMs }: Balanced,
  seed: number,
  stream: number,
): () => boolean {
  const random = seededRandom(seed, stream);
  const count = pods[0] + pods[1];
  const isV2 = Array.from({ length: count }, (_, pod) => pod >= pods[0]);
  // v1 and v2 take turns in a real list of endpoints too, which is sorted by address.
  const order = isV2.map((_, index) => index).sort((a, b) => ((a * 7919) % count) - ((b * 7919) % count));
  const rates = isV2.map((v2) => 1 / meanMs[v2 ? 1 : 0]);
  const active = Array.from({ length: proxies }, () => new Float64Array(count));
  const rotation = Array.from({ length: proxies }, () => Math.floor(random() * count));
  let started = 0;
  const choose = (proxy: number): number => {
    const drawn = () => Math.floor(random() * count);
    if (discipline === 'random') return drawn();
    if (discipline === 'round robin') {
      rotation[proxy] = ((rotation[proxy] as number) + 1) % count;
      return order[rotation[proxy] as number] as number;
    }
    const [first, second] = [drawn(), drawn()];
    const own = active[proxy] as Float64Array;
    return (own[second] as number) < (own[first] as number) ? second : first;
  };
  /** The proxy of the next answer, whose user sends again at once. */
  const answered = (): number => {
    let total = 0;
    for (const own of active)
      for (let pod = 0; pod < count; pod++) total += (own[pod] as number) * (rates[pod] as number);
    let rest = random() * total;
    for (const [proxy, own] of active.entries()) {
      for (let pod = 0; pod < count; pod++) {
        rest -= (own[pod] as number) * (rates[pod] as number);
        if (rest >= 0 || own[pod] === 0) continue;
        own[pod] = (own[pod] as number) - 1;
        return proxy;
      }
    }
    throw new RangeError('no request is in flight');
  };
  return () => {
    const proxy = started < users ? started++ % proxies : answered();
    const pod = choose(proxy);
    const own = active[proxy] as Float64Array;
    own[pod] = (own[pod] as number) + 1;
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
  readonly even: Balanced;
  /** The same with pods off by the margin. */
  readonly off: Balanced;
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
export const PROMISE = {
  kind: 'gate',
  share: 0.5,
  margin: 0.05,
  alpha: 0.01,
  beta: 0.01,
  quiet: 0.0125,
} as const satisfies RuleSpec;

const settings: readonly (readonly [says: string, discipline: Discipline, users: number, proxies: number])[] = [
  ['random', 'random', 16, 1],
  ['round robin, 1 proxy', 'round robin', 16, 1],
  ['round robin, 4 proxies', 'round robin', 16, 4],
  ['least requests, 1 in flight', 'least requests', 1, 1],
  ['least requests, 4 in flight', 'least requests', 4, 1],
  ['least requests, 16 in flight', 'least requests', 16, 1],
  ['least requests, 64 in flight', 'least requests', 64, 1],
  ['least requests, 4 proxies, 16 in flight', 'least requests', 16, 4],
];

export function balancingCells(runs: number, seed: number): BalancingCell[] {
  const rule = ruleFor(PROMISE);
  const horizon = 4 * operatingCharacteristics(rule, PROMISE.share).quantile(1 - 1e-8);
  const regions = regionsOf(rule, horizon);
  return settings.map(([says, discipline, users, proxies], index) => {
    const even: Balanced = { discipline, users, proxies, pods: [1, 1], meanMs: [5, 5] };
    const off: Balanced = { ...even, pods: [9, 11] };
    const held = verdicts(regions, even, runs, seed + 100 * index);
    const broken = verdicts(regions, off, runs, seed + 100 * index + 1);
    return {
      says,
      even,
      off,
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
    share: longRun({ discipline: 'least requests', users, proxies: 1, pods: [1, 1], meanMs: [5, 25] }, seed).share,
  }));
