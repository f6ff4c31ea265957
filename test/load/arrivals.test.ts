import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { millis } from '../../src/base/units.js';
import { type Arrivals, EvenArrivals, PoissonArrivals, ReplayedArrivals } from '../../src/load/workload/arrivals.js';
import { Presence } from '../../src/load/workload/levels.js';
import type { LoadLevels } from '../../src/scenario/types.js';

const constant = (rate: number): LoadLevels => ({ start: rate, stages: [] });
const ramp = (start: number, ...stages: readonly (readonly [seconds: number, to: number])[]): LoadLevels => ({
  start,
  stages: stages.map(([seconds, to]) => ({ ms: millis(seconds * 1000), to })),
});

function dues(arrivals: Arrivals, count: number): number[] {
  return Array.from({ length: count }, () => {
    const { due } = arrivals;
    arrivals.advance(1);
    return due;
  });
}

/** Whole numbers, so that the reference can be exact; 0 s and 0 included. */
const levels = (most: number) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: most }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: most })), { maxLength: 5 }),
    )
    .map(([start, stages]) => ramp(start, ...stages));

/** The level at a time, found by walking from the start. */
function levelAt({ start, stages }: LoadLevels, ms: number): number {
  let from = start;
  let begin = 0;
  for (const stage of stages) {
    if (ms < begin + stage.ms) return from + ((stage.to - from) * (ms - begin)) / stage.ms;
    from = stage.to;
    begin += stage.ms;
  }
  return from;
}

/** Arrivals that are to have come by a time: trapezoids up to each corner. */
function integral(profile: LoadLevels, ms: number): number {
  let sum = 0;
  let begin = 0;
  let from = profile.start;
  for (const { ms: length, to } of profile.stages) {
    const end = Math.min(begin + length, ms);
    if (end > begin) sum += ((end - begin) * (from + levelAt(profile, Math.min(end, begin + length - 1e-9)))) / 2000;
    begin += length;
    from = to;
  }
  return sum + (Math.max(0, ms - begin) * from) / 1000;
}

describe('even arrivals', () => {
  it('at a constant rate: the millionth at 3/s is due at exactly its own quotient', () => {
    const first = new EvenArrivals(constant(3));
    expect(dues(first, 4)).toEqual([0, 1000 / 3, 2000 / 3, 1000]);
    first.advance(999_996);
    expect(first.due).toBe(1_000_000_000 / 3);
  });

  it('on a ramp from 0 to 10/s in 10 s: arrival i is due at sqrt(2 i) s', () => {
    const due = dues(new EvenArrivals(ramp(0, [10, 10])), 50);
    for (const [index, ms] of due.entries()) expect(ms).toBeCloseTo(1000 * Math.sqrt(2 * index), 6);
  });

  it('stop where the rate falls to 0 for good, and go on after a rest', () => {
    expect(dues(new EvenArrivals(ramp(2, [1, 2], [0, 0])), 4)).toEqual([0, 500, Infinity, Infinity]);
    expect(dues(new EvenArrivals(ramp(2, [1, 2], [0, 0], [5, 0], [0, 1])), 4)).toEqual([0, 500, 6000, 7000]);
    expect(dues(new EvenArrivals(ramp(0, [3, 0], [0, 4])), 3)).toEqual([3000, 3250, 3500]);
  });

  it('come when the integral of the rate passes their number, whatever the stages', () => {
    fc.assert(
      fc.property(levels(50), (profile) => {
        const due = dues(new EvenArrivals(profile), 1500);
        const wrong = due.filter((ms, index) => {
          if (ms === Infinity) return levelAt(profile, 1e9) > 0 || integral(profile, 1e9) > index + 1e-6;
          return ms < (due[index - 1] ?? 0) || Math.abs(integral(profile, ms) - index) > 1e-5;
        });
        expect(wrong).toEqual([]);
      }),
      { seed: 21, numRuns: 200 },
    );
  });
});

describe('Poisson arrivals', () => {
  it('have gaps with the mean and the variance of an exponential, and the seed repeats them', () => {
    const due = dues(new PoissonArrivals(constant(50), seededRandom(3)), 40_001);
    const gaps = due.slice(1).map((ms, index) => ms - (due[index] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
    expect(Math.abs(mean / 20 - 1)).toBeLessThan(5 / Math.sqrt(gaps.length));
    expect(Math.abs(variance / 400 - 1)).toBeLessThan(5 * Math.sqrt(8 / gaps.length));
    expect(dues(new PoissonArrivals(constant(50), seededRandom(3)), 10)).toEqual(due.slice(0, 10));
  });

  it('on a ramp come as often in every second as the rate says', () => {
    const profile = ramp(0, [10, 2000], [10, 500]);
    const due = dues(new PoissonArrivals(profile, seededRandom(8)), 30_000);
    for (let second = 0; second < 25; second++) {
      const expected = integral(profile, (second + 1) * 1000) - integral(profile, second * 1000);
      const seen = due.filter((ms) => ms >= second * 1000 && ms < (second + 1) * 1000).length;
      expect(Math.abs(seen - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  it('are the same process at every constant rate: only the scale differs', () => {
    const slow = dues(new PoissonArrivals(constant(1), seededRandom(4)), 100);
    const fast = dues(new PoissonArrivals(constant(8), seededRandom(4)), 100);
    expect(fast).toEqual(slow.map((ms) => ms / 8));
  });
});

it('replayed arrivals keep their times, divided by the speed, and end', () => {
  const times = Float64Array.of(0, 5, 5, 70);
  expect(dues(new ReplayedArrivals(times, 2), 6)).toEqual([0, 2.5, 2.5, 35, Infinity, Infinity]);
});

describe('presence', () => {
  it('of users on a ramp up and down: who came last leaves first', () => {
    const users = new Presence(ramp(0, [10, 10], [5, 10], [10, 0]));
    expect([0, 4, 9].map((user) => users.from(user, 0))).toEqual([0, 4000, 9000]);
    expect([0, 4, 9].map((user) => users.from(user, 12_000))).toEqual([12_000, 12_000, 12_000]);
    expect([0, 4, 9].map((user) => users.from(user, 20_500))).toEqual([20_500, 20_500, Infinity]);
    expect(users.from(10, 0)).toBe(Infinity);
  });

  it('is the earliest time at which the level is above the number of the user', () => {
    fc.assert(
      fc.property(
        levels(8),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 120_000 }),
        (profile, user, ms) => {
          const from = new Presence(profile).from(user, ms);
          // The level is linear between corners: an instant is early enough when no sample before it is above.
          const until = Math.min(from, ms + 120_000);
          let above = 0;
          for (let sample = ms; sample < until - 1; sample += 25) {
            if (levelAt(profile, sample) > user + 1e-9) above++;
          }
          expect(above).toBe(0);
          if (from === Infinity) expect(levelAt(profile, 1e9)).toBeLessThanOrEqual(user);
          else if (from === ms) expect(levelAt(profile, ms + 1e-3)).toBeGreaterThan(user - 1e-3);
          else expect(levelAt(profile, from + 1e-3)).toBeGreaterThan(user);
        },
      ),
      { seed: 22, numRuns: 200 },
    );
  });
});
