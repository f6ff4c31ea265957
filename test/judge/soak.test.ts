import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { millis, ratio } from '../../src/base/units.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { StageAssessment } from '../../src/judge/types.js';
import type { Expectation, Stage } from '../../src/scenario/types.js';
import { look, lost, mirror, saw, scenario, share, stage } from '../support/judge.js';

const SOAK_S = 120;

/** A stage that passed at 10 s, and what its soak says of these counts per second until it is decided. */
function soaked(
  promised: Partial<Expectation>,
  passed: { v1: number; v2: number },
  perSecond: (second: number) => { v1: number; v2: number; failed?: number } | 'lost',
): { readonly end: StageAssessment; readonly second: number } {
  const each: Stage = stage(promised, { soak: millis(SOAK_S * 1000) });
  const test = scenario([each], { watch: { client: 'account', source: 'require', destination: 'off', graph: 'off' } });
  const judge = new StageJudge(test, each);
  const base = look([saw('client', {}), saw('source', passed)], true, 10_000);
  const assessment = judge.look(base);
  expect(assessment.verdict).toBe('pass');
  const soak = judge.soak(assessment, base);
  const sum = { v1: passed.v1, v2: passed.v2, failed: 0 };
  for (let second = 1; ; second++) {
    const more = perSecond(second);
    if (more !== 'lost') {
      sum.v1 += more.v1;
      sum.v2 += more.v2;
      sum.failed += more.failed ?? 0;
    }
    const source = more === 'lost' ? lost('source') : saw('source', { v1: sum.v1, v2: [sum.v2, sum.failed] });
    const end = soak.look(look([saw('client', {}), source], false, 10_000 + second * 1000));
    if (end.decided) return { end, second };
    expect(end.verdict).toBe('inconclusive');
    expect(second).toBeLessThan(SOAK_S + 1);
  }
}

const drift = ({ checks }: StageAssessment) => checks.filter(({ name }) => name.startsWith('drift:'));
const canary = share({ v2: 0.1 });
const draws = (seed: number, share: (second: number) => number) => {
  const random = seededRandom(seed);
  return (second: number) => {
    let v2 = 0;
    for (let i = 0; i < 100; i++) if (random() < share(second)) v2++;
    return { v1: 100 - v2, v2 };
  };
};

describe('a soak after the pass', () => {
  test('passes when nothing changes, and only when it is over', () => {
    const { end, second } = soaked(
      canary,
      { v1: 9000, v2: 1000 },
      draws(1, () => 0.1),
    );
    expect([end.verdict, second]).toEqual(['pass', SOAK_S]);
    const [check] = drift(end);
    expect(check).toMatchObject({ name: 'drift:v2', vantagePoint: 'source', required: true, verdict: 'pass' });
    expect(check?.reason).toMatch(
      /^The share of v2 at the source proxy did not drift in 2 m 0 s after the pass: 1,\d+ of 12,000 calls \(\d+(\.\d)? %\)\.$/,
    );
    expect(check?.statistics).toMatch(
      /Shiryaev-Roberts e-detector, .* false alarms at least \d+ (days|hours|years) apart on average/,
    );
  });

  test('fails when the share changes, and says when that began', () => {
    const { end, second } = soaked(
      canary,
      { v1: 9000, v2: 1000 },
      draws(2, (at) => (at <= 40 ? 0.1 : 0.3)),
    );
    expect(end.verdict).toBe('fail');
    expect(second).toBeLessThan(50);
    const [check] = drift(end);
    expect(check?.changedAt).toBeGreaterThanOrEqual(10_000 + 38_000);
    expect(check?.changedAt).toBeLessThanOrEqual(10_000 + 42_000);
    expect(check?.reason).toMatch(
      /changed about (38|39|40|41|42) s after the pass: .* since then \(.*\), where 10 % was promised and found before\.$/,
    );
  });

  test('one request where none may go fails it at once', () => {
    const { end, second } = soaked(share({ v2: 0 }), { v1: 9000, v2: 0 }, (at) => ({ v1: 50, v2: at === 33 ? 1 : 0 }));
    expect([end.verdict, second]).toEqual(['fail', 33]);
    expect(drift(end)[0]?.changedAt).toBe(10_000 + 32_000);
  });

  test('failures that begin later fail it', () => {
    const { end, second } = soaked({ errors: { max: ratio(0.005) } }, { v1: 9000, v2: 1000 }, (at) => ({
      v1: 90,
      v2: 10,
      failed: at < 60 ? 0 : 5,
    }));
    expect(end.verdict).toBe('fail');
    expect(second).toBeLessThan(75);
    expect(drift(end)[0]).toMatchObject({ name: 'drift:errors', changedAt: 10_000 + 59_000 });
  });

  test.each([
    ['a proxy that cannot be read at the end', (at: number) => (at < 100 ? { v1: 90, v2: 10 } : ('lost' as const))],
    ['no request at all', () => ({ v1: 0, v2: 0 })],
  ])('%s is no data, never a pass', (_name, perSecond) => {
    expect(soaked(canary, { v1: 9000, v2: 1000 }, perSecond).end.verdict).toBe('no-data');
  });

  test('false alarms of a whole soak are rarer than the error rate: none in 100 soaks at 10 %, and none in 100 at a harmless 9.5 %', () => {
    for (const truth of [0.1, 0.095]) {
      for (let seed = 0; seed < 100; seed++) {
        expect(
          soaked(
            canary,
            { v1: 9000, v2: 1000 },
            draws(100 + seed, () => truth),
          ).end.verdict,
        ).toBe('pass');
      }
    }
  });

  test('mirrors are not watched: a stage that promises nothing else passes as soon as the soak is over', () => {
    const each = stage(mirror({ v2: 1 }), { soak: millis(SOAK_S * 1000) });
    const judge = new StageJudge(scenario([each]), each);
    const base = look([saw('source', { v1: 5000 }), saw('destination', { v1: 5000, v2: 5000 })], true, 1000);
    const assessment = judge.look(base);
    expect(drift(judge.soak(assessment, base).look(base))).toEqual([]);
  });
});
