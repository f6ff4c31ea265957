import { describe, expect, test } from 'vitest';
import { errorCeiling } from '../../src/judge/errors.js';
import { type SequentialRule, shareGate } from '../../src/judge/gate.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { capFor, characteristicsWhenHeld } from '../../src/judge/requirements.js';

/** Tabulated characteristics of the gate: mean, median, quantiles and false alarms at the promise, mean and misses at the margin. */
const table = [
  {
    share: 0.1,
    margin: 0.03,
    error: 0.01,
    mean: 1403,
    median: 1211,
    q95: 2557,
    q99: 3545,
    off: 1222,
    fail: 0.0076,
    miss: 0.0071,
  },
  { share: 0.1, margin: 0.03, error: 0.001, mean: 1994, median: 1769, q95: 3385, q99: 4552, off: 1742 },
  { share: 0.1, margin: 0.03, error: 0.0001, mean: 2559, median: 2308, q95: 4144, q99: 5411, off: 2249, cap: 9072 },
  { share: 0.1, margin: 0.02, error: 0.01, mean: 3146, q99: 7826, off: 2668 },
  { share: 0.1, margin: 0.05, error: 0.01, mean: 509, q99: 1338, off: 465 },
  { share: 0.1, margin: 0.05, error: 0.0001, mean: 936, q99: 2072, off: 853 },
  {
    share: 0.5,
    margin: 0.03,
    error: 0.01,
    mean: 3868,
    median: 3358,
    q95: 6943,
    q99: 9510,
    off: 3090,
    fail: 0.0081,
    miss: 0.006,
  },
  { share: 0.5, margin: 0.03, error: 0.0001, mean: 7022, q99: 14_339, off: 5714, cap: 23_500 },
  { share: 0.5, margin: 0.05, error: 0.01, mean: 1392, q99: 3421, off: 1113 },
  { share: 0.5, margin: 0.05, error: 0.0001, mean: 2524, q99: 5154, off: 2057, cap: 8445 },
  { share: 0.05, margin: 0.02, error: 0.01, mean: 1677, q99: 4336, off: 1506 },
  { share: 0.01, margin: 0.005, error: 0.01, mean: 5644, q99: 15_099, off: 5211 },
];

describe('the gate, tabulated', () => {
  test.each(table)('$share ± $margin at error rate $error takes $mean requests on average', (row) => {
    const rule = shareGate({ share: row.share, margin: row.margin, alpha: row.error, beta: row.error });
    const held = operatingCharacteristics(rule, row.share);
    const off = operatingCharacteristics(rule, row.share + row.margin);
    expect(held.expected).toBeCloseTo(row.mean, -0.5);
    expect(off.expected).toBeCloseTo(row.off, -0.5);
    expect(held.quantile(0.99)).toBe(row.q99);
    if (row.median) expect(held.quantile(0.5)).toBe(row.median);
    if (row.q95) expect(held.quantile(0.95)).toBe(row.q95);
    if (row.cap) expect(Math.abs(held.quantile(0.9999) - row.cap)).toBeLessThanOrEqual(1);
    if (row.fail) expect(held.fail).toBeCloseTo(row.fail, 4);
    if (row.miss) expect(off.pass).toBeCloseTo(row.miss, 4);
    expect(held.fail).toBeLessThanOrEqual(row.error);
    expect(off.pass).toBeLessThanOrEqual(row.error);
  });

  test.each([
    { share: 0.1, margin: 0.03, error: 0.01, truth: 0.5, mean: 17 },
    { share: 0.1, margin: 0.03, error: 0.01, truth: 0, mean: 92 },
    { share: 0.1, margin: 0.03, error: 0.0001, truth: 0.5, mean: 26 },
    { share: 0.1, margin: 0.03, error: 0.0001, truth: 0, mean: 138 },
    { share: 0.5, margin: 0.05, error: 0.0001, truth: 0, mean: 20 },
    { share: 0.5, margin: 0.03, error: 0.01, truth: 0.9, mean: 23 },
    { share: 0.1, margin: 0.03, error: 0.01, truth: 0.07, mean: 1004 },
  ])('$share ± $margin at error rate $error meets a true $truth within $mean requests', (row) => {
    const rule = shareGate({ share: row.share, margin: row.margin, alpha: row.error, beta: row.error });
    expect(Math.round(operatingCharacteristics(rule, row.truth).expected)).toBe(row.mean);
  });
});

/** The same sum without bands, pointers and trimming: every k of every n asks the rule. */
function plain(rule: SequentialRule, share: number, limit: number) {
  let mass = [1];
  let [pass, fail, expected] = [0, 0, 0];
  for (let n = 1; n <= limit; n++) {
    expected += mass.reduce((sum, each) => sum + each, 0);
    const next = new Array<number>(n + 1).fill(0);
    mass.forEach((each, k) => {
      next[k] = (next[k] as number) + each * (1 - share);
      next[k + 1] = (next[k + 1] as number) + each * share;
    });
    next.forEach((each, k) => {
      const decision = each === 0 ? 'continue' : rule.decide(k, n);
      if (decision === 'continue') return;
      if (decision === 'pass') pass += each;
      else fail += each;
      next[k] = 0;
    });
    mass = next;
  }
  return { pass, fail, expected };
}

test.each([
  { name: 'gate 0.3 ± 0.2', rule: shareGate({ share: 0.3, margin: 0.2, alpha: 0.02, beta: 0.05 }), truth: 0.3 },
  {
    name: 'gate 0.3 ± 0.2, a true 0.45',
    rule: shareGate({ share: 0.3, margin: 0.2, alpha: 0.02, beta: 0.05 }),
    truth: 0.45,
  },
  {
    name: 'gate 0.05 ± 0.1 (nothing is the lower deviation)',
    rule: shareGate({ share: 0.05, margin: 0.1, alpha: 0.05, beta: 0.05 }),
    truth: 0.05,
  },
  { name: 'gate 0.9 ± 0.2', rule: shareGate({ share: 0.9, margin: 0.2, alpha: 0.05, beta: 0.01 }), truth: 0.8 },
  { name: 'ceiling 5 %', rule: errorCeiling({ max: 0.05, alpha: 0.01, beta: 0.01, absence: 0.01 }), truth: 0.05 },
  { name: 'ceiling 0', rule: errorCeiling({ max: 0, alpha: 0.01, beta: 0.01, absence: 0.05 }), truth: 0.01 },
])('following the edges of the regions gives the plain sum over all (n, k): $name', ({ rule, truth }) => {
  const limit = 400;
  const slow = plain(rule, truth, limit);
  const fast = operatingCharacteristics(rule, truth, limit);
  expect(fast.pass).toBeCloseTo(slow.pass, 7);
  expect(fast.fail).toBeCloseTo(slow.fail, 7);
  // The fast sum ends when 1e-8 of the mass is left.
  expect(fast.expected).toBeCloseTo(slow.expected, 3);
});

describe('large problems are computed on a coarser scale', () => {
  test.each([
    { kind: 'gate', share: 0.1, margin: 0.009, alpha: 0.0001, beta: 0.0001 },
    { kind: 'gate', share: 0.004, margin: 0.0012, alpha: 0.001, beta: 0.001 },
  ] as const)('$share ± $margin: within 3 % of the exact cap', (spec) => {
    const exact = operatingCharacteristics(shareGate(spec), spec.share);
    expect(characteristicsWhenHeld(spec).exact).toBe(false);
    expect(Math.abs(capFor(spec) / exact.quantile(0.9999) - 1)).toBeLessThan(0.03);
  });

  test('a margin of a hundredth of a point is still planned', () => {
    const cap = capFor({ kind: 'gate', share: 0.5, margin: 0.0001, alpha: 0.0001, beta: 0.0001 });
    expect(cap).toBeGreaterThan(1e9);
    expect(cap).toBeLessThan(1e10);
  });
});
