import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { confidenceSequence } from '../../src/judge/confidence.js';
import { JEFFREYS, lnMixtureRatio } from '../../src/judge/numerics.js';
import { calibrate, PROBLEMS, peek, peekViolations, violations } from '../calibrate/cells.js';

describe('simulated error rates agree with the exact ones, and the requests with the goals', () => {
  const some = PROBLEMS.filter(({ error, margin }) => error === 1e-2 || margin === 0.05);
  test.each(some)('$share ± $margin at $error', (problem) => {
    expect(violations(calibrate(problem, 20_000, 101))).toEqual([]);
  });

  test.each([
    { share: 0.1, margin: 0.03, error: 0.01 },
    { share: 0.5, margin: 0.05, error: 0.01 },
  ])('$share ± $margin at $error, however often one looks', (problem) => {
    expect(peek(problem, 20_000, 102).flatMap(peekViolations)).toEqual([]);
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
