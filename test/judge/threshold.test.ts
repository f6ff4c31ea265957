import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GateOptions, shareGate } from '../../src/judge/gate.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { missProbability, ruleFor } from '../../src/judge/requirements.js';
import { everPasses, passThreshold } from '../../src/judge/threshold.js';

/** The same probability without bands and bounds: every sequence of k, the rule asked at each. */
function plain(options: GateOptions, truth: number, requests: number): number {
  const rule = shareGate(options);
  let mass = [1];
  let passed = 0;
  for (let n = 1; n <= requests; n++) {
    const next = new Array<number>(n + 1).fill(0);
    mass.forEach((each, k) => {
      next[k] = (next[k] as number) + each * (1 - truth);
      next[k + 1] = (next[k + 1] as number) + each * truth;
    });
    next.forEach((each, k) => {
      if (!rule.passes(k, n)) return;
      passed += each;
      next[k] = 0;
    });
    mass = next;
  }
  return passed;
}

describe('the probability of ever entering the pass region', () => {
  test.each([
    { share: 0.3, margin: 0.2, beta: 0.05, truth: 0.5 },
    { share: 0.3, margin: 0.2, beta: 0.05, truth: 0.1 },
    { share: 0.5, margin: 0.25, beta: 0.01, truth: 0.75 },
    { share: 0.1, margin: 0.15, beta: 0.02, truth: 0.25 },
    { share: 0.8, margin: 0.15, beta: 0.1, truth: 0.65 },
  ])('of $share ± $margin at a true $truth is that of the plain sum', ({ truth, ...options }) => {
    const passAt = -Math.log(options.beta) * 0.9;
    const slow = plain({ ...options, alpha: options.beta, passAt }, truth, 1500);
    expect(everPasses(options.share, options.margin, passAt, truth)).toBeCloseTo(slow, 8);
  });
});

describe('the pass threshold', () => {
  const cells = [
    { share: 0.1, margin: 0.03, beta: 0.01 },
    { share: 0.5, margin: 0.05, beta: 0.0001 },
    { share: 0.05, margin: 0.05, beta: 0.001 },
    { share: 0.97, margin: 0.02, beta: 0.01 },
  ];

  test.each(cells)('of $share ± $margin at $beta spends the promised misses and not more', (options) => {
    const passAt = passThreshold(options);
    const harmful = [options.share + options.margin, options.share - options.margin].filter((p) => p > 0 && p < 1);
    const worst = Math.max(...harmful.map((truth) => everPasses(options.share, options.margin, passAt, truth)));
    expect(passAt).toBeLessThan(-Math.log(options.beta));
    expect(worst).toBeLessThanOrEqual(options.beta);
    expect(worst).toBeGreaterThan(0.98 * options.beta);
  });

  test.each(cells)(
    'of $share ± $margin at $beta is set by the margin: further deviations pass more rarely',
    (options) => {
      const { share, margin } = options;
      const passAt = passThreshold(options);
      for (const side of [1, -1]) {
        const misses = [1, 1.1, 1.25, 1.5, 2]
          .map((factor) => share + side * factor * margin)
          .filter((truth) => truth > 0 && truth < 1)
          .map((truth) => everPasses(share, margin, passAt, truth));
        expect(misses).toEqual([...misses].sort((a, b) => b - a));
      }
    },
  );

  test('stays at Ville’s where the exact one would take too long', () => {
    expect(passThreshold({ share: 0.5, margin: 0.001, beta: 0.01 })).toBe(-Math.log(0.01));
  });

  test('saves a tenth of the requests at 50 %, and leaves every error below the promise', () => {
    const spec = { kind: 'gate', share: 0.5, margin: 0.05, alpha: 0.01, beta: 0.01 } as const;
    const calibrated = operatingCharacteristics(ruleFor(spec), 0.5);
    const ville = operatingCharacteristics(shareGate(spec), 0.5);
    expect(calibrated.expected).toBeLessThan(0.92 * ville.expected);
    expect(calibrated.fail).toBeLessThanOrEqual(ville.fail);
    expect(missProbability(spec)).toBeLessThanOrEqual(0.01);
  });
});

describe('a quiet band', () => {
  const options = { share: 0.1, margin: 0.03, alpha: 0.01, beta: 0.01, quiet: 0.005 };

  test.each([
    { truth: 0.1, mean: 1414, fail: 0.0024 },
    { truth: 0.105, fail: 0.0046 },
    { truth: 0.13, mean: 1846, pass: 0.0071 },
    { truth: 0.07, mean: 1432 },
    { truth: 0.5, mean: 15 },
  ])('of half a point around 10 % ± 3 % at a true $truth behaves as tabulated', ({ truth, mean, fail, pass }) => {
    const seen = operatingCharacteristics(shareGate(options), truth);
    if (mean) expect(Math.abs(seen.expected - mean)).toBeLessThan(1);
    if (fail) expect(seen.fail).toBeCloseTo(fail, 4);
    if (pass) expect(seen.pass).toBeCloseTo(pass, 4);
  });

  test.each([
    { share: 0.5, quiet: 0.005, truth: 0.5, mean: 3899, fail: 0.0026 },
    { share: 0.5, quiet: 0.005, truth: 0.505, fail: 0.005 },
    { share: 0.5, quiet: 0.005, truth: 0.53, mean: 4569, pass: 0.0061 },
    { share: 0.5, quiet: 0.005, truth: 0.9, mean: 24 },
  ])('around $share behaves as tabulated at a true $truth', ({ share, quiet, truth, mean, fail, pass }) => {
    const seen = operatingCharacteristics(shareGate({ ...options, share, quiet }), truth);
    if (mean) expect(Math.abs(seen.expected - mean)).toBeLessThan(1);
    if (fail) expect(seen.fail).toBeCloseTo(fail, 4);
    if (pass) expect(seen.pass).toBeCloseTo(pass, 4);
  });

  test('is a supermartingale for every share inside: its mean after n requests is at most 1', () => {
    for (const { share, margin } of [
      { share: 0.1, margin: 0.03 },
      { share: 0.02, margin: 0.05 },
      { share: 0.98, margin: 0.03 },
    ]) {
      const rule = shareGate({ ...options, share, margin });
      for (const truth of [share - 0.005, share, share + 0.005]) {
        for (const n of [1, 7, 40]) {
          let mean = 0;
          let binomial = (1 - truth) ** n;
          for (let k = 0; k <= n; k++) {
            mean += binomial * Math.exp(rule.lnEvidence(k, n));
            binomial *= ((n - k) / (k + 1)) * (truth / (1 - truth));
          }
          expect(mean).toBeLessThanOrEqual(1 + 1e-9);
        }
      }
    }
  });
});

test('the shortcuts of a gate decide as its evidence does, on any counts in any order', () => {
  const counts = fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean());
  fc.assert(
    fc.property(
      fc.record({
        share: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        margin: fc.double({ min: 0.01, max: 0.2, noNaN: true }),
        alpha: fc.constantFrom(0.3, 0.01, 1e-4),
        quiet: fc.constantFrom(0, 0.004),
      }),
      fc.array(counts, { minLength: 1, maxLength: 60 }),
      (options, looks) => {
        const rule = shareGate({ ...options, beta: options.alpha });
        for (const [n, part, near] of looks) {
          const k = Math.round(n * (near ? Math.min(1, options.share + (part - 0.5) * 0.2 * options.share) : part));
          expect(rule.fails(k, n)).toBe(rule.lnEvidence(k, n) >= -Math.log(options.alpha));
        }
      },
    ),
    { seed: 20_24, numRuns: 300 },
  );
});
