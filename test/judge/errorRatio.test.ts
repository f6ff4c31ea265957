import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ErrorBlock, ErrorRatio, lnNormalizer } from '../../src/judge/errorRatio.js';
import { flagged } from '../support/judgeStreams.js';

const block = (n1: number, x1: number, n2: number, x2: number): ErrorBlock => ({
  baseline: { total: n1, failed: x1 },
  candidate: { total: n2, failed: x2 },
});

const choose = (n: number, k: number): number => {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
};

/** Weights of Fisher's noncentral hypergeometric distribution, term by term. */
const weights = (m: number, n: number, e: number, odds: number) =>
  Array.from({ length: e + 1 }, (_, x) => (x > m || e - x > n ? 0 : choose(m, x) * choose(n, e - x) * odds ** x));

const sizes = fc.record({ m: fc.integer({ min: 0, max: 30 }), n: fc.integer({ min: 0, max: 30 }), e: fc.nat(60) });

describe('the noncentral hypergeometric distribution', () => {
  test('is normalised by the plain sum of its weights', () => {
    fc.assert(
      fc.property(sizes, fc.double({ min: 0.02, max: 50, noNaN: true }), ({ m, n, e }, odds) => {
        fc.pre(e <= m + n);
        const sum = weights(m, n, e, odds).reduce((a, b) => a + b, 0);
        expect(lnNormalizer(m, n, e, Math.log(odds))).toBeCloseTo(Math.log(sum), 9);
      }),
      { seed: 1 },
    );
  });

  test('a million failures take as good as no time and stay exact: at odds 1 it is the plain hypergeometric one', () => {
    // Vandermonde: the weights sum to C(m + n, e); for m = n = e the logarithm is that of the central binomial coefficient.
    const n = 1_000_000;
    const stirling = 2 * n * Math.log(2) - 0.5 * Math.log(Math.PI * n) - 1 / (8 * n);
    expect(lnNormalizer(n, n, n, 0)).toBeCloseTo(stirling, 6);
  });
});

describe('evidence that a candidate fails more often', () => {
  const state = (blocks: readonly ErrorBlock[], ratio = 1) => {
    const tested = new ErrorRatio({ ratio, alpha: 0.01, beta: 0.01 });
    for (const each of blocks) tested.add(each);
    return tested;
  };

  test.each([
    ['equal odds: evidence multiplies to 1 on average', 1, 1, 'equal'],
    ['as many times as allowed: likewise', 2, 2, 'equal'],
    ['fewer than allowed: at most 1', 1, 2, 'less'],
  ] as const)('%s, whatever the counts', (_name, odds, ratio, relation) => {
    fc.assert(
      fc.property(sizes, ({ m, n, e }) => {
        fc.pre(e <= m + n);
        const law = weights(m, n, e, odds);
        const total = law.reduce((a, b) => a + b, 0);
        const mean = law.reduce(
          (sum, weight, x) =>
            weight === 0 ? sum : sum + (weight / total) * Math.exp(state([block(n, e - x, m, x)], ratio).lnEvidence()),
          0,
        );
        if (relation === 'equal') expect(mean).toBeCloseTo(1, 9);
        else expect(mean).toBeLessThan(1 + 1e-9);
      }),
      { seed: 2 },
    );
  });

  test('support for the promise is at most 1 on average when the candidate fails twice as often or more', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom(2, 3, 20), ({ m, n, e }, odds) => {
        fc.pre(e <= m + n);
        const law = weights(m, n, e, odds);
        const total = law.reduce((a, b) => a + b, 0);
        const mean = law.reduce(
          (sum, weight, x) =>
            weight === 0 ? sum : sum + (weight / total) * Math.exp(state([block(n, e - x, m, x)]).lnSupport()),
          0,
        );
        expect(mean).toBeLessThan(1 + 1e-9);
      }),
      { seed: 3 },
    );
  });

  test.each([
    ['no failure says nothing', [block(900, 0, 100, 0)], 0],
    ['all requests of both fail: the counts could not be otherwise', [block(900, 900, 100, 100)], 0],
    ['a proxy restarted and counts backwards: the block is passed over', [block(-3, 0, 5, 5)], 0],
    ['more failures than requests: the block is passed over', [block(1, 2, 5, 5)], 0],
  ])('%s', (_name, blocks, expected) => {
    expect(state(blocks).lnEvidence()).toBeCloseTo(expected, 12);
  });

  test('refutes when v2 fails five times as often, confirms when both fail alike, and its interval holds the ratio', () => {
    const worse = state([block(9000, 90, 1000, 50)]);
    expect([worse.fails(), worse.passes()]).toEqual([true, false]);
    const { low, high } = worse.interval(0.01);
    expect(low).toBeGreaterThan(1);
    expect(low).toBeLessThan(5.2);
    expect(high).toBeGreaterThan(5.2);
    const same = state([block(50_000, 500, 50_000, 500)]);
    expect([same.fails(), same.passes()]).toEqual([false, true]);
    expect(same.interval(0.01).low).toBeLessThan(1);
    expect(same.interval(0.01).high).toBeLessThan(2);
  });

  test('nothing counted: every ratio is possible', () => {
    expect(state([]).interval(0.01)).toEqual({ low: 0, high: Number.POSITIVE_INFINITY });
  });
});

describe('under continuous looking', () => {
  test('versions that fail alike are called different in at most alpha of the runs, also when an outage hits both', () => {
    const [alpha, runs] = [0.05, 200];
    const limit = alpha + 5 * Math.sqrt((alpha * (1 - alpha)) / runs);
    const steady = flagged({ share: 0.1, v1: () => 0.02, ratio: 1, alpha, runs, requests: 8000 });
    expect(steady.rate).toBeLessThanOrEqual(limit);
    const outage = (n: number) => (n > 2000 && n < 4000 ? 0.9 : 0.01);
    expect(flagged({ share: 0.1, v1: outage, ratio: 1, alpha, runs, requests: 8000 }).rate).toBeLessThanOrEqual(limit);
  });

  test('5 % against 1 % is found in every run, after 1,900 requests at 90/10 on average', () => {
    const found = flagged({ share: 0.1, v1: () => 0.01, ratio: 5, alpha: 0.01, runs: 60, requests: 50_000 });
    expect(found.rate).toBe(1);
    expect(found.mean).toBeGreaterThan(1000);
    expect(found.mean).toBeLessThan(2500);
  });
});
