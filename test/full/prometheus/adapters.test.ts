import { beforeEach, describe, onTestFinished } from 'vitest';
import { discoveryGroups } from '../../../src/lab/prometheus/pages.js';
import { compared } from '../../support/comparisons.js';
import { labWindowSuite } from '../../support/labWindow.js';
import { serveHttp } from '../../support/load.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';
import { proxyObserverSuite, SUITE_INTERVAL_MS } from '../../support/proxySuite.js';
import { realKiali, startRealKiali } from '../../support/realKiali.js';

describe.skipIf(!realPrometheus)(
  'the source and destination vantage points on a real Prometheus',
  { timeout: 120_000 },
  () => {
    beforeEach(() => compared('prometheus'));
    proxyObserverSuite(async (targets) => {
      const discovery = await serveHttp((_request, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(discoveryGroups(targets()))),
      );
      const every = `${SUITE_INTERVAL_MS}ms`;
      const config = {
        global: { scrape_interval: every, scrape_timeout: every },
        scrape_configs: [
          { job_name: 'pods', honor_labels: true, http_sd_configs: [{ url: discovery.url, refresh_interval: '1s' }] },
        ],
      };
      const real = await startRealPrometheus({ config: JSON.stringify(config) });
      return {
        url: real.url,
        kill: real.kill,
        restart: real.restart,
        async close() {
          await real.stop();
          await discovery.close();
        },
      };
    });
  },
);

describe.skipIf(!realPrometheus)(
  'all vantage points of one window of the lab, on a real Prometheus and a real Kiali',
  { timeout: 120_000 },
  () => {
    beforeEach(() => compared('prometheus', 3));
    labWindowSuite(async (lab) => {
      const real = await startRealPrometheus({ config: lab.prometheusConfig() });
      onTestFinished(() => real.stop());
      if (!realKiali) return { prometheusUrl: real.url };
      const kiali = await startRealKiali({ kubeconfig: lab.kubeconfig, prometheusUrl: real.url });
      onTestFinished(() => kiali.stop());
      return { prometheusUrl: real.url, kialiUrl: kiali.url };
    });
  },
);
