import { describe, expect, test } from 'vitest';
import { alarmsOf, missesOf } from '../support/judgeSimulation.js';

/** Short runs with a large error rate; test/full has the long ones. Bounds hold for the binomial count of wrong verdicts at 5 sigma. */
describe('calibration under a look at every request', () => {
  test.each([
    { share: 0.1, margin: 0.05, truth: 0.1 },
    { share: 0.5, margin: 0.1, truth: 0.5 },
  ])('a true $truth is refuted in at most 5 % of the runs of $share ± $margin', (row) => {
    const runs = 400;
    const alarms = alarmsOf({ ...row, error: 0.05, runs, seed: 11 });
    expect(alarms / runs).toBeLessThanOrEqual(0.05 + 5 * Math.sqrt((0.05 * 0.95) / runs));
    // The rule spends most of what it may: a gate that never alarmed would be broken too.
    expect(alarms).toBeGreaterThan(0);
  });

  test.each([
    { share: 0.1, margin: 0.05, truth: 0.15 },
    { share: 0.5, margin: 0.1, truth: 0.4 },
  ])('a true $truth passes $share ± $margin in at most 5 % of the runs', (row) => {
    const runs = 400;
    const misses = missesOf({ ...row, error: 0.05, runs, seed: 12 });
    expect(misses / runs).toBeLessThanOrEqual(0.05 + 5 * Math.sqrt((0.05 * 0.95) / runs));
    expect(misses).toBeGreaterThan(0);
  });
});
