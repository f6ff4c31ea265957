import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeRunners, missing, type RunnerSample, timeBounds } from '../../../src/load/k6/merge.js';
import { complaintIn, summaryInLog } from '../../../src/load/k6/runnerLog.js';
import { type K6EndOfTest, summaryOf } from '../../../src/load/k6/summary.js';

const sample = (name: string, value: number, labels: Record<string, string> = {}): RunnerSample => ({
  labels: { __name__: `k6_${name}_total`, testid: 'r', instance_id: '1', ...labels },
  value,
});
const answer = (value: number, labels: Record<string, string>) => sample('weighbridge_answers', value, labels);

test('counters of several runners become the counts that one engine would have', () => {
  const { counts, late, runners } = mergeRunners(
    [
      sample('weighbridge_requests', 60, { uri: '/a' }),
      sample('weighbridge_requests', 41, { uri: '/a', instance_id: '2' }),
      answer(40, { uri: '/a', version: 'v1', outcome: 'ok', status: '200' }),
      answer(10, { uri: '/a', version: 'v2', outcome: 'ok', status: '200' }),
      answer(30, { uri: '/a', version: 'v1', outcome: 'ok', status: '200', instance_id: '2' }),
      answer(10, { uri: '/b', version: 'unmarked', outcome: 'ok', status: '204' }),
      answer(6, { uri: '/a', version: 'unknown', outcome: 'failed', status: '503', error: 'status', instance_id: '2' }),
      answer(4, { uri: '/b', version: 'unknown', outcome: 'failed', status: '0', error: 'timeout', instance_id: '2' }),
      sample('weighbridge_late', 3),
      sample('dropped_iterations', 7, { instance_id: '2' }),
      sample('data_received', 5000),
    ],
    ['/b', '/a', '/never'],
  );
  expect(counts).toEqual({
    sent: 101,
    ended: 100,
    versions: { v1: 70, v2: 10 },
    unmarked: 10,
    failed: 10,
    dropped: 7,
    bytesReceived: 5000,
    status: { 200: 80, 204: 10, 503: 6 },
    errors: { status: 6, timeout: 4 },
    byUri: [
      { uri: '/b', versions: {}, unmarked: 10, failed: 4 },
      { uri: '/a', versions: { v1: 70, v2: 10 }, unmarked: 0, failed: 6 },
      { uri: '/never', versions: {}, unmarked: 0, failed: 0 },
    ],
  });
  expect(late).toBe(3);
  expect([...runners]).toEqual([
    [1, { requests: 60, answers: 60, failed: 0, late: 3, dropped: 0, versions: { v1: 40, v2: 10, unmarked: 10 } }],
    [2, { requests: 41, answers: 40, failed: 10, late: 0, dropped: 7, versions: { v1: 30, unknown: 10 } }],
  ]);
});

test('every answer is in exactly one of versions, unmarked and failed, however it is spread over runners', () => {
  const one = fc.record({
    instance_id: fc.constantFrom('1', '2', '3'),
    uri: fc.constantFrom('/a', '/b'),
    version: fc.constantFrom('v1', 'v2', 'unmarked', 'unknown'),
    outcome: fc.constantFrom('ok', 'failed'),
    status: fc.constantFrom('0', '200', '500'),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1000), one)), (rows) => {
      const { counts, runners } = mergeRunners(
        rows.map(([value, labels]) => answer(value, labels)),
        ['/a', '/b'],
      );
      const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
      expect(sum(Object.values(counts.versions)) + counts.unmarked + counts.failed).toBe(counts.ended);
      expect(sum([...runners.values()].map(({ answers }) => answers))).toBe(counts.ended);
    }),
  );
});

const own = (fields: Partial<K6EndOfTest>): K6EndOfTest => ({ ...summaryOf({ metrics: {} }), ...fields });

test("a runner's own totals are the last such line of its log; anything else is none", () => {
  const line = (value: unknown) => `WEIGHBRIDGE_SUMMARY ${JSON.stringify(value)}`;
  const totals = own({ requests: 3, answers: 2 });
  expect(
    summaryInLog(`time=".." msg="WEIGHBRIDGE_SUMMARY {}"\n${line({ requests: 1, answers: 1 })}\n${line(totals)}\n`),
  ).toEqual(totals);
  for (const log of ['', 'WEIGHBRIDGE_SUMMARY {"requests":3,"answ', line(null), line({ requests: '3' })]) {
    expect(summaryInLog(log)).toBeUndefined();
  }
});

test('Prometheus lacks what a runner counted and it does not hold, of that runner', () => {
  const merged = mergeRunners([sample('weighbridge_requests', 5), answer(5, { outcome: 'ok', version: 'v1' })], []);
  const five = { requests: 5, answers: 5, versions: { v1: 5 } };
  expect(missing(merged, 1, own(five))).toEqual([]);
  expect(missing(merged, 1, own({ ...five, late: 1 }))).toEqual(['late: 0 in Prometheus, 1 in its totals']);
  expect(missing(merged, 2, own(five))).toHaveLength(3);
  // Who sent nothing writes nothing.
  expect(missing(merged, 3, own({}))).toEqual([]);
});

test('percentiles of several runners are told as bounds; count, mean and maximum are exact', () => {
  const times = (count: number, avg: number, med: number, max: number) =>
    own({ responseTime: { count, avg, med, 'p(90)': 2 * med, 'p(99)': 3 * med, 'p(99.9)': 4 * med, max, min: 1 } });
  expect(timeBounds([times(100, 10, 8, 90), times(300, 20, 16, 70), own({})])).toEqual({
    count: 400,
    mean: 17.5,
    max: 90,
    percentiles: { p50: [8, 16], p90: [16, 32], p99: [24, 48], p999: [32, 64] },
  });
  expect(timeBounds([own({})])).toBeUndefined();
});

test.each<[string, string | undefined]>([
  ['time="2026-11-28T18:36:03Z" level=warning msg="a level=error in a text"\n', undefined],
  [
    'x\ntime="2026" level=error msg="ReferenceError: \\"x\\" is not defined\\n\\tat file" hint="script exception"',
    'ReferenceError: "x" is not defined\n\tat file',
  ],
  ['level=error something', 'level=error something'],
])('k6’s first error in %j is %j', (log, complaint) => {
  expect(complaintIn(log)).toBe(complaint?.replace('\t', 't'));
});
