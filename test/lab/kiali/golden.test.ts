import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningKiali, startKiali } from '../../../src/lab/kiali/server.js';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { askKiali } from '../../support/kialiAnswers.js';
import { goldenFile, pitstopSamples, pitstopStore } from '../../support/kialiCases.js';

interface Recorded {
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
}

const recorded = readFileSync(goldenFile, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

let prometheus: RunningPrometheus;
let kiali: RunningKiali;

describe('answers are those that a real Kiali 1.89 gave for the same cluster and metrics', () => {
  beforeAll(async () => {
    prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: pitstopSamples() });
    kiali = await startKiali({ store: pitstopStore(), prometheusUrl: prometheus.url });
  });
  afterAll(async () => {
    await kiali.close();
    await prometheus.close();
  });

  test.each(recorded.map((answer) => [answer.path, answer] as const))('%s', async (path, { status, body }) => {
    expect(await askKiali(kiali.url, path)).toEqual({ status, body });
  });

  test('the records are not empty', () => {
    const sizes = recorded.map(
      ({ body }) => (body as { elements?: { edges: unknown[] } }).elements?.edges.length ?? -1,
    );
    expect(Math.max(...sizes)).toBeGreaterThan(8);
    expect(sizes.filter((size) => size === -1).length).toBeGreaterThan(10);
  });
});
