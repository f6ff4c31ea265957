import { describe, expect, test } from 'vitest';
import { planChecks } from '../../src/judge/checkPlan.js';
import { assumedRates, type PlannedCheck, planRun } from '../../src/judge/plan.js';
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
    expect(source.falseAlarm).toBeLessThanOrEqual(0.0001 / 8);
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

  test('warns when the load is too small for the longest window', () => {
    const slow = planRun(scenario([canary]), { client: 1, source: 1, destination: 1, graph: 1 });
    expect(slow.warnings).toHaveLength(1);
    expect(slow.warnings[0]).toMatch(
      /^stage canary needs up to 5\d\d\d s in 99 of 100 runs, but maxDuration is 120 s: raise the load about 44\.\d times/,
    );
    expect(slow.stages[0]?.verdicts.inconclusive).toBeGreaterThan(0.9);
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
      .filter((each) => each.required)
      .map((each) => each.alpha);
    expect(alphas.reduce((sum, each) => sum + each, 0)).toBeCloseTo(0.0001, 15);
  });
});
