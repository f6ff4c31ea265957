import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { confidenceSequence } from '../../src/judge/confidence.js';
import { lnDirichletRatio, shareIntervals } from '../../src/judge/multinomial.js';
import { JEFFREYS, lnMixtureRatio } from '../../src/judge/numerics.js';
import { judgeShares } from '../../src/judge/shares.js';

const fixed = { seed: 20_24, numRuns: 300 };

/** One request at a time: the prediction of each, without any special function. */
function streaming(versions: readonly number[], shares: readonly number[]): { ln: number; counts: number[] } {
  const counts = shares.map(() => 0);
  let ln = 0;
  versions.forEach((version, n) => {
    ln +=
      Math.log(((counts[version] as number) + 0.5) / (n + 0.5 * shares.length)) - Math.log(shares[version] as number);
    counts[version] = (counts[version] as number) + 1;
  });
  return { ln, counts };
}

describe('the Dirichlet-multinomial mixture', () => {
  test('equals the product of its predictions, whatever the order of the requests', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2), { maxLength: 300 }),
        fc.tuple(fc.double({ min: 0.01, max: 0.49, noNaN: true }), fc.double({ min: 0.01, max: 0.49, noNaN: true })),
        (versions, [first, second]) => {
          const shares = [first, second, 1 - first - second];
          const slow = streaming(versions, shares);
          expect(lnDirichletRatio(slow.counts, shares)).toBeCloseTo(slow.ln, 9);
          expect(lnDirichletRatio(streaming([...versions].reverse(), shares).counts, shares)).toBeCloseTo(slow.ln, 9);
        },
      ),
      fixed,
    );
  });

  test('has mean 1 under the promise: summed exactly over all divisions of twelve requests', () => {
    const shares = [0.7, 0.2, 0.1];
    let mean = 0;
    const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
    for (let a = 0; a <= 12; a++) {
      for (let b = 0; a + b <= 12; b++) {
        const counts = [a, b, 12 - a - b];
        const probability = counts.reduce((p, k, j) => (p * (shares[j] as number) ** k) / factorial(k), factorial(12));
        mean += probability * Math.exp(lnDirichletRatio(counts, shares));
      }
    }
    expect(mean).toBeCloseTo(1, 10);
  });

  test('is the beta-binomial one for two versions', () => {
    for (const [k, n] of [
      [0, 5],
      [402, 1601],
      [1e8, 1e9],
    ] as const) {
      expect(lnDirichletRatio([k, n - k], [0.1, 0.9])).toBeCloseTo(lnMixtureRatio(k, n, 0.1, JEFFREYS), 6);
    }
  });

  test('stays exact at a thousand million requests', () => {
    const at = (n: number) => lnDirichletRatio([0.7 * n, 0.2 * n, 0.1 * n], [0.7, 0.2, 0.1]);
    // Two unknown shares: a logarithm of n.
    expect(at(1e9) - at(1e8)).toBeCloseTo(-Math.log(10), 6);
  });
});

describe('simultaneous intervals', () => {
  test('are the confidence sequence for two versions', () => {
    const [low, high] = shareIntervals([402, 1199], 1e-4);
    const alone = confidenceSequence(402, 1601, 1e-4);
    expect(low?.low).toBeCloseTo(alone.low, 9);
    expect(low?.high).toBeCloseTo(alone.high, 9);
    expect(high?.low).toBeCloseTo(1 - alone.high, 9);
  });

  test('are the shadows of the confidence set: at their ends the best division of the others just leaves it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3000), { minLength: 3, maxLength: 4 }), fc.nat(2), (counts, j) => {
        const n = counts.reduce((sum, count) => sum + count, 0);
        const k = counts[j] as number;
        if (k === 0 || k === n) return;
        const { low, high } = shareIntervals(counts, 0.01)[j] as { low: number; high: number };
        for (const end of [low, high]) {
          const shares = counts.map((count, i) => (i === j ? end : ((1 - end) * Math.max(count, 1e-9)) / (n - k)));
          expect(lnDirichletRatio(counts, shares)).toBeCloseTo(-Math.log(0.01), 2);
        }
      }),
      fixed,
    );
  });

  test('without requests exclude nothing, and without requests of a version start at 0', () => {
    expect(shareIntervals([0, 0, 0], 0.01)).toEqual(Array.from({ length: 3 }, () => ({ low: 0, high: 1 })));
    expect(shareIntervals([10, 0, 0], 0.01)).toEqual([
      { low: expect.any(Number), high: 1 },
      { low: 0, high: expect.any(Number) },
      { low: 0, high: expect.any(Number) },
    ]);
  });
});

describe('a division among three versions', () => {
  const promise = { shares: { v1: 0.7, v2: 0.2, v3: 0.1 }, margin: 0.05, errorRate: 0.01, absence: 0.01 };
  const judge = judgeShares(promise);

  test.each([
    ['as promised', { v1: 1400, v2: 400, v3: 200 }, 'pass'],
    ['too few to tell', { v1: 70, v2: 20, v3: 10 }, 'inconclusive'],
    ['v3 has what v2 was promised', { v1: 350, v2: 50, v3: 100 }, 'fail'],
    ['v1 alone is right', { v1: 1400, v2: 300, v3: 300 }, 'fail'],
    ['nothing', { v1: 0, v2: 0, v3: 0 }, 'no-data'],
  ] as const)('%s', (_says, counts, verdict) => {
    expect(judge(counts).verdict).toBe(verdict);
  });

  test('names the version that is furthest off', () => {
    expect(judge({ v1: 1400, v2: 250, v3: 350 }).reason).toMatch(/refuted at error rate 1 %, most by v3\.$/);
  });

  test('a version that was promised none refutes by its first request, and needs clean ones to pass', () => {
    const dark = judgeShares({ ...promise, shares: { v1: 0.7, v2: 0.3, v3: 0 }, errorRate: 1e-4 });
    expect(dark({ v1: 7000, v2: 3000, v3: 1 })).toMatchObject({ verdict: 'fail', pValue: 0 });
    expect(dark({ v1: 7000, v2: 3000, v3: 0 }).verdict).toBe('pass');
    const only = judgeShares({ ...promise, shares: { v1: 1, v2: 0, v3: 0 }, errorRate: 1e-4 });
    expect(only({ v1: 916, v2: 0, v3: 0 }).verdict).toBe('inconclusive');
    expect(only({ v1: 917, v2: 0, v3: 0 }).verdict).toBe('pass');
  });

  test.each([
    { truth: [0.7, 0.2, 0.1], wrong: 'fail' },
    { truth: [0.65, 0.25, 0.1], wrong: 'pass' },
    { truth: [0.7, 0.15, 0.15], wrong: 'pass' },
  ] as const)(
    'a true $truth is judged wrong in at most 1 % of the runs, looked at every 20 requests',
    ({ truth, wrong }) => {
      const runs = 600;
      let [mistakes, requests] = [0, 0];
      for (let run = 0; run < runs; run++) {
        const random = seededRandom(31, run);
        const counts = { v1: 0, v2: 0, v3: 0 };
        for (let verdict = 'inconclusive'; verdict === 'inconclusive'; ) {
          for (let i = 0; i < 20; i++) {
            const u = random();
            counts[u < truth[0] ? 'v1' : u < truth[0] + truth[1] ? 'v2' : 'v3']++;
            requests++;
          }
          verdict = judge(counts).verdict;
          if (verdict === wrong) mistakes++;
        }
      }
      // 1 % of 600 and four standard deviations.
      expect(mistakes).toBeLessThanOrEqual(6 + 10);
      expect(requests / runs).toBeLessThan(3000);
    },
  );
});
