import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goFixed, rateText } from '../../../src/lab/kiali/graph/gofloat.js';

/** Exact rounding half to even, digit by digit on the whole decimal expansion of the double. */
function slowly(value: number, decimals: number): string {
  const [whole = '0', fraction = ''] = Math.abs(value).toFixed(100).split('.');
  const kept = BigInt(whole + fraction.slice(0, decimals));
  const rest = fraction.slice(decimals).padEnd(100, '0');
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const up = rest > half || (rest === half && kept % 2n === 1n);
  const digits = String(up ? kept + 1n : kept).padStart(decimals + 1, '0');
  const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  return value < 0 ? `-${text}` : text;
}

describe('numbers as Go prints them', () => {
  test.each([
    [6.25, 1, '6.2', 'an exact tie goes to the even digit'],
    [6.75, 1, '6.8', 'also when that is up'],
    [0.125, 2, '0.12', 'two decimals'],
    [0.375, 2, '0.38', 'two decimals, up'],
    [2.5, 0, '2', 'no decimals'],
    [3.5, 0, '4', 'no decimals, up'],
    [0.5, 0, '0', 'to nothing'],
    [1.005, 2, '1.00', 'a tie on paper that is below one in binary'],
    [-6.25, 1, '-6.2', 'negative'],
    [81.81818181818183, 1, '81.8', 'no tie'],
    [100, 1, '100.0', 'whole'],
    [1e20, 1, '100000000000000000000.0', 'large'],
    [Number.NaN, 1, 'NaN', 'no number'],
    [Number.POSITIVE_INFINITY, 1, '+Inf', 'infinite'],
  ])('%f with %i decimals is %s: %s', (value, decimals, text) => {
    expect(goFixed(value, decimals)).toBe(text);
  });

  test('equals exact decimal arithmetic', () => {
    const dyadic = fc
      .tuple(fc.integer({ min: 0, max: 1 << 20 }), fc.integer({ min: 0, max: 8 }))
      .map(([n, bits]) => n / 2 ** bits);
    const value = fc.oneof(dyadic, fc.double({ min: 0, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 6 }), (number, decimals) => {
        expect(goFixed(number, decimals)).toBe(slowly(number, decimals));
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  test.each([
    [10, '10.00'],
    [10.499, '10.50'],
    [0.99, '0.99'],
    [0.1, '0.10'],
    [0.019, '0.02'],
    [0.0099, '0.010'],
    [0.0014, '0.001'],
    [0.00044, '0.0004'],
    [0.000001, '0.00000'],
  ])('a rate of %f reads %s: two decimals, more to show the first digit, five at most', (value, text) => {
    expect(rateText(value)).toBe(text);
  });
});
