import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeLabels } from '../../../src/lab/prometheus/labels.js';
import { makeMatcher } from '../../../src/lab/prometheus/matchers.js';
import { Series } from '../../../src/lab/prometheus/series.js';
import { SeriesLimitError, Storage } from '../../../src/lab/prometheus/storage.js';

const labels = (entries: Record<string, string>) => makeLabels(Object.entries(entries));

describe('a series', () => {
  test('holds what a plain list would, through growth, wrap-around and retention', () => {
    const step = fc.record({
      gap: fc.integer({ min: -2, max: 40 }),
      value: fc.double({ noNaN: true }),
      stale: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 100, max: 2_000 }),
        (steps, retention) => {
          const series = new Series(labels({}), retention, 64);
          let plain: [number, number | 'stale'][] = [];
          let now = 1_000;
          for (const { gap, value, stale } of steps) {
            const at = now + gap;
            const accepted = plain.length === 0 || at > (plain.at(-1)?.[0] ?? 0);
            expect(stale ? series.appendStale(at) : series.append(at, value)).toBe(accepted);
            if (!accepted) continue;
            now = at;
            plain = plain.filter(([time]) => time >= at - retention);
            plain = [...plain, [at, stale ? 'stale' : value] as [number, number | 'stale']].slice(-64);
          }
          const held = Array.from({ length: series.length }, (_, index) => [
            series.timeAt(index),
            series.isStale(index) ? 'stale' : series.valueAt(index),
          ]);
          expect(held).toEqual(plain);
          for (const probe of [0, now - 20, now, now + 5]) {
            expect(series.indexAt(probe)).toBe(plain.filter(([time]) => time <= probe).length - 1);
          }
        },
      ),
      { seed: 7, numRuns: 150 },
    );
  });

  test('a stale marker is no ordinary NaN, also after the ring has grown', () => {
    const series = new Series(labels({}), 1e9, 1_024);
    series.append(1, Number.NaN);
    series.appendStale(2);
    for (let at = 3; at < 200; at++) series.append(at, at);
    expect([series.isStale(0), series.isStale(1), series.isStale(2)]).toEqual([false, true, false]);
    expect([series.valueAt(0), series.valueAt(1)]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('the storage', () => {
  test('finds series by equal, unequal and anchored regular expressions; an absent label is empty', () => {
    const storage = new Storage();
    for (const job of ['api', 'api-v2', 'web', '']) storage.append(storage.open(labels({ __name__: 'up', job })), 1, 1);
    storage.append(storage.open(labels({ __name__: 'down', job: 'web' })), 1, 1);
    const found = (...conditions: [string, '=' | '!=' | '=~' | '!~', string][]) =>
      storage
        .select(conditions.map(([label, op, value]) => makeMatcher(label, op, value)))
        .map((series) => `${series.labels.get('__name__')}/${series.labels.get('job') ?? ''}`);
    expect(found(['__name__', '=', 'up'], ['job', '=', 'api'])).toEqual(['up/api']);
    expect(found(['__name__', '=', 'up'], ['job', '!=', 'api'])).toEqual(['up/', 'up/api-v2', 'up/web']);
    expect(found(['__name__', '=', 'up'], ['job', '=~', 'ap.'])).toEqual(['up/api']);
    expect(found(['__name__', '=', 'up'], ['job', '=~', 'api.*|x'])).toEqual(['up/api', 'up/api-v2']);
    expect(found(['__name__', '=', 'up'], ['job', '!~', 'api|web'])).toEqual(['up/', 'up/api-v2']);
    expect(found(['__name__', '=', 'up'], ['job', '=', ''])).toEqual(['up/']);
    expect(found(['__name__', '=~', '.*'], ['job', '=', 'web'])).toEqual(['down/web', 'up/web']);
  });

  test('expressions that defeat backtracking engines are answered at once', () => {
    const matcher = makeMatcher('a', '=~', '(x+x+)+y');
    expect(matcher.matches('x'.repeat(5_000))).toBe(false);
  });

  test('forgets series whose samples are all past the retention, and says so to whoever holds one', () => {
    const storage = new Storage({ retentionMs: 60_000 });
    const old = storage.open(labels({ __name__: 'old' }));
    storage.append(old, 1_000, 1);
    const kept = storage.open(labels({ __name__: 'kept' }));
    for (let at = 2_000; at <= 200_000; at += 5_000) storage.append(kept, at, at);
    expect([storage.seriesCount, old.forgotten, kept.forgotten]).toEqual([1, true, false]);
    expect(kept.length).toBeLessThanOrEqual(13);
    expect(storage.bounds?.minTime).toBeGreaterThanOrEqual(137_000);
  });

  test('refuses more series than its bound', () => {
    const storage = new Storage({ maxSeries: 3 });
    for (const a of ['1', '2', '3']) storage.append(storage.open(labels({ __name__: 'm', a })), 1, 1);
    expect(() => storage.open(labels({ __name__: 'm', a: '4' }))).toThrow(SeriesLimitError);
    expect(storage.open(labels({ __name__: 'm', a: '1' })).length).toBe(1);
  });
});
