import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { type Asked, askPrometheus, BothPrometheus } from '../../support/bothPrometheus.js';
import { instant, nearlyPromql, promql } from '../../support/promqlArbitrary.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';
import type { RealServer } from '../../support/realServer.js';
import { recordedSeries, storageOf, untidySeries } from '../../support/samples.js';

const SEED = 20_261;
let ours: RunningPrometheus;
let real: RealServer;
let both: BothPrometheus;

const at = (timeMs: number) => String(timeMs / 1000);
const asInstant = (query: string, timeMs: number): Asked => ({
  path: 'query',
  parameters: { query, time: at(timeMs) },
});

describe.skipIf(!realPrometheus)('generated queries, equal on a real Prometheus over the same samples', () => {
  beforeAll(async () => {
    const storage = storageOf([...recordedSeries(), ...untidySeries(SEED)]);
    ours = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage });
    real = await startRealPrometheus({ storage });
    both = new BothPrometheus(ours.url, real.url);
  });
  afterAll(async () => {
    await ours.close();
    await real.stop();
  });

  const holds = async (asked: Asked): Promise<void> => {
    const found = await both.difference(asked);
    if (found) throw new Error(found);
  };

  test('600 at one instant', async () => {
    const property = fc.asyncProperty(promql, instant, (query, timeMs) => holds(asInstant(query, timeMs)));
    await fc.assert(property, { seed: SEED, numRuns: 600 });
  });

  test('150 over a range', async () => {
    const step = fc.constantFrom('7', '15', '30', '61.5');
    const property = fc.asyncProperty(promql, instant, step, (query, timeMs, each) =>
      holds({ path: 'query_range', parameters: { query, start: at(timeMs - 240_000), end: at(timeMs), step: each } }),
    );
    await fc.assert(property, { seed: SEED, numRuns: 150 });
  });

  test('400 that are nearly queries: read or refused alike', async () => {
    const property = fc.asyncProperty(nearlyPromql, instant, (query, timeMs) => holds(asInstant(query, timeMs)));
    await fc.assert(property, { seed: SEED, numRuns: 400 });
  });

  test('most of them find series, so that there is something to compare', async () => {
    const queries = fc.sample(fc.tuple(promql, instant), { seed: SEED, numRuns: 200 });
    const found = await Promise.all(
      queries.map(async ([query, timeMs]) => {
        const { body } = await askPrometheus(real.url, asInstant(query, timeMs));
        return (body as { data?: { result: unknown[] } }).data?.result.length ?? 0;
      }),
    );
    expect(found.filter((count) => count > 0).length).toBeGreaterThan(80);
  });
});
