import { expect, test } from 'vitest';
import { heavyDocument, heavyText } from '../../../src/load/k6/heavyDocument.js';
import { type HeavyResult, heavyNotes, invalidBecause, type Runner } from '../../../src/load/k6/heavyResult.js';
import { mergeRunners } from '../../../src/load/k6/merge.js';
import { summaryOf } from '../../../src/load/k6/summary.js';

const sample = (name: string, value: number, labels: Record<string, string> = {}) => ({
  labels: { __name__: `k6_${name}_total`, instance_id: '1', ...labels },
  value,
});
const merged = (late = 0, dropped = 0) =>
  mergeRunners(
    [
      sample('weighbridge_requests', 1000, { uri: '/' }),
      sample('weighbridge_answers', 1000, { uri: '/', version: 'v1', outcome: 'ok', status: '200' }),
      sample('weighbridge_late', late),
      sample('dropped_iterations', dropped),
    ],
    ['/'],
  );
const times = (med: number) => ({ count: 500, avg: 10, med, 'p(90)': 20, 'p(99)': 30, 'p(99.9)': 40, max: 50 });
const runner = (index: number, fields: Partial<Runner> = {}): Runner => ({
  index,
  pod: `heavy-${index}-abcde`,
  state: 'ended',
  exitCode: 0,
  own: { ...summaryOf({ metrics: {} }), responseTime: times(8 + index) },
  differences: [],
  ...fields,
});
const result = (fields: Partial<HeavyResult> = {}, one: Partial<Runner> = {}): HeavyResult => ({
  merged: merged(),
  runners: [runner(1, one), runner(2)],
  seconds: 10,
  cut: undefined,
  ...fields,
});

test.each<[string, HeavyResult, RegExp[]]>([
  ['all is well', result(), []],
  [
    'a crossed threshold',
    result({}, { exitCode: 99, reason: 'Error' }),
    [/^runner 1: k6 ended with exit code 99: thresholds/],
  ],
  [
    'a script that threw, with its words',
    result({}, { exitCode: 107, complaint: 'x is not defined' }),
    [/exit code 107: the script threw.*: x is not defined$/],
  ],
  ['no memory was left', result({}, { exitCode: 137, reason: 'OOMKilled' }), [/killed \(SIGKILL\).*\(OOMKilled\)$/]],
  [
    'evicted before it ran',
    result({}, { exitCode: 1, reason: 'Evicted: low on memory' }),
    [/\(Evicted: low on memory\)$/],
  ],
  [
    'it has not ended',
    result({ cut: 'silence' }, { state: 'running' }),
    [/^silence$/, /^runner 1 has not ended \(running\)$/],
  ],
  ['it was told to stop: that is told once', result({ cut: 'interrupted' }, { exitCode: 103 }), [/^interrupted$/]],
  [
    'writes were lost',
    result({}, { differences: ['requests: 4 in Prometheus, 5 in its totals'] }),
    [/^runner 1: Prometheus lacks .*4 in/],
  ],
  ['ten of a thousand were late: not yet', result({ merged: merged(10) }), []],
  ['eleven were', result({ merged: merged(11) }), [/^1.1 % of the requests left more than 50 ms/]],
  ['arrivals were dropped', result({ merged: merged(0, 20) }), [/^2 % of the arrivals were dropped/]],
])('%s', (_, given, reasons) => {
  expect(invalidBecause(given)).toEqual(reasons.map((reason) => expect.stringMatching(reason)));
});

test('runners without totals of their own are told, and are no reason', () => {
  const silent = result({}, { own: undefined, differences: undefined });
  expect(invalidBecause(silent)).toEqual([]);
  expect(heavyNotes(silent)).toEqual([expect.stringMatching(/^runner 1 told no totals of its own/)]);
});

test('the document has the fields of `load`, percentiles as bounds, and each runner', () => {
  expect(heavyDocument(result(), { runId: 'r1', seed: 7, namespace: 'load' })).toMatchObject({
    requests: 1000,
    failed: 0,
    dropped: 0,
    seconds: 10,
    requestsPerSecond: 100,
    status: { 200: 1000 },
    versions: { v1: 1000 },
    responseTime: { p50: 10, p99: 30, max: 50, mean: 10, count: 1000 },
    responseTimeAtLeast: { p50: 9, p99: 30 },
    generator: { valid: true, lateShare: 0 },
    runners: [{ index: 1, exitCode: 0, complete: true, requests: 1000 }, { index: 2 }],
    engine: 'k6',
    target: 'cluster',
    runId: 'r1',
    seed: 7,
  });
});

test('the same for people', () => {
  expect(heavyText(result({}, { exitCode: 99 }), false).split('\n')).toEqual([
    '1000 requests in 10.0 s from 2 runners, 100.0 requests/s',
    '0 failed (0 %)',
    '',
    '                             p50              p90              p99            p99.9              max',
    'response time       9.0..10.0 ms          20.0 ms          30.0 ms          40.0 ms          50.0 ms',
    '',
    'status     200: 1000',
    'versions   v1: 1000, untold: 0',
    'runner 1   1000 requests, exit code 99, as it counted itself',
    'runner 2   0 requests, exit code 0, as it counted itself',
    'generator  INVALID, 0 late (0 %)',
    '           runner 1: k6 ended with exit code 99: thresholds of the script were crossed',
    '',
  ]);
});
