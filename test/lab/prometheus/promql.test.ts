import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { QueryEngine } from '../../../src/lab/prometheus/engine.js';
import { makeLabels } from '../../../src/lab/prometheus/labels.js';
import { parseQuery } from '../../../src/lab/prometheus/promql/parse.js';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { Storage } from '../../../src/lab/prometheus/storage.js';
import { comparable, expectClose } from '../../support/answers.js';
import { promqlGolden, REFUSED_SOMEHOW } from '../../support/queries.js';
import { ASKED_MS, recordedSeries, storageOf } from '../../support/samples.js';

type Points = Record<number, number | 'stale'>;

/** Samples by second. */
function storageWith(series: Record<string, Points>): Storage {
  const storage = new Storage();
  for (const [name, points] of Object.entries(series)) {
    const stored = storage.open(
      makeLabels([
        ['__name__', name],
        ['a', '1'],
      ]),
    );
    for (const [second, value] of Object.entries(points)) {
      if (value === 'stale') storage.appendStale(stored, Number(second) * 1000);
      else storage.append(stored, Number(second) * 1000, value);
    }
  }
  return storage;
}

function ask(storage: Storage, query: string, second: number): number[] {
  const { result } = new QueryEngine(storage, systemClock).instant(query, second * 1000, 10_000);
  return (result as { value: [number, string] }[]).map(({ value }) => Number(value[1].replace('Inf', 'Infinity')));
}

/** A counter sampled every `step` seconds in first..last. */
function steady(first: number, last: number, step: number, value: (second: number) => number): Points {
  const points: Points = {};
  for (let second = first; second <= last; second += step) points[second] = value(second);
  return points;
}

describe('numbers checked by hand', () => {
  const born = storageWith({
    once: steady(75, 180, 15, () => 1),
    burst: steady(75, 180, 15, () => 37),
    single: { 75: 37, 90: 'stale' },
    grows: steady(75, 180, 15, (second) => second - 60),
    dies: { 75: 7, 90: 17, 105: 27, 120: 37, 135: 'stale' },
    restarts: { 60: 500, 75: 600, 90: 700, 105: 10, 120: 50, 135: 90, 150: 130, 165: 170, 180: 210 },
    exact: steady(0, 180, 15, (second) => 2 * second),
  });
  test.each([
    ['increase(once[120s])', [0], 'a single request before the first scrape is never seen'],
    ['increase(burst[120s])', [0], 'nor is a burst before it'],
    ['increase(single[120s])', [], 'one sample has no slope'],
    [
      'increase(grows[120s])',
      [120],
      'from 15 at 75 s the slope reaches zero at 60 s: 105 grown in 105 s, 15 s more to the left',
    ],
    [
      'increase(dies[120s])',
      [42],
      'zero point 10.5 s before the first sample (7 of 30 in 45 s), half an interval of 7.5 s after the last: 30 * 63 / 45',
    ],
    [
      'increase(restarts[119s])',
      [310 * (119 / 105)],
      'the reset counts in full: 210 - 600 + 700 in 105 s, 14 s more to the left',
    ],
    ['rate(exact[60s])', [2], 'closed window with a sample on both borders'],
    ['increase(exact[15s])', [30], 'closed: a window of one interval holds two samples when aligned'],
    ['irate(exact[60s])', [2], 'the last two'],
    ['resets(restarts[120s])', [1], 'one restart'],
    ['delta(restarts[120s])', [210 - 500], 'no reset handling for gauges'],
    ['last_over_time(dies[120s])', [37], 'finds series that went stale'],
    ['dies', [], 'which an instant selector does not'],
    ['count_over_time(dies[120s])', [4], 'stale markers are no samples'],
    ['timestamp(grows)', [180], 'the time of the scrape'],
    ['timestamp(grows offset 7s)', [165], 'of the scrape before'],
  ])('%s is %j: %s', (query, expected) => {
    const found = ask(born, query, 180);
    expect(found).toEqual(expected.map((value) => expect.closeTo(value, 9)));
  });

  test('the clamp at zero comes before the comparison with the threshold, as in 2.42', () => {
    // First sample 45 s after the window's start with value 10 and slope 1/s: zero is 10 s back, nearer than 1.1 intervals.
    const storage = storageWith({ x: steady(105, 180, 15, (second) => second - 95) });
    expect(ask(storage, 'increase(x[120s])', 180)).toEqual([expect.closeTo(85, 9)]);
  });

  test('a histogram quantile is linear inside its bucket', () => {
    const storage = new Storage();
    for (const [le, count] of [
      ['10', 50],
      ['20', 90],
      ['+Inf', 100],
    ] as const) {
      storage.append(
        storage.open(
          makeLabels([
            ['__name__', 'h_bucket'],
            ['le', le],
          ]),
        ),
        1_000,
        count,
      );
    }
    expect(ask(storage, 'histogram_quantile(0.25, h_bucket)', 1)).toEqual([5]);
    expect(ask(storage, 'histogram_quantile(0.7, h_bucket)', 1)).toEqual([15]);
    expect(ask(storage, 'histogram_quantile(0.95, h_bucket)', 1)).toEqual([20]);
  });

  test('the lookback is five minutes, its far end included', () => {
    const storage = storageWith({ x: { 100: 1 } });
    expect([
      ask(storage, 'x', 100),
      ask(storage, 'x', 400),
      ask(storage, 'x', 400.001),
      ask(storage, 'x', 99.999),
    ]).toEqual([[1], [1], [], []]);
  });
});

test('increase over a window of steady growth is the growth, wherever the scrapes fall', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 15_000 }),
    fc.integer({ min: 4, max: 20 }),
    fc.integer({ min: 1, max: 50 }),
    (phase, intervals, slope) => {
      const storage = new Storage();
      const series = storage.open(makeLabels([['__name__', 'x']]));
      for (let at = phase; at <= 1_000_000; at += 15_000) storage.append(series, at, 1e6 + (slope * at) / 1000);
      const window = intervals * 15;
      const [found] = ask(storage, `increase(x[${window}s])`, 900);
      expect(found).toBeCloseTo(slope * window, 6);
    },
  );
  fc.assert(property, { seed: 7, numRuns: 200 });
});

test('a window holds exactly the samples that a plain filter keeps', () => {
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 60 });
  const property = fc.property(
    times,
    fc.integer({ min: 0, max: 700 }),
    fc.integer({ min: 1, max: 400 }),
    (seconds, at, range) => {
      const sorted = [...seconds].sort((a, b) => a - b);
      const storage = storageWith({ x: Object.fromEntries(sorted.map((second) => [second, second])) });
      const { result } = new QueryEngine(storage, systemClock).instant(`x[${range}s]`, at * 1000, 10_000);
      const found = (result as { values: [number, string][] }[]).flatMap(({ values }) => values.map(([time]) => time));
      expect(found).toEqual(sorted.filter((second) => second >= at - range && second <= at));
    },
  );
  fc.assert(property, { seed: 7, numRuns: 300 });
});

describe('answers are those that a real Prometheus 2.42 gave for the same samples', () => {
  interface Recorded {
    readonly path: 'query' | 'query_range';
    readonly parameters: Record<string, string>;
    readonly status: number;
    readonly body: unknown;
  }
  const recorded = readFileSync(promqlGolden, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded);
  let ours: RunningPrometheus;
  beforeAll(async () => {
    ours = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: storageOf(recordedSeries()) });
  });
  afterAll(() => ours.close());

  test.each(recorded.map((answer) => [`${answer.path} ${answer.parameters.query}`, answer] as const))(
    '%s',
    async (_, { path, parameters, status, body }) => {
      const response = await fetch(`${ours.url}/api/v1/${path}`, {
        method: 'POST',
        body: new URLSearchParams(parameters),
      });
      expect(response.status).toBe(status);
      expectClose(comparable(await response.json(), parameters.query ?? ''), body);
    },
  );

  test('the records are not empty', () => {
    const rows = recorded.filter(({ body }) => ((body as { rows?: unknown[] }).rows?.length ?? 0) > 0);
    expect(rows.length).toBeGreaterThan(100);
    expect(ASKED_MS).toBe(1_760_000_000_000);
  });
});

test('a heavy range lets others have their turn', async () => {
  const engine = new QueryEngine(storageOf(recordedSeries()), systemClock);
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 0);
  const range = { startMs: ASKED_MS - 900_000, endMs: ASKED_MS, stepMs: 100 };
  await engine.range('count(last_over_time({__name__=~".+"}[10m]))', range, 60_000);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(5);
});

describe('queries that cannot be read', () => {
  test.each(REFUSED_SOMEHOW)('%s', (query) => {
    expect(() => parseQuery(query)).toThrow(/^\d+:\d+: parse error: /);
  });

  test('nesting and length are bounded, and refused in no time', () => {
    expect(() => parseQuery(`${'('.repeat(300)}1${')'.repeat(300)}`)).toThrow(/nested too deeply/);
    expect(() => parseQuery(`${'('.repeat(100_000)}1`)).toThrow(/parse error/);
    expect(() => parseQuery(Array.from({ length: 1_100 }, () => 'a').join('+'))).toThrow(/too many operators/);
    expect(() => parseQuery(`a # ${'x'.repeat(1 << 20)}`)).toThrow(/longer than/);
    expect(parseQuery(Array.from({ length: 900 }, () => 'a').join('+')).kind).toBe('binary');
  });

  test('nothing that is typed makes anything but a tree or a parse error', () => {
    const pieces = [
      'sum',
      '(',
      ')',
      '{',
      '}',
      '[',
      '5m',
      ']',
      ':',
      'a',
      'by',
      '"x"',
      '=~',
      '=',
      ',',
      '-',
      '+',
      '*',
      '^',
      'offset',
      '@',
      '1',
      'rate',
      'and',
      'on',
      'group_left',
      'bool',
      '>',
      ' ',
      '#',
      '\n',
      "'",
      '`',
      'end',
      'Inf',
    ];
    const typed = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 40 }),
    );
    fc.assert(
      fc.property(typed, (query) => {
        try {
          parseQuery(query);
        } catch (error) {
          expect(String((error as Error).message)).toMatch(/^\d+:\d+: parse error: /);
        }
      }),
      { seed: 7, numRuns: 3_000 },
    );
  });
});
