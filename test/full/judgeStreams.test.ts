import { describe, expect, test } from 'vitest';
import { falseAlarms, flagged, lostRuns } from '../support/judgeStreams.js';

const limit = (error: number, runs: number) => error + 4 * Math.sqrt((error * (1 - error)) / runs);

describe('failures of two versions, looked at every 50 requests', () => {
  test.each([
    { share: 0.1, rate: 0.01 },
    { share: 0.5, rate: 0.01 },
    { share: 0.1, rate: 0.3 },
  ])('equal rates of $rate at a share of $share: false alarms within the promise', ({ share, rate }) => {
    const [alpha, runs] = [0.01, 1500];
    const found = flagged({ share, v1: () => rate, ratio: 1, alpha, runs, requests: 20_000 });
    expect(found.rate).toBeLessThanOrEqual(limit(alpha, runs));
  });

  test.each([
    { share: 0.1, v1: 0.01, ratio: 2, after: 17_200 },
    { share: 0.1, v1: 0.01, ratio: 5, after: 1860 },
    { share: 0.1, v1: 0.001, ratio: 10, after: 6200 },
    { share: 0.1, v1: 0.001, ratio: 50, after: 930 },
    { share: 0.5, v1: 0.01, ratio: 2, after: 6600 },
    { share: 0.5, v1: 0.01, ratio: 5, after: 830 },
    { share: 0.5, v1: 0.001, ratio: 10, after: 2760 },
    { share: 0.5, v1: 0.001, ratio: 50, after: 440 },
  ])('$ratio times $v1 at a share of $share is found after about $after requests', ({ share, v1, ratio, after }) => {
    const found = flagged({ share, v1: () => v1, ratio, alpha: 0.01, runs: 400, requests: 400_000 });
    expect(found.rate).toBe(1);
    expect(found.mean).toBeLessThan(after * 1.15);
    expect(found.mean).toBeGreaterThan(after * 0.8);
  });
});

test.each([0.5, 0.95, 0.99])(
  'the interval of the %d-quantile holds it at each of 20,000 looks in 98 of 100 runs',
  (q) => {
    const [error, runs] = [0.01, 500];
    const lost = lostRuns({ q, error, runs, looks: 20_000 });
    expect(lost / runs).toBeLessThanOrEqual(limit(2 * error, runs));
    expect(lost).toBeGreaterThan(0);
  },
);

test.each([1, 20])(
  'false alarms of the drift detector are 1,000 updates of %i requests apart, or more',
  (perUpdate) => {
    expect(falseAlarms({ threshold: 1000, runs: 300, perUpdate }).mean).toBeGreaterThan(1000);
  },
);
