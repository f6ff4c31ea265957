import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { DriftDetector } from '../../src/judge/drift.js';
import { DRIFT_ALTERNATIVES, falseAlarms } from '../support/judgeStreams.js';

const detector = (threshold: number) =>
  new DriftDetector({ share: 0.1, alternatives: DRIFT_ALTERNATIVES, meanUpdatesToFalseAlarm: threshold });

describe('a change of a share that was as promised', () => {
  test('the statistic is the mean over alternatives and starts of the likelihood ratios since then', () => {
    const updates = fc.array(fc.record({ n: fc.integer({ min: 1, max: 50 }), part: fc.double({ min: 0, max: 1 }) }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(updates, (drawn) => {
        const counts = drawn.map(({ n, part }) => ({ n, k: Math.floor(part * n) }));
        const tested = detector(1e6);
        for (const { k, n } of counts) tested.update(k, n);
        let sum = 0;
        let best = { ln: 0, since: -1 };
        for (const q of DRIFT_ALTERNATIVES) {
          for (let since = 0; since < counts.length; since++) {
            const ln = counts
              .slice(since)
              .reduce((total, { k, n }) => total + k * Math.log(q / 0.1) + (n - k) * Math.log((1 - q) / 0.9), 0);
            sum += Math.exp(ln);
            if (ln > best.ln + 1e-9) best = { ln, since };
          }
        }
        expect(tested.lnStatistic()).toBeCloseTo(Math.log(sum / DRIFT_ALTERNATIVES.length), 6);
        expect(tested.change()?.since ?? -1).toBe(best.since);
      }),
      { seed: 5 },
    );
  });

  test.each([
    { truth: 0.13, expected: 1910 },
    { truth: 0.2, expected: 248 },
    { truth: 0.5, expected: 26 },
    { truth: 0.05, expected: 580 },
    { truth: 0, expected: 193 },
  ])(
    'a tenth becoming $truth is found after about $expected requests when false alarms are a million apart',
    ({ truth, expected }) => {
      const runs = 40;
      let sum = 0;
      for (let run = 0; run < runs; run++) {
        const random = seededRandom(51, run);
        const tested = detector(1e6);
        for (let n = 0; n < 1000; n++) tested.update(random() < 0.1 ? 1 : 0, 1);
        let n = 1;
        while (!tested.update(random() < truth ? 1 : 0, 1)) n++;
        sum += n;
      }
      expect(sum / runs).toBeGreaterThan(expected * 0.8);
      expect(sum / runs).toBeLessThan(expected * 1.25);
    },
  );

  test('false alarms are at least as far apart as promised', () => {
    const { mean } = falseAlarms({ threshold: 200, runs: 100, perUpdate: 1 });
    expect(mean).toBeGreaterThan(200);
  });

  test('names when it began, and what was counted since', () => {
    const random = seededRandom(52);
    const tested = detector(1e6);
    const update = (share: number) => {
      let k = 0;
      for (let i = 0; i < 20; i++) if (random() < share) k++;
      return tested.update(k, 20);
    };
    for (let look = 0; look < 300; look++) expect(update(0.1)).toBe(false);
    while (!update(0.3));
    const change = tested.change();
    expect(change?.since).toBeGreaterThan(295);
    expect(change?.since).toBeLessThan(305);
    expect((change?.count ?? 0) / (change?.total ?? 1)).toBeGreaterThan(0.2);
  });

  test('looks without a request are no updates; an alarm stays', () => {
    const tested = detector(1e6);
    expect(tested.update(0, 0)).toBe(false);
    expect(tested.change()).toBeUndefined();
    expect(tested.update(100, 100)).toBe(true);
    expect(tested.update(10, 100)).toBe(true);
    expect(tested.update(0, 0)).toBe(true);
  });
});
