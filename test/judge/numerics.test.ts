import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anytimePValue, confidenceSequence } from '../../src/judge/confidence.js';
import { cleanRequestsNeeded } from '../../src/judge/dark.js';
import { errorCeiling } from '../../src/judge/errors.js';
import { shareGate } from '../../src/judge/gate.js';
import { devianceTerm, JEFFREYS, lnBeta, lnGamma, lnMixtureRatio, logSumExp } from '../../src/judge/numerics.js';

const fixed = { seed: 20_24, numRuns: 300 };

describe('special functions', () => {
  test('lnGamma of whole numbers is the logarithm of factorials to 1e-13', () => {
    let lnFactorial = 0;
    for (let n = 1; n <= 170; n++) {
      expect(Math.abs(lnGamma(n) - lnFactorial)).toBeLessThanOrEqual(1e-13 * Math.max(1, lnFactorial));
      lnFactorial += Math.log(n);
    }
  });

  test('lnGamma obeys the duplication formula to 1e-13', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e6, noNaN: true }), (x) => {
        const left = lnGamma(x) + lnGamma(x + 0.5);
        const right = (1 - 2 * x) * Math.LN2 + 0.5 * Math.log(Math.PI) + lnGamma(2 * x);
        expect(Math.abs(left - right)).toBeLessThanOrEqual(
          2e-13 * Math.max(1, Math.abs(lnGamma(2 * x)), Math.abs(left)),
        );
      }),
      fixed,
    );
  });

  test('lnBeta(1/2, 1/2) is ln(pi) and lnBeta is symmetric', () => {
    expect(lnBeta(0.5, 0.5)).toBeCloseTo(Math.log(Math.PI), 14);
    expect(lnBeta(3, 700)).toBeCloseTo(lnBeta(700, 3), 12);
    expect(lnBeta(1, 1)).toBeCloseTo(0, 14);
  });

  test('the deviance term joins its series and its closed form without a step', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 1e6, noNaN: true }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (m, factor) => {
          const x = m * factor;
          expect(devianceTerm(x, m)).toBeCloseTo(x * Math.log(x / m) + m - x, m > 1e4 ? 7 : 9);
        },
      ),
      fixed,
    );
  });

  test('logSumExp neither overflows nor loses small terms', () => {
    expect(logSumExp([1e4, 1e4])).toBeCloseTo(1e4 + Math.LN2, 9);
    expect(logSumExp([-1e4, -1e4 - 1])).toBeCloseTo(-1e4 + Math.log1p(Math.exp(-1)), 9);
    expect(logSumExp([])).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('the beta-binomial mixture', () => {
  /** One request at a time, without any special function. */
  const streaming = (outcomes: readonly boolean[], p: number, a: number, b: number) => {
    let [sum, k] = [0, 0];
    outcomes.forEach((one, n) => {
      sum += one ? Math.log((a + k) / (a + b + n)) - Math.log(p) : Math.log((b + n - k) / (a + b + n)) - Math.log1p(-p);
      if (one) k++;
    });
    return { sum, k };
  };

  test('equals the product of its predictions, whatever the order of the requests', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 400 }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.constantFrom(0.5, 1, 7.3),
        (outcomes, p, a) => {
          const slow = streaming(outcomes, p, a, 2 * a);
          expect(lnMixtureRatio(slow.k, outcomes.length, p, { a, b: 2 * a })).toBeCloseTo(slow.sum, 9);
        },
      ),
      fixed,
    );
  });

  test('stays exact at a thousand million requests', () => {
    // At k = n p the mixture loses half a logarithm of n against the truth (the price of not knowing the share).
    const at = (n: number) => lnMixtureRatio(n / 10, n, 0.1, JEFFREYS);
    expect(at(1e9) - at(1e8)).toBeCloseTo(-0.5 * Math.log(10), 6);
    expect(at(1e9)).toBeLessThan(0);
  });

  test('grows without a jump from request to request at a thousand million', () => {
    const n = 1e9;
    const step = lnMixtureRatio(1e8 + 1, n + 1, 0.1, JEFFREYS) - lnMixtureRatio(1e8, n, 0.1, JEFFREYS);
    const exact = Math.log((1e8 + 0.5) / (n + 1)) - Math.log(0.1);
    expect(Math.abs(step - exact)).toBeLessThan(1e-6);
  });
});

describe('confidence sequence', () => {
  test.each([
    [100, 1000, 0.01, 0.0658, 0.143],
    [1000, 10_000, 0.01, 0.0875, 0.1135],
    [500, 1000, 0.01, 0.4359, 0.5641],
    [402, 1601, 0.0001, 0.198, 0.309],
  ])('of %i of %i at %f is [%f, %f]', (k, n, alpha, low, high) => {
    const interval = confidenceSequence(k, n, alpha);
    const digits = n === 1601 ? 3 : 4;
    expect(interval.low).toBeCloseTo(low, digits);
    expect(interval.high).toBeCloseTo(high, digits);
  });

  test('its ends are where the mixture reaches 1/alpha, and the observed share lies inside', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(0.05, 1e-4, 1e-9),
        (n, part, alpha) => {
          const k = Math.round(n * part);
          const { low, high } = confidenceSequence(k, n, alpha);
          expect(low).toBeLessThanOrEqual(k / n);
          expect(high).toBeGreaterThanOrEqual(k / n);
          if (k > 0) expect(lnMixtureRatio(k, n, low, JEFFREYS)).toBeCloseTo(-Math.log(alpha), 3);
          else expect(low).toBe(0);
          if (k < n) expect(lnMixtureRatio(k, n, high, JEFFREYS)).toBeCloseTo(-Math.log(alpha), 3);
          else expect(high).toBe(1);
        },
      ),
      fixed,
    );
  });

  test('mirrors when versions change places, shrinks with n and widens with a smaller alpha', () => {
    const few = confidenceSequence(30, 300, 0.01);
    const swapped = confidenceSequence(270, 300, 0.01);
    expect(swapped.low).toBeCloseTo(1 - few.high, 12);
    expect(swapped.high).toBeCloseTo(1 - few.low, 12);
    const many = confidenceSequence(300, 3000, 0.01);
    expect(many.high - many.low).toBeLessThan(few.high - few.low);
    const surer = confidenceSequence(30, 300, 0.0001);
    expect(surer.low).toBeLessThan(few.low);
    expect(surer.high).toBeGreaterThan(few.high);
  });

  test('nothing observed excludes nothing', () => {
    expect(confidenceSequence(0, 0, 0.01)).toEqual({ low: 0, high: 1 });
  });

  test('an anytime p-value is 1/E, and never above 1', () => {
    expect(anytimePValue(Math.log(200))).toBeCloseTo(0.005, 12);
    expect(anytimePValue(-3)).toBe(1);
  });
});

describe('rules', () => {
  test.each([
    [0.01, 0.01, 459],
    [0.01, 0.001, 688],
    [0.01, 0.0001, 917],
    [0.001, 0.01, 4603],
    [0.001, 0.001, 6905],
    [0.0001, 0.01, 46_050],
  ])('absence of %f at %f takes %i clean requests', (absence, beta, needed) => {
    expect(cleanRequestsNeeded(absence, beta)).toBe(needed);
  });

  const gates = fc.record({
    share: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    margin: fc.double({ min: 0.01, max: 0.2, noNaN: true }),
    alpha: fc.constantFrom(0.01, 1e-4),
    beta: fc.constantFrom(0.01, 1e-4),
  });

  test('a share and its complement get the same decision', () => {
    fc.assert(
      fc.property(
        gates,
        fc.integer({ min: 1, max: 20_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (options, n, part) => {
          const k = Math.round(n * part);
          const mirrored = shareGate({ ...options, share: 1 - options.share });
          const rule = shareGate(options);
          expect(mirrored.lnEvidence(n - k, n)).toBeCloseTo(rule.lnEvidence(k, n), 5);
          expect(mirrored.lnSupport(n - k, n)).toBeCloseTo(rule.lnSupport(k, n), 5);
        },
      ),
      fixed,
    );
  });

  test('further from the promise never looks better: what fails still fails, what does not pass does not start to', () => {
    fc.assert(
      fc.property(gates, fc.integer({ min: 10, max: 5000 }), fc.integer({ min: 0, max: 5000 }), (options, n, away) => {
        const rule = shareGate(options);
        const near = Math.ceil((options.share + options.margin) * n);
        const k = Math.min(n, near + (away % n));
        if (k >= n) return;
        if (rule.fails(k, n)) expect(rule.fails(k + 1, n)).toBe(true);
        expect(rule.lnSupport(k + 1, n)).toBeLessThanOrEqual(rule.lnSupport(k, n));
      }),
      fixed,
    );
  });

  test('the same counts give the same decision however they came', () => {
    fc.assert(
      fc.property(
        gates,
        fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 30 }),
        (options, batches) => {
          const decide = (looks: readonly (readonly [number, number])[]) => {
            const rule = shareGate(options);
            return looks.map(([k, n]) => rule.decide(k, n));
          };
          let [k, n] = [0, 0];
          const cumulative = batches.map(([ones, zeros]) => {
            k += ones;
            n += ones + zeros;
            return [k, n] as const;
          });
          const all = decide(cumulative);
          const alone = cumulative.map((each) => decide([each])[0]);
          expect(all).toEqual(alone);
        },
      ),
      fixed,
    );
  });

  test('a ceiling accuses only more failures than promised, and acquits only fewer than the alarm', () => {
    const rule = errorCeiling({ max: 0.005, alpha: 0.0001, beta: 0.0001, absence: 0.01 });
    // ln 1e4 / ln(0.995 / 0.99) = 1828.2
    expect(rule.decide(0, 1829)).toBe('pass');
    expect(rule.decide(0, 1828)).toBe('continue');
    expect(rule.decide(5, 5)).toBe('fail');
    expect(rule.decide(500, 100_000)).toBe('pass');
    expect(rule.decide(1000, 100_000)).toBe('fail');
    expect(rule.need(0, 0)).toBe(1829);
  });

  test('rules stay finite at a thousand million requests', () => {
    const gate = shareGate({ share: 0.1, margin: 0.03, alpha: 1e-4, beta: 1e-4 });
    expect(gate.decide(1e8, 1e9)).toBe('pass');
    expect(gate.decide(1.3e8, 1e9)).toBe('fail');
    expect(gate.decide(0, 1e9)).toBe('fail');
    expect(Number.isFinite(gate.lnEvidence(1e9, 1e9))).toBe(true);
  });
});
