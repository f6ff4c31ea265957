import { describe, expect, test } from 'vitest';
import { millis } from '../../src/base/units.js';
import { planChecks } from '../../src/judge/checkPlan.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { assumedRates, planRun } from '../../src/judge/plan.js';
import type { PlannedCheck } from '../../src/judge/planCheck.js';
import { ruleFor } from '../../src/judge/requirements.js';
import { markerMatches } from '../../src/scenario/markers.js';
import type { ThinkTime } from '../../src/scenario/types.js';
import { mirror, scenario, share, stage } from '../support/judge.js';

const canary = stage(share({ v2: 0.1 }));
const dark = stage({ ...share({ v2: 0 }), ...mirror({ v2: 1 }) }, { name: 'mirror' });
const failing = stage({ ...share({ v2: 0.1 }), errors: { max: 0.005 as never } }, { name: 'errors' });
const rates = { client: 100, source: 200, destination: 200, graph: 200 };

describe('plan', () => {
  const plan = planRun(scenario([canary, dark, failing]), rates);
  const check = (stageName: string, name: string, point: string) =>
    plan.stages
      .find((each) => each.name === stageName)
      ?.checks.find((each) => each.name === name && each.vantagePoint === point) as PlannedCheck;

  test('a canary of 10 % ± 3 % takes the tabulated requests, with the run’s error rate split over its checks', () => {
    const source = check('canary', 'share:v2', 'source');
    // 2,478 and 5,296 for error rates of 1e-4 on both sides; splitting the false alarms moves the mean by a request or two.
    expect(Math.abs(source.requests.expected - 2478)).toBeLessThan(5);
    expect(Math.abs(source.requests.q99 - 5296)).toBeLessThan(5);
    expect(source.seconds).toEqual({
      expected: Number((source.requests.expected / 200).toFixed(1)),
      q99: Number((source.requests.q99 / 200).toFixed(1)),
    });
    expect(source.falseAlarm).toBeLessThanOrEqual(0.0001 / 10);
    expect(source.miss).toBeLessThanOrEqual(0.0001);
    expect(source.verdicts.pass).toBeGreaterThan(0.9998);
  });

  test('dark and mirror promises take 917 clean requests', () => {
    expect(check('mirror', 'share:v2', 'client').requests).toEqual({ expected: 917, q95: 917, q99: 917 });
    expect(check('mirror', 'mirror:v2', 'destination')).toMatchObject({
      falseAlarm: 0,
      seconds: { expected: 4.6, q99: 4.6 },
    });
  });

  test('errors are planned for as many failures as allowed, and tell how few requests suffice without any', () => {
    const errors = check('errors', 'errors', 'source');
    expect(errors.fewest).toBe(1829);
    expect(errors.requests.expected).toBeGreaterThan(4000);
    expect(errors.falseAlarm).toBeLessThanOrEqual(0.0001);
    expect(errors.miss).toBeLessThanOrEqual(0.0001);
  });

  test('probabilities of a stage are bounds that add up', () => {
    for (const each of plan.stages) {
      expect(each.verdicts.pass + each.verdicts.fail + each.verdicts.inconclusive).toBeCloseTo(1, 12);
      expect(each.verdicts.pass).toBeGreaterThan(0.999);
    }
    expect(plan.warnings).toEqual([]);
  });

  test.each([
    ['asPromised', 0.1],
    ['offByMargin', 0.13],
    ['nothing', 0],
    ['half', 0.5],
  ] as const)('a canary is planned for four truths: %s', (truth, share) => {
    const planned = check('canary', 'share:v2', 'source').truths[truth];
    // Three shares at two points each, the proxies of two stages, a mirror and the failures: ten decisions.
    const rule = ruleFor({ kind: 'gate', share: 0.1, margin: 0.03, alpha: 0.0001 / 10, beta: 0.0001 });
    const exact = operatingCharacteristics(rule, share);
    expect(planned.share).toBeCloseTo(share, 12);
    expect(planned.requests).toEqual({
      expected: Math.ceil(exact.expected),
      q95: exact.quantile(0.95),
      q99: exact.quantile(0.99),
    });
    expect(planned.seconds.q99).toBe(Number((planned.requests.q99 / 200).toFixed(1)));
    expect(truth === 'asPromised' ? planned.verdicts.pass : planned.verdicts.fail).toBeGreaterThan(0.999);
  });

  test('a dark promise is refuted by the first request astray: geometric, or never', () => {
    const { offByMargin, nothing, half } = check('mirror', 'share:v2', 'source').truths;
    expect(offByMargin).toMatchObject({ share: 0.01, requests: { expected: 100, q95: 299, q99: 459 } });
    expect(half.requests).toEqual({ expected: 2, q95: 5, q99: 7 });
    expect(nothing.verdicts).toEqual({ pass: 1, fail: 0, inconclusive: 0 });
  });

  test('a full mirror is decided when the window closes, whatever is true', () => {
    const { offByMargin, nothing } = check('mirror', 'mirror:v2', 'destination').truths;
    expect(offByMargin).toMatchObject({ share: 0.99, requests: { expected: 917, q99: 917 } });
    expect(nothing.verdicts.fail).toBe(1);
  });

  test('every stage has its line', () => {
    expect(plan.stages.map(({ line }) => line)).toEqual([
      expect.stringMatching(
        /^canary: about 25 s, in 99 of 100 runs at most 53 s \(share:v2 at client: 2,4\d\d requests, at most 5,\d\d\d\)$/,
      ),
      'mirror: 9.2 s (share:v2 at client: 917 requests)',
      expect.stringMatching(/^errors: about 25 s, in 99 of 100 runs at most 53 s/),
    ]);
  });
});

describe('advice', () => {
  const marked = { uris: 3, of: 1 };
  const load = (users: number) => ({
    ...scenario([]).load,
    uris: Array.from({ length: marked.uris }, (_, index) => ({
      method: 'GET',
      target: index < marked.of ? '/CustomerManagement/Details/7' : '/',
      headers: {},
      line: index,
    })),
    model: {
      kind: 'closed',
      users,
      thinkTime: { kind: 'uniform', minMs: 100, maxMs: 2000 },
    } as unknown as ReturnType<typeof scenario>['load']['model'],
  });
  const even = stage(share({ v2: 0.5 }), { name: 'even' });

  test('says what forty users take for 50 % ± 3 %, and what would be enough', () => {
    const { warnings, stages } = planRun(scenario([even], { load: load(40) }));
    expect(warnings).toEqual([
      expect.stringMatching(
        /^40 users send 37\.4 requests\/s, 12\.5 of them tell the versions apart: even ± 3 % takes 9 min, at worst 19 min, but maxDuration is 2 min; change one: 500 users: 43 s, at worst 8\d s; maxDuration 30m: 9 min, at worst 19 min; margin 10 %: 47 s, at worst 9\d s$/,
      ),
    ]);
    expect(stages[0]?.verdicts.inconclusive).toBeGreaterThan(0.9);
  });

  test('each change that it names makes the stage decidable', () => {
    const users = planRun(scenario([even], { load: load(500) }));
    expect(users.warnings).toEqual([]);
    expect(planRun(scenario([even], { load: load(200) })).warnings).toHaveLength(1);
    const wider = { ...even, precision: { ...even.precision, margin: 0.1 as never } };
    expect(planRun(scenario([wider], { load: load(40) })).warnings).toEqual([]);
    expect(planRun(scenario([even], { load: load(40), maxDuration: 1_800_000 as never })).warnings).toEqual([]);
  });

  test('speaks of requests where the rate was given', () => {
    const slow = planRun(scenario([canary]), { client: 1, source: 1, destination: 1, graph: 1 });
    expect(slow.warnings).toEqual([
      expect.stringMatching(
        /^1 requests\/s tell the versions apart: canary ± 3 % takes 41 min, .*change one: 50 requests\/s: /,
      ),
    ]);
  });
});

describe('assumed rates', () => {
  test('are users over mean think time and an answer, times the part of marker pages', () => {
    // 100 users, 1050 ms + 20 ms, one page of two is a marker page.
    expect(assumedRates(scenario([canary])).client).toBeCloseTo((100 / 1.07) * 0.5, 9);
  });

  test('are all calls and no client view without a marker', () => {
    const blind = assumedRates(scenario([canary], { marker: undefined }));
    expect(blind.client).toBe(0);
    expect(blind.source).toBeCloseTo(100 / 1.07, 9);
  });

  test('use the mean think time of every distribution', () => {
    const base = scenario([canary]);
    const pages = (thinkTime: ThinkTime) =>
      assumedRates({ ...base, load: { ...base.load, model: { kind: 'closed', users: 51, thinkTime } } }).source * 2;
    expect(pages({ kind: 'constant', ms: millis(1000) })).toBeCloseTo(50, 9);
    expect(pages({ kind: 'exponential', meanMs: millis(1000) })).toBeCloseTo(50, 9);
    // Mean of a lognormal: median times exp(sigma^2 / 2).
    expect(pages({ kind: 'lognormal', medianMs: millis(1000 / Math.exp(0.5)), sigma: 1 })).toBeCloseTo(50, 9);
  });

  test('are those of the lowest level above 0, and of all models of a mixture for their own URIs', () => {
    const base = scenario([canary]);
    const stages = [
      { ms: millis(1000), to: 40 },
      { ms: millis(1000), to: 400 },
    ];
    const open = { kind: 'open', ratePerSecond: 0, arrivals: 'constant', maxInFlight: 100, stages } as const;
    expect(assumedRates({ ...base, load: { ...base.load, model: open } }).source).toBe(20);
    const marker = base.marker?.uri ?? '';
    const model = {
      kind: 'mixed',
      parts: [{ model: open }, { model: { ...open, ratePerSecond: 7 }, uris: marker }],
    } as const;
    expect(assumedRates({ ...base, load: { ...base.load, model } }).source).toBe(20 + 7);
  });

  test('follow the weights of the URIs', () => {
    const base = scenario([canary]);
    const model = { kind: 'open', ratePerSecond: 40, arrivals: 'constant', maxInFlight: 100 } as const;
    const uris = base.load.uris.map((entry) =>
      markerMatches(base.marker?.uri ?? '', entry.target) ? { ...entry, weight: 3 } : entry,
    );
    expect(assumedRates({ ...base, load: { ...base.load, model, uris } }).source).toBe(30);
  });

  test('are the arrival rate in the open model', () => {
    const base = scenario([canary]);
    const model = { kind: 'open', ratePerSecond: 40, arrivals: 'constant', maxInFlight: 100 } as const;
    expect(assumedRates({ ...base, load: { ...base.load, model } }).source).toBe(20);
  });
});

describe('checks of a stage', () => {
  const points = (each: readonly { name: string; vantagePoint: string; rule: string; required: boolean }[]) =>
    each.map((one) => `${one.name} ${one.vantagePoint} ${one.rule}${one.required ? ' required' : ''}`);

  test('a share is decided at client and source, and accounted at destination and graph', () => {
    expect(points(planChecks(scenario([canary]), canary))).toEqual([
      'share:v2 client gate required',
      'share:v2 source gate required',
      'share:v2 destination account',
      'share:v2 graph account',
      'proxies:v2 source proxies required',
    ]);
  });

  test('without a marker the client is not applicable', () => {
    const [client] = planChecks(scenario([canary], { marker: undefined }), canary);
    expect(client).toMatchObject({ rule: 'none', required: false, why: { verdict: 'not-applicable' } });
  });

  test('the error rate is split over the required checks of the whole scenario', () => {
    const whole = scenario([canary, dark, failing]);
    const alphas = whole.stages
      .flatMap((each) => planChecks(whole, each))
      // Where a version gets none, its proxies cannot raise a false alarm.
      .filter((each) => each.required && !(each.rule === 'proxies' && each.expected.share === 0))
      .map((each) => each.alpha);
    expect(alphas.reduce((sum, each) => sum + each, 0)).toBeCloseTo(0.0001, 15);
  });
});
