import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPrometheus, startPrometheus } from '../../src/lab/prometheus/server.js';
import { type RealPrometheus, realPrometheus, startRealPrometheus } from '../support/promserver.js';
import { KIALI_QUERIES, QUERIES, REFUSED, REFUSED_SOMEHOW } from '../support/queries.js';
import { ASKED_MS, openMetricsText, recordedSeries, storageOf } from '../support/samples.js';

const required = process.env.WEIGHBRIDGE_PEERS_REQUIRED === '1';
if (!realPrometheus && !required) {
  process.stderr.write('prometheus.test: skipped, no prometheus binary here (Debian package prometheus)\n');
}

let ours: RunningPrometheus;
let real: RealPrometheus;

/** Sorted where order is nobody's promise; numbers as numbers, since the last digit may differ by the order of a sum. */
function comparable(answer: unknown, ordered: boolean): unknown {
  const { data, ...rest } = answer as { data?: { resultType: string; result: unknown[] } };
  if (!data || data.resultType === 'scalar' || data.resultType === 'string') return { ...rest, data };
  const rows = data.result.map((row) => JSON.stringify(row, Object.keys(flatKeys(row)).sort()));
  const order = ordered ? rows : [...rows].sort();
  return { ...rest, type: data.resultType, rows: order.map((row) => JSON.parse(row)) };
}

function flatKeys(value: unknown, keys: Record<string, true> = {}): Record<string, true> {
  if (Array.isArray(value)) for (const each of value) flatKeys(each, keys);
  else if (value && typeof value === 'object') {
    for (const [key, each] of Object.entries(value)) {
      keys[key] = true;
      flatKeys(each, keys);
    }
  }
  return keys;
}

async function ask(
  base: string,
  path: string,
  parameters: Record<string, string>,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${base}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
  return { status: response.status, body: await response.json() };
}

describe.skipIf(!realPrometheus && !required)('equal to a real Prometheus 2.42 over the same samples', () => {
  beforeAll(async () => {
    const series = recordedSeries();
    real = await startRealPrometheus({ samples: openMetricsText(series) });
    ours = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: storageOf(series) });
  });
  afterAll(async () => {
    await ours?.close();
    await real?.stop();
  });

  const both = async (path: string, parameters: Record<string, string>) => {
    const [a, b] = [await ask(ours.url, path, parameters), await ask(real.url, path, parameters)];
    return { a, b };
  };

  test.each([...KIALI_QUERIES, ...QUERIES])('%s', async (query) => {
    const ordered = /^(sort|topk|bottomk)/.test(query) && !query.includes(' by ');
    for (const offsetMs of [0, 1, 7_000, 290_000]) {
      const { a, b } = await both('query', { query, time: String((ASKED_MS + offsetMs) / 1000) });
      expect(a.status).toBe(b.status);
      expectClose(comparable(a.body, ordered), comparable(b.body, ordered));
    }
  });

  test.each([...KIALI_QUERIES, ...QUERIES])('as a range: %s', async (query) => {
    const range = { start: String(ASKED_MS / 1000 - 300), end: String(ASKED_MS / 1000 + 20), step: '17' };
    const { a, b } = await both('query_range', { query, ...range });
    expect(a.status).toBe(b.status);
    expectClose(comparable(a.body, false), comparable(b.body, false));
  });

  test.each(REFUSED)('refused alike: %s', async (query) => {
    const { a, b } = await both('query', { query, time: String(ASKED_MS / 1000) });
    expect(a).toEqual(b);
  });

  test.each(REFUSED_SOMEHOW)('refused too: %s', async (query) => {
    const { a, b } = await both('query', { query, time: String(ASKED_MS / 1000) });
    const kind = ({ status, body }: typeof a) => ({ status, errorType: (body as { errorType?: string }).errorType });
    expect(kind(a)).toEqual(kind(b));
  });
});

/** Equal but for the last bits of numbers. */
function expectClose(a: unknown, b: unknown): void {
  const close = (x: unknown, y: unknown): boolean => {
    if (typeof x === 'string' && typeof y === 'string') {
      if (x === y) return true;
      const [m, n] = [Number(x), Number(y)];
      return Math.abs(m - n) <= 1e-12 * Math.max(Math.abs(m), Math.abs(n));
    }
    if (Array.isArray(x) && Array.isArray(y))
      return x.length === y.length && x.every((each, index) => close(each, y[index]));
    if (x && y && typeof x === 'object' && typeof y === 'object') {
      const [left, right] = [Object.entries(x), Object.entries(y)];
      return (
        left.length === right.length && left.every(([key, value]) => close(value, (y as Record<string, unknown>)[key]))
      );
    }
    return Object.is(x, y);
  };
  if (!close(a, b)) expect(a).toEqual(b);
}
