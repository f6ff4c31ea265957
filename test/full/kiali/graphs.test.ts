import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../../../src/lab/api/server.js';
import { type RunningKiali, startKiali } from '../../../src/lab/kiali/server.js';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { compared } from '../../support/comparisons.js';
import { askKiali } from '../../support/kialiAnswers.js';
import {
  GOLDEN_PATHS,
  GRAPH_REQUESTS,
  goldenFile,
  graphPath,
  HEALTH_PATHS,
  pitstopSamples,
  pitstopStore,
} from '../../support/kialiCases.js';
import { realKiali, startRealKiali } from '../../support/realKiali.js';
import type { RealServer } from '../../support/realServer.js';

let api: ApiServer;
let prometheus: RunningPrometheus;
let ours: RunningKiali;
let real: RealServer;

/** The same question to both. */
async function expectAlike(path: string): Promise<void> {
  expect(await askKiali(ours.url, path)).toEqual(await askKiali(real.url, path));
  compared('kiali');
}

describe.skipIf(!realKiali)('equal to a real Kiali on the same cluster and the same metrics', () => {
  beforeAll(async () => {
    const store = pitstopStore();
    api = await startApiServer({ store, resolvePodPort: () => undefined });
    prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: pitstopSamples() });
    ours = await startKiali({ store, prometheusUrl: prometheus.url });
    real = await startRealKiali({ kubeconfig: api.kubeconfig(), prometheusUrl: prometheus.url });
  });
  afterAll(async () => {
    await real?.stop();
    await ours?.close();
    await prometheus?.close();
    await api?.close();
  });

  test.each(GRAPH_REQUESTS.map((parameters) => [new URLSearchParams(parameters).toString(), parameters] as const))(
    'graph %s',
    async (_, parameters) => expectAlike(graphPath(parameters)),
  );

  test.runIf(process.env.WEIGHBRIDGE_UPDATE_GOLDEN === '1')(
    'the recorded answers of the real one are written anew',
    async () => {
      const recorded: string[] = [];
      for (const path of GOLDEN_PATHS) recorded.push(JSON.stringify({ path, ...(await askKiali(real.url, path)) }));
      await writeFile(goldenFile, `${recorded.join('\n')}\n`);
    },
  );

  test.each([
    '/healthz',
    '/api/namespaces',
    '/api',
    '/api/status',
    '/api/istio/status',
    '/api/namespaces/pitstop/info',
    '/api/namespaces/nowhere/info',
    '/api/namespaces/nowhere/istio',
    '/api/auth/info',
    ...HEALTH_PATHS,
    '/api/nothing',
    '/nothing',
    '/api/authenticate',
    '/api/logout',
  ])('page %s', expectAlike);
});
