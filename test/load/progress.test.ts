import { describe, expect, it, test } from 'vitest';
import { millis } from '../../src/base/units.js';
import { loadDocument, loadText } from '../../src/load/document.js';
import { NO_READINGS } from '../../src/load/health.js';
import { assessK6 } from '../../src/load/k6/health.js';
import { LatencyHistogram } from '../../src/load/latency.js';
import { foreseeableShortages, readLimits, type SystemLimits } from '../../src/load/limits.js';
import type { LoadSnapshot } from '../../src/load/loadRun.js';
import { progressLine } from '../../src/load/progress.js';
import { summaryOf } from '../../src/load/snapshot.js';
import type { LoadSpec } from '../../src/load/types.js';
import { loadSpec } from '../support/load.js';

const times = (...ms: number[]) => {
  const histogram = new LatencyHistogram();
  for (const one of ms) histogram.record(one);
  return histogram.data();
};

function snapshot(seconds: number, ms: readonly number[], extra: Partial<LoadSnapshot['counts']> = {}): LoadSnapshot {
  const responseTime = times(...ms);
  const generator = { ...NO_READINGS, sent: ms.length, late: ms.length >> 2, seconds, cpuSeconds: 0.5 };
  return {
    counts: {
      sent: ms.length,
      ended: ms.length,
      versions: {},
      unmarked: ms.length,
      failed: 0,
      dropped: 0,
      bytesReceived: 1000 * ms.length,
      status: ms.length > 0 ? { 200: ms.length } : {},
      errors: {},
      byUri: [],
      ...extra,
    },
    inFlight: 3,
    seconds,
    responseTime,
    serviceTime: responseTime,
    generator,
    window: { responseTime, generator },
  };
}

describe('the progress line tells of the time since the line before', () => {
  test.each<[string, LoadSnapshot, LoadSnapshot, Partial<LoadSpec>, string]>([
    [
      'rate and percentiles of the last second only, totals of failures',
      snapshot(1, [100, 100]),
      snapshot(2, [100, 100, 1, 1, 1, 2, 1, 1], { failed: 2 }),
      { durationMs: 8000 },
      '2 of 8 s  6 requests/s  p50 1.0 ms  p99 2.0 ms  2 failed  33.3 % late  3 in flight  8 ended',
    ],
    [
      'a server that does not answer any more',
      snapshot(3, [5]),
      snapshot(8, [5]),
      { maxRequests: 100 },
      '8 s  0 requests/s  no answer  0 failed  0 % late  3 in flight  1 of 100 ended',
    ],
    [
      'what an open model dropped',
      snapshot(0, []),
      snapshot(1, [10], { dropped: 7 }),
      {},
      '1 s  1 requests/s  p50 10.0 ms  p99 10.0 ms  0 failed  0 % late  7 dropped  3 in flight  1 ended',
    ],
  ])('%s', (_case, before, now, spec, line) => {
    expect(progressLine(before, now, spec)).toBe(line);
  });
});

test('what was recorded between two readings of a histogram is what was recorded then', () => {
  const first = [0.4, 3, 3, 900];
  const later = [0.001, 3, 17, 5000.5];
  const difference = LatencyHistogram.between(times(...first), times(...first, ...later)).summary();
  const alone = LatencyHistogram.of(times(...later)).summary();
  expect(difference).toMatchObject({ count: 4, p50: alone.p50, p90: alone.p90, max: alone.max });
  expect(difference.mean).toBeCloseTo(alone.mean, 6);
  expect(LatencyHistogram.between(times(...first), times(...first)).summary()).toMatchObject({ count: 0, max: 0 });
});

describe('the summary for people', () => {
  const summary = summaryOf(snapshot(2, [1, 2, 3, 40]));

  it('has everything, in lines', () => {
    expect(loadText(summary, false)).toBe(`4 requests in 2.0 s, 2.0 requests/s, 0.00 MB of bodies
0 failed (0 %)

                       p50        p90        p99      p99.9        max
response time       2.0 ms    40.0 ms    40.0 ms    40.0 ms    40.0 ms
service time        2.0 ms    40.0 ms    40.0 ms    40.0 ms    40.0 ms

status     200: 4
generator  valid, 0.50 CPU s (25 % of a core), 0 MB
lateness   p50 0.0 ms, p99 0.0 ms, max 0.0 ms; 1 late (25 %)
loop       delay p99 0.0 ms, garbage collection 0 %, longest 0.0 ms
`);
  });

  it('leaves out what k6 does not tell, and says what was cut', () => {
    const { generator, counts } = snapshot(2, [1, 2]);
    const sent = { ...summary, counts: { ...counts, sent: 3 }, generator: assessK6(generator, 'k6 1.1.0', []) };
    const lines = loadText(sent, false).split('\n');
    expect(lines).toContain('1 cut: they were in flight at the end');
    expect(lines.find((line) => line.startsWith('generator'))).toMatch(/^generator {2}valid, k6 1\.1\.0, 0\.50 CPU s/);
    expect(lines.at(-2)).toBe('lateness   0 late (0 %)');
    const document = loadDocument(sent, { engine: 'k6', seed: 1 });
    expect(document).toMatchObject({ requests: 3, engine: 'k6', generator: { program: 'k6 1.1.0' } });
    expect(document.generator).not.toHaveProperty('lateness');
  });

  it('paints what is wrong, and only that, when there are colours', () => {
    const red = '\u001b[';
    expect(loadText(summary, true)).not.toContain(red);
    const bad = snapshot(2, [1, 2, 3, 40], { failed: 1, errors: { 'out-of-ports': 1 } });
    const invalid = summaryOf({ ...bad, generator: { ...bad.generator, outOfPorts: 1 } });
    expect(loadText(invalid, true)).toContain(`${red}31mINVALID`);
    expect(loadText(invalid, true)).toContain(`${red}31m1 failed`);
    expect(loadText(invalid, false)).not.toContain(red);
  });
});

describe('shortages are foreseen', () => {
  const plenty: SystemLimits = { openFiles: 20_000, localPorts: 28_232 };
  const closed = (users: number, thinkMs: number) =>
    ({ kind: 'closed', users, thinkTime: { kind: 'constant', ms: millis(thinkMs) } }) as const;
  const rate = (ratePerSecond: number, maxInFlight: number) =>
    ({ kind: 'open', ratePerSecond, arrivals: 'constant', maxInFlight }) as const;
  test.each<[string, Partial<LoadSpec>, Partial<SystemLimits>, RegExp[]]>([
    ['as many users as there are files to spare', { model: closed(950, 10) }, { openFiles: 1000 }, []],
    ['one more', { model: closed(951, 10) }, { openFiles: 1000 }, [/^951 users need.*1000 files.*ulimit -n 1001/]],
    ['an open model up to its limit', { model: rate(10, 5000) }, { openFiles: 1024 }, [/^up to 5000 requests may be/]],
    ['more users than ports', { model: closed(6000, 10) }, { localPorts: 5000 }, [/^6000 users need as many local p/]],
    ['new connections at a rate', { model: rate(500, 100), freshShare: 1 }, {}, [/^about 500 new conn.*28232 to one/]],
    ['a share of them', { model: rate(500, 100), freshShare: 0.5 }, {}, []],
    ['users who pause 1 s', { model: closed(400, 1000), freshShare: 1 }, {}, []],
    [
      'users who pause 0.5 s',
      { model: closed(400, 500), freshShare: 1 },
      {},
      [/^about 800 new connections a second keep/],
    ],
    ['users who do not pause', { model: closed(1, 0), freshShare: 0.1 }, {}, [/^new connections without think time/]],
    ['users who do not pause but keep their connection', { model: closed(32, 0) }, {}, []],
    ['a system that tells nothing', { model: closed(1e5, 0) }, { openFiles: undefined, localPorts: undefined }, []],
  ])('%s', (_case, extra, limits, expected) => {
    const shortages = foreseeableShortages(loadSpec('http://127.0.0.1', extra), { ...plenty, ...limits });
    expect(shortages).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(shortages[index]).toMatch(pattern);
  });

  it.runIf(process.platform === 'linux')('from what this system tells', () => {
    expect(readLimits()).toEqual({ openFiles: expect.any(Number), localPorts: expect.any(Number) });
  });
});
