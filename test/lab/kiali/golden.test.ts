import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningKiali, startKiali } from '../../../src/lab/kiali/server.js';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { goldenFile, graphPath, pitstopSamples, pitstopStore } from '../../support/kialiCases.js';

interface Recorded {
  readonly parameters: Record<string, string>;
  readonly status: number;
  readonly body: unknown;
}

const recorded = readFileSync(goldenFile, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

let prometheus: RunningPrometheus;
let kiali: RunningKiali;

/** destServices come in the random order of Go's maps. */
function ordered(document: unknown): unknown {
  const { elements } = document as { elements?: { nodes: { data: { destServices?: unknown[] } }[] } };
  for (const { data } of elements?.nodes ?? []) {
    data.destServices?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  return document;
}

describe('answers are those that a real Kiali 1.89 gave for the same cluster and metrics', () => {
  beforeAll(async () => {
    prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: pitstopSamples() });
    kiali = await startKiali({ store: pitstopStore(), prometheusUrl: prometheus.url });
  });
  afterAll(async () => {
    await kiali.close();
    await prometheus.close();
  });

  test.each(recorded.map((answer) => [new URLSearchParams(answer.parameters).toString(), answer] as const))(
    '%s',
    async (_, { parameters, status, body }) => {
      const response = await fetch(`${kiali.url}${graphPath(parameters)}`);
      expect({ status: response.status, body: ordered(await response.json()) }).toEqual({ status, body });
    },
  );

  test('the records are not empty', () => {
    const sizes = recorded.map(
      ({ body }) => (body as { elements?: { edges: unknown[] } }).elements?.edges.length ?? -1,
    );
    expect(Math.max(...sizes)).toBeGreaterThan(8);
    expect(sizes.filter((size) => size === -1).length).toBeGreaterThan(10);
  });
});
