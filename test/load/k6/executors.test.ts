import { describe, expect, it } from 'vitest';
import { millis } from '../../../src/base/units.js';
import { executorOf, shaped } from '../../../src/load/k6/executors.js';
import type { ClosedModel, LoadStage, OpenModel } from '../../../src/scenario/types.js';

const users = (count: number, stages?: LoadStage[]): ClosedModel => ({
  kind: 'closed',
  users: count,
  thinkTime: { kind: 'constant', ms: millis(100) },
  ...(stages ? { stages } : {}),
});
const rate = (perSecond: number, stages?: LoadStage[], maxInFlight = 500): OpenModel => ({
  kind: 'open',
  ratePerSecond: perSecond,
  arrivals: 'constant',
  maxInFlight,
  ...(stages ? { stages } : {}),
});
const stage = (ms: number, to: number): LoadStage => ({ ms: millis(ms), to });
const gracefulStop = '6000ms';
const arrivals = { preAllocatedVUs: 10, maxVUs: 500, gracefulStop };

describe('what k6 calls a model', () => {
  it.each([
    [
      'users for a time',
      users(20),
      { durationMs: 3000 },
      { executor: 'constant-vus', vus: 20, duration: '3000ms', gracefulStop },
    ],
    [
      'users until they are stopped: k6 wants an end',
      users(20),
      {},
      { executor: 'constant-vus', vus: 20, duration: '86400000ms', gracefulStop },
    ],
    [
      'users for a number of requests, never more users than requests',
      users(20),
      { maxRequests: 7 },
      { executor: 'shared-iterations', vus: 7, iterations: 7, maxDuration: '86400000ms', gracefulStop },
    ],
    [
      'users in stages, the last level kept to the end',
      users(0, [stage(1000, 10), stage(0, 20)]),
      { durationMs: 5000 },
      {
        executor: 'ramping-vus',
        startVUs: 0,
        stages: [
          { duration: '1000ms', target: 10 },
          { duration: '0ms', target: 20 },
          { duration: '4000ms', target: 20 },
        ],
        gracefulRampDown: gracefulStop,
        gracefulStop,
      },
    ],
    [
      'stages that are longer than the load, cut where they are then',
      users(0, [stage(4000, 10)]),
      { durationMs: 1000 },
      {
        executor: 'ramping-vus',
        startVUs: 0,
        stages: [{ duration: '1000ms', target: 3 }],
        gracefulRampDown: gracefulStop,
        gracefulStop,
      },
    ],
    [
      'arrivals at a whole rate',
      rate(5),
      { durationMs: 2000 },
      { executor: 'constant-arrival-rate', rate: 5, timeUnit: '1s', duration: '2000ms', ...arrivals },
    ],
    [
      'arrivals at a rate with a fraction: k6 counts whole ones',
      rate(0.5),
      { durationMs: 60_000 },
      { executor: 'constant-arrival-rate', rate: 500, timeUnit: '1000s', duration: '60000ms', ...arrivals },
    ],
    [
      'a number of arrivals: as long as they take',
      rate(20),
      { maxRequests: 100 },
      {
        executor: 'constant-arrival-rate',
        rate: 20,
        timeUnit: '1s',
        duration: '5000ms',
        ...arrivals,
        preAllocatedVUs: 20,
      },
    ],
    [
      'arrivals in stages, cut in the middle of one',
      rate(10, [stage(4000, 20)]),
      { durationMs: 1000 },
      {
        executor: 'ramping-arrival-rate',
        startRate: 10,
        timeUnit: '1s',
        stages: [{ duration: '1000ms', target: 13 }],
        ...arrivals,
        preAllocatedVUs: 20,
      },
    ],
    [
      'many arrivals: as many users ready as come in a second, but no more than 1,000 and than may be in flight',
      rate(5000, undefined, 4000),
      { durationMs: 1000 },
      {
        executor: 'constant-arrival-rate',
        rate: 5000,
        timeUnit: '1s',
        duration: '1000ms',
        preAllocatedVUs: 1000,
        maxVUs: 4000,
        gracefulStop,
      },
    ],
  ])('%s', (_what, model, limits, expected) => {
    expect(executorOf(model, { ...limits, timeoutMs: 5000 })).toEqual(expected);
  });
});

describe('a shape', () => {
  it.each(['ramp', 'spike', 'soak'] as const)(
    '%s lasts as long as the load and never goes above its level',
    (shape) => {
      for (const model of [users(40), rate(12.5)]) {
        const { stages = [] } = shaped(shape, model, 90_000);
        expect(stages.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(90_000, 6);
        expect(Math.max(...stages.map(({ to }) => to))).toBe(model.kind === 'closed' ? 40 : 12.5);
      }
    },
  );

  it('has whole users', () => {
    const { stages = [] } = shaped('spike', users(15), 9000);
    expect(stages.map(({ to }) => to)).toEqual([2, 2, 15, 15, 2, 2]);
  });

  it('refuses stages of the load, and a load without an end', () => {
    expect(() => shaped('ramp', users(1, [stage(1, 2)]), 1000)).toThrow(/stages of its own/);
    expect(() => shaped('ramp', users(1), undefined)).toThrow(/--duration/);
  });
});
