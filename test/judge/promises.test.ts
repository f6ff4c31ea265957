import { describe, expect, test } from 'vitest';
import { millis, ratio } from '../../src/base/units.js';
import { LEAST_BLOCKS } from '../../src/judge/bunching.js';
import { planChecks } from '../../src/judge/checkPlan.js';
import { planRun } from '../../src/judge/plan.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { CheckResult, Look } from '../../src/judge/types.js';
import type { TimedAnswers, WindowCounts } from '../../src/observe/types.js';
import type { Expectation, Stage } from '../../src/scenario/types.js';
import { look, saw, scenario, stage } from '../support/judge.js';

const times = (total: number, over: Record<string, number>): TimedAnswers => {
  const slow = Math.max(0, ...Object.values(over));
  return {
    total,
    over,
    buckets: [
      { upTo: 20, count: Math.floor((total - slow) / 2) },
      { upTo: 40, count: total - slow - Math.floor((total - slow) / 2) },
      ...(slow > 0 ? [{ upTo: 900, count: slow }] : []),
    ],
  };
};

/** The client's view with these response times, and calm proxies. */
function timed(responseTimes: NonNullable<WindowCounts['responseTimes']>, settled = false, at = 1000): Look {
  const client = saw('client', { v1: 900, v2: 100 });
  const source = saw('source', { v1: 900, v2: 100 });
  if (client.status !== 'ok') throw new Error('unreachable');
  return look([{ ...client, counts: { ...client.counts, responseTimes } }, source], settled, at);
}

/** As many looks as must tell how far answers depend on each other, at an even pace. */
function evenly(all: TimedAnswers, of: (part: TimedAnswers) => WindowCounts['responseTimes']): Look[] {
  return Array.from({ length: LEAST_BLOCKS }, (_, index) => {
    const part = (count: number) => Math.floor((count * (index + 1)) / LEAST_BLOCKS);
    const over = Object.fromEntries(Object.entries(all.over).map(([limit, count]) => [limit, part(count)]));
    return timed(
      of(times(part(all.total), over)) as NonNullable<WindowCounts['responseTimes']>,
      false,
      500 * (index + 1),
    );
  });
}
const judgedAt = (judged: StageJudge, looks: readonly Look[]) =>
  looks.map((each) => judged.look(each)).at(-1)?.checks ?? [];

const calls = (v1: [number, number], v2: [number, number], settled = false, at = 1000): Look =>
  look([saw('client', { v1: v1[0], v2: v2[0] }), saw('source', { v1, v2 })], settled, at);

const judge = (expect: Partial<Expectation>) => {
  const promised: Stage = stage(expect);
  return new StageJudge(scenario([promised]), promised);
};
const only = (checks: readonly CheckResult[], name: string): CheckResult => {
  const found = checks.find((check) => check.name === name);
  if (!found) throw new Error(`no check ${name} among ${checks.map((check) => check.name).join(', ')}`);
  return found;
};

const p95 = { responseTime: { limits: { p95: millis(50) }, versions: {} } };
const slower = {
  responseTime: { limits: {}, versions: { v2: { limits: {}, notSlower: { than: 'v1', margin: ratio(0.1) } } } },
};
const pair = (count: number, total: number) => [{ candidate: 'v2', baseline: 'v1', margin: 0.1, slower: count, total }];
const notWorse = { errors: { max: undefined, notWorse: { v2: { than: 'v1', ratio: 1 } } } };

describe('a percentile of the response time', () => {
  test.each([
    [
      'far below',
      times(2000, { 50: 10 }),
      'pass',
      /^p95 of 2,000 answers is 40 ms \(between 20 ms and 40 ms\); at most 50 ms was promised, and more is excluded at error rate 0\.01.* %\.$/,
    ],
    [
      'far above',
      times(2000, { 50: 400 }),
      'fail',
      /^p95 of 2,000 answers is 900 ms .*; at most 50 ms was promised: 20 % took longer, where 5 % may\.$/,
    ],
    [
      'too few',
      times(100, { 50: 2 }),
      'inconclusive',
      /^p95 of 100 answers is 40 ms .*; at most 50 ms was promised, and 2 % took longer, where 5 % may; about [\d,]+ more answers are needed\.$/,
    ],
    [
      'at the limit itself',
      times(100_000, { 50: 5000 }),
      'inconclusive',
      /so near to the limit that more answers hardly tell\.$/,
    ],
  ] as const)('%s', (_name, all, verdict, reason) => {
    const looks = evenly(all, (part) => ({ all: part, versions: {}, pairs: [] }));
    const result = only(judgedAt(judge(p95), looks), 'responseTime:p95');
    expect([result.verdict, result.vantagePoint, result.required]).toEqual([verdict, 'client', true]);
    expect(result.reason).toMatch(reason);
    expect(result.statistics).toMatch(
      /^n = [\d,]+ answers, k = [\d,]+; .* as if 1\.0 answers were one .* Averages of likelihood ratios/,
    );
    const interval = result.observed?.responseTime;
    expect(interval?.low).toBeLessThanOrEqual(interval?.value ?? 0);
    if (interval?.high != null) expect(interval.high).toBeGreaterThanOrEqual(interval.value);
  });

  test('is not decided before it is known how far answers depend on each other', () => {
    const looks = evenly(times(2000, { 50: 400 }), (all) => ({ all, versions: {}, pairs: [] })).slice(0, -1);
    const result = only(judgedAt(judge(p95), looks), 'responseTime:p95');
    expect(result.verdict).toBe('inconclusive');
    expect(result.reason).toMatch(/ 1 more looks? must tell how far answers depend on each other\.$/);
  });

  test('of a version is judged by its own answers', () => {
    const expected = {
      responseTime: { limits: {}, versions: { v2: { limits: { p95: millis(50) }, notSlower: undefined } } },
    };
    const looks = evenly(times(2000, { 50: 400 }), (v2) => ({
      all: times(20_000, { 50: 10 }),
      versions: { v2 },
      pairs: [],
    }));
    const result = only(judgedAt(judge(expected), looks), 'responseTime:v2:p95');
    expect(result.verdict).toBe('fail');
    expect(result.reason).toMatch(/^p95 of 2,000 answers from v2 is 900 ms/);
  });

  test('without an answer there is no data, not even at the end', () => {
    const nothing = { all: times(0, { 50: 0 }), versions: {}, pairs: [] };
    expect(only(judge(p95).look(timed(nothing, true)).checks, 'responseTime:p95').verdict).toBe('no-data');
    expect(judge(p95).look(timed(nothing, true)).verdict).toBe('no-data');
  });
});

describe('not slower than another version', () => {
  test.each([
    [
      'alike',
      400,
      1000,
      'pass',
      /^In 400 of 1,000 pairs of answers v2 took more than 10 % longer than v1: 40 % .* so v2 is not slower by more than the margin\.$/,
    ],
    ['half as slow again', 150, 200, 'fail', /so v2 is slower than promised\.$/],
    [
      'ten pairs',
      3,
      10,
      'inconclusive',
      /half of them would be a slowdown by just the margin; about \d+ more pairs are needed\.$/,
    ],
  ] as const)('%s', (_name, count, total, verdict, reason) => {
    const seen = timed({ all: times(100, {}), versions: { v2: times(10, {}) }, pairs: pair(count, total) });
    const result = only(judge(slower).look(seen).checks, 'responseTime:v2');
    expect(result.verdict).toBe(verdict);
    expect(result.reason).toMatch(reason);
  });
});

describe('failing no more often than another version', () => {
  test.each([
    [
      'five times as often',
      [[calls([9000, 90], [1000, 50])]],
      'fail',
      /^v2 failed 50 of 1,000 calls \(5 %\), v1 failed 90 of 9,000 calls \(1 %\); v2 was to fail no more often than v1, and fails at least [\d.]+ times as often\.$/,
    ],
    [
      'alike, at a rate that matters',
      [[calls([50_000, 2000], [50_000, 2000])]],
      'pass',
      /2 times as often is excluded at error rate/,
    ],
    [
      'hardly ever',
      [[calls([18_000, 20], [2000, 2])]],
      'pass',
      /that v2 fails 1 % of its calls or more is excluded at error rate .*, too few to compare\.$/,
    ],
    [
      'too few',
      [[calls([900, 3], [100, 1])]],
      'inconclusive',
      /it was to fail no more often than v1, and the truth lies at .* times( or more)?; about [\d,]+ more calls are needed\.$/,
    ],
  ] as const)('%s', (_name, [looks], verdict, reason) => {
    const judged = judge(notWorse);
    let result: CheckResult | undefined;
    for (const each of looks) result = only(judged.look(each).checks, 'errors:v2');
    expect(result?.verdict).toBe(verdict);
    expect(result?.reason).toMatch(reason);
    expect(result?.statistics).toMatch(/noncentral hypergeometric/);
  });

  test('an outage that hits both versions alike says nothing against v2, although most of its calls failed in the end', () => {
    const judged = judge(notWorse);
    judged.look(calls([9000, 0], [1000, 0]));
    const { checks } = judged.look(calls([9000 + 900, 810], [1000 + 9100, 8190], false, 2000));
    expect(only(checks, 'errors:v2').verdict).not.toBe('fail');
  });

  test('v2 without a call is no data', () => {
    expect(judge(notWorse).look(calls([9000, 90], [0, 0], true)).verdict).toBe('no-data');
  });
});

describe('planning', () => {
  const all = stage({
    errors: { max: ratio(0.005), notWorse: { v2: { than: 'v1', ratio: 1.5 } } },
    responseTime: {
      limits: { p50: millis(100), p99: millis(900) },
      versions: { v2: { limits: { p95: millis(200) }, notSlower: { than: 'v1', margin: ratio(0.1) } } },
    },
    share: { v2: ratio(0.1) },
  });

  test('the error rate is split over all required checks', () => {
    const plans = planChecks(scenario([all]), all);
    const required = plans.filter((plan) => plan.required);
    expect(required.map(({ name, vantagePoint }) => `${name} ${vantagePoint}`)).toEqual([
      'share:v2 client',
      'share:v2 source',
      'proxies:v2 source',
      'errors source',
      'errors:v2 source',
      'responseTime:p50 client',
      'responseTime:p99 client',
      'responseTime:v2:p95 client',
      'responseTime:v2 client',
    ]);
    for (const plan of required) expect(plan.alpha).toBeCloseTo(1e-4 / 9, 12);
  });

  test('where others send the load, response times do not apply', () => {
    const plans = planChecks(scenario([all], { watch: { ...scenario([]).watch, client: 'off' } }), all);
    for (const plan of plans.filter(({ name }) => name.startsWith('responseTime')))
      expect([plan.rule, plan.required, plan.why?.verdict]).toEqual(['none', false, 'not-applicable']);
  });

  test('says how long every one of them takes: the answers of a version are as rare as its share, pairs of neighbours rarer still', () => {
    const checks = planRun(scenario([all])).stages[0]?.checks ?? [];
    const of = (name: string) => {
      const found = checks.find((check) => check.name === name);
      if (!found) throw new Error(`no check ${name}`);
      return found;
    };
    const perSecond = (name: string) => of(name).requests.q99 / of(name).seconds.q99;
    const every = perSecond('responseTime:p99');
    // Half of the URIs tell the version, a tenth of those is v2's, and 2 x 0.1 x 0.9 of two neighbours are a pair.
    expect(perSecond('responseTime:v2:p95') / every).toBeCloseTo(0.5 * 0.1, 3);
    expect(perSecond('errors:v2') / every).toBeCloseTo(0.5 * 0.1, 3);
    expect(perSecond('responseTime:v2') / every).toBeCloseTo(0.5 * 0.09, 3);
    expect(of('responseTime:p50').requests.expected).toBeLessThan(of('responseTime:p99').requests.expected);
    expect(of('errors:v2').truths.nothing.requests.expected).toBeGreaterThan(917);
    for (const check of checks) expect(check.falseAlarm).toBeLessThanOrEqual(1e-4 / 9);
  });
});
