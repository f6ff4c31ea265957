import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { millis, ratio } from '../../src/base/units.js';
import { LEAST_BLOCKS } from '../../src/judge/bunching.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { Look, StageAssessment } from '../../src/judge/types.js';
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

describe('promises on response times and on failures by version', () => {
  /** Counts of a second of the soak: calls and failures of v1 and v2, answers slower than the limit. */
  interface Second {
    readonly v1: readonly [total: number, failed: number];
    readonly v2: readonly [total: number, failed: number];
    readonly slow: number;
  }
  const promised: Partial<Expectation> = {
    errors: { max: undefined, notWorse: { v2: { than: 'v1', ratio: 1 } } },
    responseTime: { limits: { p95: millis(800) }, versions: {} },
  };
  const times = (total: number, slow: number) => ({
    all: {
      total,
      over: { '800': slow },
      buckets: [{ upTo: 500, count: total - slow }, ...(slow ? [{ upTo: 900, count: slow }] : [])],
    },
    versions: {},
    pairs: [],
  });
  function soakedWith(second: Second | 'silent', seconds = 60) {
    const each = stage(promised, { soak: millis(seconds * 1000) });
    const all = scenario([each], { watch: { client: 'require', source: 'require', destination: 'off', graph: 'off' } });
    const judge = new StageJudge(all, each);
    const at = (ms: number, v1: Second['v1'], v2: Second['v2'], total: number, slow: number) => {
      const client = saw('client', { v1: v1[0], v2: v2[0] });
      const timed =
        client.status === 'ok'
          ? { ...client, counts: { ...client.counts, responseTimes: times(total, slow) } }
          : client;
      return look([timed, saw('source', { v1, v2 })], ms === 10_000, ms);
    };
    // As many looks as must tell how far answers depend on each other.
    const looks = Array.from({ length: LEAST_BLOCKS }, (_, index) => {
      const part = (count: number) => (count * (index + 1)) / LEAST_BLOCKS;
      const calls = [part(40_000), part(400)] as const;
      return at(625 * (index + 1), calls, calls, part(80_000), part(800));
    });
    const [base, passed] = looks.map((each) => [each, judge.look(each)] as const).at(-1) as [Look, StageAssessment];
    expect(passed.verdict).toBe('pass');
    const soak = judge.soak(passed, base);
    for (let n = 1; ; n++) {
      const more = second === 'silent' ? { v1: [0, 0], v2: [0, 0], slow: 0 } : second;
      const sum = (of: 'v1' | 'v2') => [40_000 + n * (more[of][0] ?? 0), 400 + n * (more[of][1] ?? 0)] as const;
      const total = 80_000 + n * ((more.v1[0] ?? 0) + (more.v2[0] ?? 0));
      const end = soak.look(at(10_000 + n * 1000, sum('v1'), sum('v2'), total, 800 + n * more.slow));
      if (end.decided) return { end, seconds: n };
    }
  }
  const found = (name: string, { end }: { end: StageAssessment }) => end.checks.find((check) => check.name === name);

  test('pass when they are kept in the whole soak', () => {
    const result = soakedWith({ v1: [100, 1], v2: [100, 1], slow: 4 });
    expect([result.end.verdict, result.seconds]).toEqual(['pass', 60]);
    expect(found('drift:responseTime:p95', result)?.reason).toBe(
      '2 % of 12,000 answers took longer than 800 ms, where 5 % may, in 1 m 0 s after the pass; that does not refute the promise.',
    );
    expect(found('drift:errors:v2', result)).toMatchObject({ verdict: 'pass', required: true });
  });

  test('say nothing of response times in a soak of a few looks', () => {
    const result = soakedWith({ v1: [100, 1], v2: [100, 1], slow: 4 }, 10);
    expect(result.end.verdict).toBe('pass');
    expect(found('drift:responseTime:p95', result)).toMatchObject({ verdict: 'not-applicable', required: false });
    expect(found('drift:responseTime:p95', result)?.reason).toMatch(/the soak is 6 looks too short to tell how far/);
  });

  test('fail when answers become slow', () => {
    const result = soakedWith({ v1: [100, 1], v2: [100, 1], slow: 40 });
    expect(result.end.verdict).toBe('fail');
    expect(result.seconds).toBe(LEAST_BLOCKS);
    expect(found('drift:responseTime:p95', result)?.reason).toMatch(
      /^20 % of [\d,]+ answers took longer than 800 ms, where 5 % may, in 16 s after the pass: it held before\.$/,
    );
  });

  test('fail when a version begins to fail more often than the other', () => {
    const result = soakedWith({ v1: [100, 1], v2: [100, 6], slow: 1 });
    expect(result.end.verdict).toBe('fail');
    expect(found('drift:errors:v2', result)).toMatchObject({ verdict: 'fail' });
    expect(found('drift:errors:v2', result)?.reason).toMatch(
      /^v2 failed \d+ of [\d,]+ calls and v1 \d+ of [\d,]+, where no more often was promised, /,
    );
  });

  test('are no pass when nothing was counted', () => {
    const result = soakedWith('silent', 5);
    expect(result.end.verdict).toBe('no-data');
  });
});
