import { describe, expect, onTestFinished } from 'vitest';
import type { Lab } from '../../../src/lab/lab.js';
import { compared } from '../../support/comparisons.js';
import { mergedMetricsSuite } from '../../support/mergedMetrics.js';
import { eventually } from '../../support/poll.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';
import { realEnvoy } from '../../support/realEnvoy.js';

const envoy = await realEnvoy();
/** A real Prometheus hears of its targets every five seconds. */
const DISCOVERED_MS = 30_000;

/** A real Prometheus reads the merged pages: one broken line, or a metric with two types, and it drops them whole. */
async function readByPrometheus(lab: Lab): Promise<void> {
  const prometheus = await startRealPrometheus({ config: lab.prometheusConfig() });
  onTestFinished(() => prometheus.stop());
  const apps = async (query: string): Promise<string[]> => {
    const answer = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query })}`);
    const { data } = (await answer.json()) as { data: { result: { metric: { app: string } }[] } };
    return data.result.map(({ metric }) => metric.app).sort();
  };
  await eventually(async () => {
    expect(await apps('sum by (app) (http_requests_total) >= 3')).toEqual(['annotated', 'bare', 'other-port']);
    expect(await apps('sum by (app) (istio_requests_total{reporter="destination"}) >= 3')).toEqual(
      expect.arrayContaining(['annotated', 'other-port', 'plain']),
    );
    expect(await apps('up{namespace="shop"} == 0')).toEqual([]);
  }, DISCOVERED_MS);
  compared('prometheus', 3);
}

describe.skipIf(!realPrometheus)("beside the lab's own sidecars, the agent", () =>
  mergedMetricsSuite({}, readByPrometheus),
);

describe.skipIf(!envoy || !realPrometheus)('beside real Envoys, the agent', () =>
  mergedMetricsSuite(envoy ? { envoy } : {}, async (lab) => {
    await readByPrometheus(lab);
    compared('envoy');
  }),
);
