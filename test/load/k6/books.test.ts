import { describe, expect, it } from 'vitest';
import { differences, K6Books } from '../../../src/load/k6/books.js';
import { exitText } from '../../../src/load/k6/exits.js';
import type { Tags } from '../../../src/load/k6/stream.js';
import { summaryOf } from '../../../src/load/k6/summary.js';
import { expectBalanced } from '../../support/load.js';

const AT = '2026-11-28T18:34:09.8Z';
const marker = { uri: '*', versions: { v2: 'Loyalty' }, failed: 'offline' };

function books() {
  const made = new K6Books(['/', '/d'], {
    marker,
    defaultVersion: 'v1',
    responseTimes: { limits: [100], versions: ['v2'], pairs: [] },
  });
  const take = (metric: string, value: number, tags: Tags = {}, time = AT) => made.take({ metric, value, tags, time });
  const answer = (tags: Tags, ms?: number) => {
    take('weighbridge_requests', 1, { uri: tags.uri });
    take('weighbridge_answers', 1, tags, '2026-11-28T18:34:11.3Z');
    if (ms !== undefined) take('weighbridge_response_time', ms, { uri: tags.uri, version: tags.version });
  };
  return { made, take, answer };
}

const ok = (uri: string, version: string) => ({ uri, version, outcome: 'ok', status: '200' });
const failed = (uri: string, status: string, error: string) => ({
  ...{ uri, status, error },
  version: 'unknown',
  outcome: 'failed',
});

describe("the books of k6's samples", () => {
  it('hold every request that ended in exactly one account', () => {
    const { made, take, answer } = books();
    answer(ok('/', 'unmarked'), 10);
    answer(ok('/d', 'v1'), 20);
    answer(ok('/d', 'v2'), 150);
    answer(failed('/d', '503', 'status'), 5);
    answer(failed('/d', '200', 'offline-page'), 5);
    answer(failed('/', '0', 'timeout'), 5000);
    answer(failed('/', '0', 'reset'));
    answer(ok('/own', 'v9'), 1);
    take('weighbridge_requests', 1, { uri: '/' });
    take('dropped_iterations', 3);
    take('data_received', 512);
    take('weighbridge_late', 1);
    const counts = made.counts();
    expectBalanced(counts);
    expect(counts).toMatchObject({
      sent: 9,
      ended: 8,
      versions: { v1: 1, v2: 1 },
      unmarked: 2,
      failed: 4,
      dropped: 3,
      bytesReceived: 512,
      status: { 200: 5, 503: 1 },
      errors: { 'offline-page': 1, timeout: 1, reset: 1 },
    });
    expect(counts.byUri.map(({ uri, failed: of }) => [uri, of])).toEqual([
      ['/', 2],
      ['/d', 2],
      ['/own', 0],
    ]);
    expect([made.late, made.seconds]).toEqual([1, 1.5]);
    const { all, versions } = made.windowResponseTimes() ?? {};
    expect(all?.over).toEqual([2]);
    expect(versions?.v2?.over).toEqual([1]);
  });

  it('begin a window anew and lose nothing of the whole', () => {
    const { made, answer } = books();
    answer(ok('/', 'v1'), 10);
    made.resetWindow();
    answer(ok('/', 'v1'), 20);
    const count = (of: 'window' | 'run') => made.responseTime(of).counts.reduce((sum, each) => sum + each, 0);
    expect([count('window'), count('run')]).toEqual([1, 2]);
  });

  it('agree with the totals at the end, or say what differs', () => {
    const { made, answer } = books();
    answer(ok('/d', 'v1'), 1);
    answer(failed('/d', '503', 'status'), 1);
    const metric = (count: number) => ({ values: { count } });
    const metrics = {
      weighbridge_requests: metric(2),
      weighbridge_answers: metric(2),
      'weighbridge_answers{outcome:failed}': metric(1),
      'weighbridge_answers{version:v1}': metric(1),
      'weighbridge_answers{version:v2}': metric(0),
      'weighbridge_answers{version:unknown}': metric(1),
      iterations: metric(2),
      weighbridge_response_time: { values: { max: 1 } },
    };
    const end = summaryOf({ metrics });
    expect(end).toMatchObject({ versions: { v1: 1, v2: 0, unknown: 1 }, iterations: 2, late: 0, dropped: 0 });
    expect(differences(made.totals(), end)).toEqual([]);
    answer(ok('/d', 'v2'), 1);
    expect(differences(made.totals(), end)).toEqual([
      'requests: 3 in its samples, 2 in its totals',
      'answers: 3 in its samples, 2 in its totals',
      'v2: 1 in its samples, 0 in its totals',
    ]);
  });

  it('are empty totals when nothing was sampled', () => {
    expect(summaryOf({ metrics: {} })).toEqual({
      ...{ requests: 0, answers: 0, failed: 0, late: 0, dropped: 0, iterations: 0 },
      versions: {},
      responseTime: {},
    });
  });
});

it.each([
  [{ code: 0, signal: null }, false, undefined],
  [{ code: 105, signal: null }, true, undefined],
  [{ code: 105, signal: null }, false, 'k6 ended with exit code 105: it was interrupted by somebody else'],
  [{ code: 99, signal: null }, false, 'k6 ended with exit code 99: thresholds of the script were crossed'],
  [{ code: 107, signal: null }, true, 'k6 ended with exit code 107: the script threw an error before the load'],
  [{ code: 64, signal: null }, false, 'k6 ended with exit code 64'],
  [{ code: null, signal: 'SIGKILL' as const }, true, /k6 was killed \(SIGKILL\).*memory ran out/],
  [{ code: null, signal: 'SIGSEGV' as const }, false, 'k6 was ended by SIGSEGV'],
])('an end by %j, interrupted by us: %s, means %s', (exit, stopped, expected) => {
  if (expected instanceof RegExp) expect(exitText(exit, stopped)).toMatch(expected);
  else expect(exitText(exit, stopped)).toBe(expected);
});
