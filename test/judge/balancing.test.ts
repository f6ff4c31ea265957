import { describe, expect, it, test } from 'vitest';
import { balancingCells, balancingViolations, driftRows, longRun } from '../calibrate/balancing.js';

describe('a share by balancing', () => {
  it('keeps its error rates under every balancer that is simulated (a fast cell of npm run calibrate)', () => {
    const cells = balancingCells(150, 1);
    expect(balancingViolations(cells)).toEqual([]);
    expect(cells.map(({ undecided }) => undecided)).toEqual(cells.map(() => 0));
  });

  const pods = [1, 1] as const;
  test.each([
    ['random draws vary like coins', 'random', 16, 0.9, 1.1],
    ['round robin does not vary', 'round robin', 16, 0, 0.01],
    ['least requests, idle, vary like coins', 'least requests', 1, 0.9, 1.1],
    // Measured on a real Envoy: 0.17 with 16 users.
    ['least requests with 16 in flight vary a sixth as much', 'least requests', 16, 0.08, 0.3],
  ] as const)('%s', (_says, discipline, users, low, high) => {
    const { variance, share } = longRun({ discipline, users, proxies: 1, pods, meanMs: [5, 5], service: 'steady' }, 3);
    expect(variance).toBeGreaterThanOrEqual(low);
    expect(variance).toBeLessThanOrEqual(high);
    expect(share).toBeCloseTo(0.5, 1);
  });

  it('drifts to the faster version under least requests', () => {
    const shares = driftRows(1).map(({ share }) => share);
    expect(shares[0]).toBeCloseTo(0.5, 1);
    expect([...shares].sort((a, b) => b - a)).toEqual(shares);
    // A real Envoy with 16 users: 68/32; two draws with replacement allow no less than 25 %.
    expect(shares[2]).toBeGreaterThan(0.25);
    expect(shares[2]).toBeLessThan(0.35);
  });
});
