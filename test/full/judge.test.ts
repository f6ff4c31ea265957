import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { confidenceSequence } from '../../src/judge/confidence.js';
import { shareGate } from '../../src/judge/gate.js';
import { JEFFREYS, lnMixtureRatio } from '../../src/judge/numerics.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { alarmsOf, missesOf } from '../support/judgeSimulation.js';

describe('simulated error rates under continuous looking agree with the exact ones', () => {
  test.each([
    { share: 0.1, margin: 0.03, truth: 0.1, every: 1 },
    { share: 0.5, margin: 0.05, truth: 0.5, every: 1 },
    { share: 0.1, margin: 0.03, truth: 0.1, every: 100 },
  ])('false alarms of $share ± $margin, a look every $every requests', (row) => {
    const [runs, error] = [4000, 0.01];
    const exact = operatingCharacteristics(shareGate({ ...row, alpha: error, beta: error }), row.truth).fail;
    const alarms = alarmsOf({ ...row, error, runs, seed: 101 });
    expect(alarms / runs).toBeLessThanOrEqual(error);
    // Fewer looks are more conservative; looking at every request must hit the exact figure within 4 sigma.
    if (row.every === 1)
      expect(Math.abs(alarms / runs - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / runs));
  });

  test.each([
    { share: 0.1, margin: 0.03, truth: 0.13 },
    { share: 0.1, margin: 0.03, truth: 0.07 },
    { share: 0.5, margin: 0.05, truth: 0.55 },
  ])('misses of $share ± $margin at a true $truth', (row) => {
    const [runs, error] = [4000, 0.01];
    const exact = operatingCharacteristics(shareGate({ ...row, alpha: error, beta: error }), row.truth).pass;
    const misses = missesOf({ ...row, error, runs, seed: 102 });
    expect(Math.abs(misses / runs - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / runs));
  });
});

test('the confidence sequence holds the true share at every one of 10,000 looks in all but alpha of the runs', () => {
  const [runs, alpha] = [2000, 0.05];
  for (const truth of [0.02, 0.1, 0.5]) {
    let lost = 0;
    for (let run = 0; run < runs; run++) {
      const random = seededRandom(103, run);
      let k = 0;
      for (let n = 1; n <= 10_000; n++) {
        if (random() < truth) k++;
        // Whether the truth is outside can be asked without computing the ends.
        if (lnMixtureRatio(k, n, truth, JEFFREYS) < -Math.log(alpha)) continue;
        const { low, high } = confidenceSequence(k, n, alpha);
        expect(truth <= low || truth >= high).toBe(true);
        lost++;
        break;
      }
    }
    expect(lost / runs).toBeLessThanOrEqual(alpha);
    expect(lost).toBeGreaterThan(0);
  }
});
