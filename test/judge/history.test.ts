import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { HistoryKeeper, shareChange, type TimedCounts } from '../../src/judge/history.js';
import { look, lost, saw } from '../support/judge.js';

const ALPHA = 1e-4;

/** Looks once a second; each second so many calls, of which v2 gets each with the second's probability. */
function played(shares: readonly number[], calls: number, seed: number): TimedCounts[] {
  const random = seededRandom(seed);
  const sums = { v1: 0, v2: 0 };
  return shares.map((share, second) => {
    for (let call = 0; call < calls; call++) sums[random() < share ? 'v2' : 'v1'] += 1;
    return { at: (second + 1) * 1000, versions: { ...sums }, lost: 0 };
  });
}

const times = (count: number, share: number): number[] => Array.from({ length: count }, () => share);
const change = (counts: readonly TimedCounts[]) => shareChange({ openedAt: 0, counts }, 'v2', ALPHA);

describe('a change of the share', () => {
  test.each([
    ['10 % to 50 %', [...times(20, 0.1), ...times(20, 0.5)], 20],
    ['10 % to 25 %', [...times(30, 0.1), ...times(30, 0.25)], 30],
    ['50 % to none', [...times(10, 0.5), ...times(30, 0)], 10],
  ])('from %s is told, and when', (_says, shares, second) => {
    const found = change(played(shares, 50, 7));
    expect(found?.from).toBeCloseTo(shares[0] as number, 1);
    expect(found?.to).toBeCloseTo(shares.at(-1) as number, 1);
    expect(Math.abs((found?.after ?? 0) / 1000 - second)).toBeLessThanOrEqual(3);
    expect(found?.before).toBe((found?.after ?? 0) + 1000);
  });

  it('is not told of a share that stays, in 300 windows', () => {
    const told = Array.from({ length: 300 }, (_, seed) => change(played(times(60, 0.1), 20, seed))).filter(Boolean);
    expect(told).toEqual([]);
  });

  it('is the split that explains the counts best, by a slow search over all of them', () => {
    const steps = fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { minLength: 3, maxLength: 15 });
    fc.assert(
      fc.property(steps, (all) => {
        const sums = { v1: 0, v2: 0 };
        const counts = all.map(([one, two], index) => {
          sums.v1 += one;
          sums.v2 += two;
          return { at: index, versions: { ...sums }, lost: 0 };
        });
        const found = shareChange({ openedAt: 0, counts }, 'v2', ALPHA);
        const likelihood = (from: number, to: number) => {
          const part = all.slice(from, to);
          const k = part.reduce((sum, [, two]) => sum + two, 0);
          const n = part.reduce((sum, [one, two]) => sum + one + two, 0);
          return k === 0 || k === n ? 0 : k * Math.log(k / n) + (n - k) * Math.log(1 - k / n);
        };
        const whole = likelihood(0, all.length);
        const gains = all
          .slice(0, -1)
          .map((_, at) => 2 * (likelihood(0, at + 1) + likelihood(at + 1, all.length) - whole));
        const best = Math.max(...gains);
        expect(found !== undefined).toBe(best > 2 * Math.log(all.length / ALPHA));
        if (found) expect(gains[found.after]).toBeCloseTo(best, 6);
      }),
    );
  });
});

describe('the history of a window', () => {
  it('keeps looks in which something was counted at the source, with what was lost', () => {
    const keeper = new HistoryKeeper();
    const source = (at: number, v1: number, unknown = 0) =>
      look([saw('source', { v1, v2: 1 }, { unknown })], false, at);
    for (const each of [source(1, 5), source(2, 5), look([lost('source')], false, 3), source(4, 5, 2)])
      keeper.look(each);
    expect(keeper.history(77)).toEqual({
      openedAt: 77,
      counts: [
        { at: 1, versions: { v1: 5, v2: 1 }, lost: 0 },
        { at: 4, versions: { v1: 5, v2: 1 }, lost: 2 },
      ],
    });
  });

  it('stays small however long the window is, from its first look to its last', () => {
    const keeper = new HistoryKeeper();
    for (let at = 1; at <= 20_000; at++) keeper.look(look([saw('source', { v1: at, v2: 0 })], false, at));
    const { counts } = keeper.history(0);
    expect(counts.length).toBeLessThanOrEqual(1025);
    expect(counts[0]?.at).toBe(1);
    expect(counts.at(-1)?.at).toBeGreaterThan(19_900);
  });
});
