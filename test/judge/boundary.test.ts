import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundaryRule, quantileRanks } from '../../src/judge/boundary.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { lostRuns } from '../support/judgeStreams.js';

const rule = (bound: number, error = 0.01) => boundaryRule({ bound, alpha: error, beta: error });

describe('less than a bound', () => {
  test.each([
    ['nothing seen', 0.05, 0, 0, 'continue'],
    ['none of 127 above: not yet', 0.05, 0, 100, 'continue'],
    ['none of 300 above: proven', 0.05, 0, 300, 'pass'],
    ['2.5 % of 2,000 above a bound of 5 %', 0.05, 50, 2000, 'pass'],
    ['10 % of 600', 0.05, 60, 600, 'fail'],
    ['5 % of 100,000: the bound itself is never decided', 0.05, 5000, 100_000, 'continue'],
    ['all of 10', 0.05, 10, 10, 'fail'],
    ['half of 1,000 below the middle of a median', 0.5, 500, 1000, 'continue'],
    ['400 of 1,000 are slower than the median allows', 0.5, 400, 1000, 'pass'],
    ['a billion requests, clearly below', 0.01, 9_000_000, 1_000_000_000, 'pass'],
  ] as const)('%s', (_name, bound, k, n, decision) => {
    expect(rule(bound).decide(k, n)).toBe(decision);
  });

  test('the exact probabilities of wrong verdicts are below what was promised', () => {
    for (const bound of [0.01, 0.05, 0.5]) {
      const held = operatingCharacteristics(rule(bound), rule(bound).promised);
      expect(held.fail).toBeLessThan(0.01);
      expect(held.pass).toBeGreaterThan(0.99);
      const [harmful] = rule(bound).harmful;
      expect(operatingCharacteristics(rule(bound), harmful as number).pass).toBeLessThan(0.01);
    }
  });

  test('need falls to 1 as the count comes near to a verdict', () => {
    const needs = [0, 50, 100, 150, 200].map((n) => rule(0.05).need(0, n));
    expect(needs).toEqual([...needs].sort((a, b) => b - a));
    expect(needs.at(-1)).toBeLessThan(60);
    expect(rule(0.05).need(50, 1000)).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
  });
});

describe('the confidence sequence of a quantile', () => {
  const values = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 400 });

  test('says of every limit what the rule says of it: passed from the upper value on, refuted below the lower one', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.9, 0.99), fc.integer({ min: -1, max: 501 }), (seen, q, limit) => {
        const sorted = [...seen].sort((a, b) => a - b);
        const decide = rule(1 - q, 0.05);
        const { low, high } = quantileRanks(decide, sorted.length);
        const lower = low === 0 ? Number.NEGATIVE_INFINITY : (sorted[low - 1] as number);
        const upper = high > sorted.length ? Number.POSITIVE_INFINITY : (sorted[high - 1] as number);
        const decision = decide.decide(seen.filter((value) => value > limit).length, seen.length);
        expect(decision).toBe(limit < lower ? 'fail' : limit >= upper ? 'pass' : 'continue');
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test.each([
    [0.5, 20],
    [0.95, 140],
    [0.99, 700],
    [0.999, 7000],
  ])('has an upper bound for the %d-quantile within %i values at 1 %%', (q, within) => {
    expect(quantileRanks(boundaryRule({ bound: 1 - q, alpha: 0.005, beta: 0.005 }), within).high).toBeLessThanOrEqual(
      within,
    );
  });

  test('has no bound before there is evidence for one', () => {
    expect(quantileRanks(rule(0.01), 100)).toMatchObject({ high: 101 });
    expect(quantileRanks(rule(0.01), 1)).toEqual({ low: 0, high: 2 });
    expect(quantileRanks(rule(0.01), 0)).toEqual({ low: 0, high: 1 });
  });

  test('holds the quantile at every look in all but alpha + beta of the runs', () => {
    const runs = 200;
    const error = 0.025;
    for (const q of [0.5, 0.95]) {
      const lost = lostRuns({ q, error, runs, looks: 2000 });
      expect(lost / runs).toBeLessThanOrEqual(2 * error + 5 * Math.sqrt((0.05 * 0.95) / runs));
      expect(lost).toBeGreaterThan(0);
    }
  });
});
