import { seededRandom } from '../../src/base/random.js';
import type { SequentialRule } from '../../src/judge/gate.js';
import { Edges } from '../../src/judge/operating.js';

/** Where a rule decides, for every n up to a horizon: fail at k <= failLow or k >= failHigh, else pass in passLow..passHigh. */
export interface Regions {
  readonly horizon: number;
  readonly failLow: Int32Array;
  readonly failHigh: Int32Array;
  readonly passLow: Int32Array;
  readonly passHigh: Int32Array;
}

export function emptyRegions(horizon: number): Regions {
  const numbers = () => new Int32Array(horizon + 1);
  return {
    horizon,
    failLow: numbers().fill(-1),
    failHigh: numbers().fill(0x7fffffff),
    passLow: numbers().fill(1),
    passHigh: numbers(),
  };
}

/** The regions of a rule, asked at every n. */
export function regionsOf(rule: SequentialRule, horizon: number): Regions {
  const edges = new Edges(rule);
  const regions = emptyRegions(horizon);
  for (let n = 1; n <= horizon; n++) {
    edges.advance(n);
    regions.failLow[n] = edges.failLow;
    regions.failHigh[n] = edges.failHigh;
    regions.passLow[n] = edges.passLow;
    regions.passHigh[n] = edges.passHigh;
  }
  return regions;
}

/** When one looks: every so many requests, or after a random number of them, 1 to `random`, anew each time. */
export type Looks = { readonly every: number } | { readonly random: number };

export interface Simulated {
  readonly runs: number;
  readonly pass: number;
  readonly fail: number;
  /** Runs that reached the horizon. */
  readonly undecided: number;
  /** Mean number of requests until the decision. */
  readonly requests: number;
}

/** Independent draws of `truth`, a stream per run, looked at until decided. */
export function simulate(
  regions: Regions,
  truth: number,
  runs: number,
  seed: number,
  looks: Looks = { every: 1 },
): Simulated {
  const { horizon, failLow, failHigh, passLow, passHigh } = regions;
  let [pass, fail, undecided, requests] = [0, 0, 0, 0];
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(seed, 2 * run);
    const gaps = seededRandom(seed, 2 * run + 1);
    const gap = 'every' in looks ? () => looks.every : () => 1 + Math.floor(gaps() * looks.random);
    let [k, n, next] = [0, 0, gap()];
    for (;;) {
      n++;
      if (random() < truth) k++;
      if (n === next) {
        if (k <= (failLow[n] as number) || k >= (failHigh[n] as number)) {
          fail++;
          break;
        }
        if (k >= (passLow[n] as number) && k <= (passHigh[n] as number)) {
          pass++;
          break;
        }
        next = n + gap();
      }
      if (next > horizon) {
        undecided++;
        break;
      }
    }
    requests += n;
  }
  return { runs, pass, fail, undecided, requests: requests / runs };
}
