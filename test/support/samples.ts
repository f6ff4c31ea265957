import { seededRandom } from '../../src/base/random.js';
import { METRIC_NAME, makeLabels } from '../../src/lab/prometheus/labels.js';
import { Storage } from '../../src/lab/prometheus/storage.js';
import { requestLabels } from './telemetry.js';

export interface RecordedSeries {
  readonly labels: Record<string, string>;
  /** ms since the epoch and value, in order of time; `stale`: the series ended here. */
  readonly samples: readonly (readonly [timeMs: number, value: number | 'stale'])[];
}

/** The instant at which the tests ask, ms: on a scrape, so that closed and open window borders differ. */
export const ASKED_MS = 1_760_000_000_000;
const STEP_MS = 15_000;

/** Samples every 15 s from 20 min before the asked instant until it; `value` of undefined is a missed scrape. */
function recorded(
  labels: Record<string, string>,
  value: (index: number, timeMs: number) => number | 'stale' | undefined,
  phaseMs = 0,
): RecordedSeries {
  const samples: [number, number | 'stale'][] = [];
  for (let index = 0; index <= 80; index++) {
    const timeMs = ASKED_MS - (80 - index) * STEP_MS - phaseMs;
    const found = value(index, timeMs);
    if (found !== undefined) samples.push([timeMs, found]);
  }
  return { labels, samples };
}

/** A set of series with everything that makes queries differ: resets, births, deaths, gaps, NaN, histograms, Istio's labels. */
export function recordedSeries(): RecordedSeries[] {
  const random = seededRandom(7);
  const series: RecordedSeries[] = [];
  for (const [job, rate] of [
    ['a', 3],
    ['b', 7.5],
    ['c', 0.1],
  ] as const) {
    let total = 0;
    series.push(
      recorded(
        { [METRIC_NAME]: 'requests_total', job, instance: `${job}:1` },
        () => (total += Math.floor(random() * rate * 30)),
        137,
      ),
    );
  }
  let restarted = 0;
  series.push(
    recorded(
      { [METRIC_NAME]: 'requests_total', job: 'a', instance: 'a:2' },
      (index) => (restarted = index % 17 === 0 ? 3 : restarted + 40),
      4_200,
    ),
  );
  // Born late with a first value that is no zero, and one that died four minutes ago.
  series.push(
    recorded({ [METRIC_NAME]: 'requests_total', job: 'd', instance: 'd:1' }, (index) =>
      index >= 75 ? 37 + (index - 75) * 11 : undefined,
    ),
  );
  series.push(
    recorded({ [METRIC_NAME]: 'requests_total', job: 'e', instance: 'e:1' }, (index) =>
      index <= 62 ? index * 5 : undefined,
    ),
  );
  // One whose target went away and came back as another process, and one that went away for good a minute ago.
  series.push(
    recorded({ [METRIC_NAME]: 'requests_total', job: 'f', instance: 'f:1' }, (index) =>
      index < 70 ? index * 12 : index === 70 ? 'stale' : index < 74 ? undefined : (index - 74) * 9,
    ),
  );
  series.push(
    recorded({ [METRIC_NAME]: 'requests_total', job: 'g', instance: 'g:1' }, (index) =>
      index < 76 ? index * 2 : index === 76 ? 'stale' : undefined,
    ),
  );
  series.push(recorded({ [METRIC_NAME]: 'temperature', room: 'x' }, () => 18 + random() * 9, 5_000));
  series.push(
    recorded(
      { [METRIC_NAME]: 'temperature', room: 'y' },
      (index) => (index % 9 === 0 ? undefined : -4 + random()),
      5_000,
    ),
  );
  series.push(
    recorded({ [METRIC_NAME]: 'temperature', room: 'z' }, (index) => (index % 7 === 0 ? Number.NaN : 1e-7 * index)),
  );
  series.push(recorded({ [METRIC_NAME]: 'limit', room: 'x' }, () => 20));
  series.push(recorded({ [METRIC_NAME]: 'limit', room: 'y' }, () => Number.POSITIVE_INFINITY));
  series.push(recorded({ [METRIC_NAME]: 'info', room: 'x', owner: 'ann', note: 'a "quoted" \\ back\nline' }, () => 1));
  series.push(recorded({ [METRIC_NAME]: 'info', room: 'z', owner: 'bob' }, () => 1));
  series.push(recorded({ [METRIC_NAME]: 'up', job: 'a' }, () => 1, 2_345));
  series.push(recorded({ [METRIC_NAME]: 'big', kind: 'huge' }, (index) => 1e21 * (index + 1)));
  for (const version of ['v1', 'v2']) {
    const bounds = ['0.5', '1', '5', '10', '25', '50', '100', '+Inf'];
    const weights = version === 'v1' ? [0, 2, 11, 40, 20, 9, 2, 1] : [1, 1, 2, 5, 30, 60, 4, 0];
    for (const [index, le] of bounds.entries()) {
      const each = weights.slice(0, index + 1).reduce((sum, weight) => sum + weight, 0);
      series.push(recorded({ [METRIC_NAME]: 'latency_bucket', le, version }, (step) => each * step));
    }
    series.push(recorded({ [METRIC_NAME]: 'latency_sum', version }, (step) => 812.5 * step));
    series.push(recorded({ [METRIC_NAME]: 'latency_count', version }, (step) => 85 * step));
  }
  const istio = [
    { reporter: 'source', to: 'api-v1', rate: 9 },
    { reporter: 'source', to: 'api-v2', rate: 1 },
    { reporter: 'destination', to: 'api-v1', rate: 9 },
    { reporter: 'destination', to: 'api-v2', rate: 1.5 },
    { reporter: 'source', rate: 0.4, code: '503', flags: 'UH' },
  ] as const;
  for (const { rate, ...stream } of istio) {
    let total = 0;
    const labels = {
      [METRIC_NAME]: 'istio_requests_total',
      ...requestLabels({ from: 'web-v1', service: 'api', namespace: 'shop', rate, ...stream }),
    };
    series.push(recorded(labels, () => (total += Math.round(rate * 15 * (0.8 + 0.4 * random())))));
    for (const le of ['5', '25', '100', '+Inf']) {
      let bucket = 0;
      const growth = { '5': 0.2, '25': 0.7, '100': 0.95, '+Inf': 1 }[le] ?? 1;
      series.push(
        recorded(
          { ...labels, [METRIC_NAME]: 'istio_request_duration_milliseconds_bucket', le },
          () => (bucket += Math.round(rate * 15 * growth)),
        ),
      );
    }
    let bytes = 0;
    series.push(
      recorded({ ...labels, [METRIC_NAME]: 'istio_response_bytes_sum' }, () => (bytes += Math.round(rate * 15 * 700))),
    );
  }
  return series;
}

export function storageOf(series: readonly RecordedSeries[]): Storage {
  const storage = new Storage();
  for (const { labels, samples } of series) {
    const stored = storage.open(makeLabels(Object.entries(labels)));
    for (const [timeMs, value] of samples) {
      if (value === 'stale') storage.appendStale(stored, timeMs);
      else storage.append(stored, timeMs, value);
    }
  }
  return storage;
}

/**
 * More counters and gauges whose scrapes are as untidy as they get: late, missed, off their beat, reset, born late, ended by a stale
 * marker and come back.
 */
export function untidySeries(seed: number): RecordedSeries[] {
  const random = seededRandom(seed);
  const chance = (probability: number) => random() < probability;
  return Array.from({ length: 24 }, (_, shard) => {
    const isCounter = shard % 3 !== 0;
    const born = chance(0.3) ? Math.floor(random() * 75) : 0;
    const steps = [...Array(80 - born).keys()].map((index) => index + born);
    let value = chance(0.5) ? 0 : Math.floor(random() * 500);
    const samples: [number, number | 'stale'][] = [];
    for (const index of steps) {
      const timeMs = ASKED_MS - (80 - index) * STEP_MS + Math.floor(random() * (chance(0.2) ? 9_000 : 40));
      if (chance(0.04)) value = isCounter ? Math.floor(random() * 3) : value;
      else value += isCounter ? Math.floor(random() * 30) : (random() - 0.5) * 7;
      if (chance(0.06)) samples.push([timeMs, 'stale']);
      else if (!chance(0.08)) samples.push([timeMs, value]);
    }
    return {
      labels: {
        [METRIC_NAME]: isCounter ? 'random_total' : 'random_gauge',
        shard: String(shard % 4),
        kind: shard % 2 === 0 ? 'even' : 'odd',
        instance: `i:${shard}`,
      },
      samples,
    };
  });
}
