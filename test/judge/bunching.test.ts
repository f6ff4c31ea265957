import { describe, expect, it, test } from 'vitest';
import { type Random, seededRandom } from '../../src/base/random.js';
import { boundaryRule } from '../../src/judge/boundary.js';
import { ALLOWANCE, Bunching, LEAST_BLOCKS } from '../../src/judge/bunching.js';
import { SlowAnswers } from '../../src/judge/slowAnswers.js';
import { LatencyHistogram } from '../../src/load/latency.js';
import { queueingCell } from '../calibrate/queueing.js';

const binomial = (n: number, p: number, random: Random): number => {
  let k = 0;
  for (let i = 0; i < n; i++) if (random() < p) k++;
  return k;
};

/** Factors of runs of this many looks, of which each brings `more`. */
function factors(looks: number, more: (random: Random) => readonly [k: number, n: number], runs = 200): number[] {
  return Array.from({ length: runs }, (_, run) => {
    const random = seededRandom(21, run);
    const bunching = new Bunching();
    let [k, n] = [0, 0];
    for (let look = 0; look < looks; look++) {
      const [add, of] = more(random);
      [k, n] = [k + add, n + of];
      bunching.look([k], n);
    }
    return bunching.factor ?? Number.NaN;
  }).sort((a, b) => a - b);
}
const median = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)] as number;

describe('how many answers say as much as one', () => {
  test.each([LEAST_BLOCKS, 31, 32, 200])('about one where they are independent, after %d looks', (looks) => {
    const found = median(factors(looks, (random) => [binomial(100, 0.05, random), 100]));
    expect(found).toBeGreaterThan(ALLOWANCE * 0.85);
    expect(found).toBeLessThan(ALLOWANCE * 1.1);
  });

  test('ten where they come in tens', () => {
    const found = median(factors(64, (random) => [10 * binomial(20, 0.05, random), 200]));
    expect(found / ALLOWANCE).toBeGreaterThan(8.5);
    expect(found / ALLOWANCE).toBeLessThan(11);
  });

  it('is not known from a few looks, and looks without answers are none', () => {
    const bunching = new Bunching();
    for (let look = 1; look < LEAST_BLOCKS; look++) {
      bunching.look([look], 10 * look);
      bunching.look([look], 10 * look);
    }
    expect([bunching.factor, bunching.missing]).toEqual([undefined, 1]);
  });

  it('is the largest of several counts, and does not look at what was before', () => {
    const bunching = new Bunching();
    bunching.begin([0, 5000], 5000);
    for (let look = 1; look <= LEAST_BLOCKS; look++)
      bunching.look([5 * look, 5000 + 100 * Math.ceil(look / 2)], 5000 + 100 * look);
    expect(bunching.factor).toBeGreaterThan(50);
  });

  it('tells a wave by the answers above the middle before the first one is above the limit', () => {
    const random = seededRandom(5);
    const slow = new SlowAnswers(boundaryRule({ bound: 0.01, alpha: 0.01, beta: 0.01 }), 10_000);
    const histogram = new LatencyHistogram();
    let wait = 0;
    for (let look = 1; look <= 40; look++) {
      for (let i = 0; i < 100; i++) {
        const time = wait - Math.log(1 - random());
        wait = Math.max(0, time + Math.log(1 - random()) / 0.9);
        histogram.record(5 * time);
      }
      const { count, buckets } = histogram.summary();
      slow.look({ total: count, over: { '10000': 0 }, buckets });
    }
    expect(slow.factor).toBeGreaterThan(10);
  });
});

test('a limit keeps its error rates under a queue, where a rule for independent answers does not (a fast cell of npm run calibrate)', () => {
  const { half, twice, naive } = queueingCell('p95', 0.05, 0.7, 80, 3);
  expect([half.fail, twice.pass]).toEqual([0, 0]);
  expect(half.pass).toBeGreaterThan(30);
  expect(twice.fail).toBeGreaterThan(60);
  // 1 % is stated.
  expect(naive.half.fail + naive.twice.pass).toBeGreaterThan(12);
});
