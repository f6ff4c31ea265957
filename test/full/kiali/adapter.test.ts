import { beforeEach, describe } from 'vitest';
import { startApiServer } from '../../../src/lab/api/server.js';
import { startPrometheus } from '../../../src/lab/prometheus/server.js';
import { compared } from '../../support/comparisons.js';
import { kialiObserverSuite } from '../../support/kialiSuite.js';
import { realKiali, startRealKiali } from '../../support/realKiali.js';

describe.skipIf(!realKiali)("the graph vantage point on a real Kiali over the lab's APIs", () => {
  beforeEach(() => compared('kiali'));
  kialiObserverSuite(async ({ store, storage, token }) => {
    const api = await startApiServer({ store, resolvePodPort: () => undefined, ...(token ? { token } : {}) });
    const prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage });
    const kiali = await startRealKiali({
      kubeconfig: api.kubeconfig(),
      prometheusUrl: prometheus.url,
      strategy: token ? 'token' : 'anonymous',
    });
    return {
      url: kiali.url,
      async restart() {
        await kiali.kill();
        await kiali.restart();
      },
      async close() {
        await kiali.stop();
        await prometheus.close();
        await api.close();
      },
    };
  });
});
