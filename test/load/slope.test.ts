import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { binned, studentQuantile, trend } from '../bench/slope.js';

test.each([
  [0.99, 1, 31.8205],
  [0.99, 2, 6.9646],
  [0.99, 10, 2.7638],
  [0.99, 25, 2.4851],
  [0.99, 120, 2.3578],
  [0.95, 5, 2.015],
  [0.5, 7, 0],
])("Student's quantile at %d with %d degrees of freedom, as tables have it", (p, freedom, expected) => {
  expect(studentQuantile(p, freedom)).toBeCloseTo(expected, 3);
});

describe('a trend', () => {
  const coordinate = fc.double({ min: -1000, max: 1000, noNaN: true });

  it('of points on a line is that line, without doubt', () => {
    fc.assert(
      fc.property(coordinate, coordinate, fc.integer({ min: 3, max: 50 }), (slope, offset, count) => {
        const found = trend(
          Array.from({ length: count }, (_, x) => ({ x, y: offset + slope * x })),
          0.99,
        );
        expect(found.slope).toBeCloseTo(slope, 6);
        expect(found.upper).toBeCloseTo(slope, 6);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('has the slope and the bound of a worked example', () => {
    // x 1..5, y 2, 4, 5, 4, 5: slope 0.6, residual variance 0.8, deviation sqrt(0.8 / 10), t(0.99, 3) 4.5407.
    const points = [2, 4, 5, 4, 5].map((y, index) => ({ x: index + 1, y }));
    const { slope, upper } = trend(points, 0.99);
    expect(slope).toBeCloseTo(0.6, 12);
    expect(upper).toBeCloseTo(0.6 + 4.5407 * Math.sqrt(0.08), 4);
  });

  it('is really below its bound as often as is said', () => {
    const random = seededRandom(9);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const runs = 2000;
    let above = 0;
    for (let run = 0; run < runs; run++) {
      const points = Array.from({ length: 12 }, (_, x) => ({ x, y: 3 * x + 10 * normal() }));
      if (trend(points, 0.99).upper < 3) above++;
    }
    // 1 % of 2,000, four standard deviations to either side.
    expect(above).toBeGreaterThan(2);
    expect(above).toBeLessThan(38);
  });

  it('needs three points at different places', () => {
    expect(() => trend([], 0.99)).toThrow(RangeError);
    expect(() => trend(Array(5).fill({ x: 1, y: 2 }), 0.99)).toThrow(RangeError);
  });
});

test('bins keep the median of what lies in them, so that spikes of garbage collection do not bend the line', () => {
  const points = Array.from({ length: 1000 }, (_, index) => ({
    x: index / 100,
    y: 50 + index / 1000 + (index % 10 === 0 ? 500 : 0),
  }));
  const bins = binned(points, 1);
  expect(bins.map(({ x }) => x)).toEqual([0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]);
  expect(trend(bins, 0.99).slope).toBeCloseTo(0.1, 3);
  // The rest of a bin that is not full is left out.
  expect(binned(points.slice(0, 950), 1)).toHaveLength(9);
});
