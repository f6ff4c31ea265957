import { describe } from 'vitest';
import { startPrometheus } from '../../src/lab/prometheus/server.js';
import { proxyObserverSuite, SUITE_INTERVAL_MS } from '../support/proxySuite.js';

describe("on the lab's Prometheus", () => {
  proxyObserverSuite(async (targets) => {
    let running = await startPrometheus({ targets, scrapeIntervalMs: SUITE_INTERVAL_MS });
    const { url, storage } = running;
    return {
      url,
      kill: () => running.close(),
      restart: async () => {
        const port = Number(new URL(url).port);
        running = await startPrometheus({ targets, scrapeIntervalMs: SUITE_INTERVAL_MS, port, storage });
      },
      close: () => running.close(),
    };
  });
});
