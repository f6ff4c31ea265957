import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import type { ScrapeTarget } from '../../src/lab/control/types.js';
import { istioObserver } from '../../src/observe/istioProxies.js';
import { PrometheusClient } from '../../src/observe/prometheus.js';
import type { Observation, Observer } from '../../src/observe/types.js';
import { until } from './load.js';
import { istioLabels, PodMetrics, WATCHED } from './observe.js';

/** A Prometheus that scrapes what `targets` names, every 150 ms. */
export interface ScrapingPrometheus {
  readonly url: string;
  /** It dies; its samples stay. */
  kill(): Promise<void>;
  /** It is back at the same address, with its samples. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const SUITE_INTERVAL_MS = 150;

/** What the source and destination vantage points must do, whichever Prometheus they ask. @returns how many observations were compared. */
export function proxyObserverSuite(start: (targets: () => ScrapeTarget[]) => Promise<ScrapingPrometheus>): void {
  let pods: PodMetrics[];
  let scraped: PodMetrics[];
  let extra: ScrapeTarget[];
  let prometheus: ScrapingPrometheus;
  beforeEach(async () => {
    pods = await Promise.all(
      ['webapp-1', 'customermanagementapi-v1-1', 'customermanagementapi-v2-1'].map(PodMetrics.start),
    );
    scraped = [...pods];
    extra = [];
    prometheus = await start(() => [...scraped.map(({ target }) => target), ...extra]);
    await allScraped();
  });
  afterEach(async () => {
    await prometheus.close();
    await Promise.all(pods.map((pod) => pod.close()));
  });

  /** A Prometheus that has just started knows a target by its first scrape only. */
  async function allScraped(): Promise<void> {
    const client = new PrometheusClient({ url: prometheus.url });
    await until(async () => (await client.instant('up == 1')).length === pods.length);
  }

  const observe = (vantagePoint: 'source' | 'destination') =>
    istioObserver({
      vantagePoint,
      scenario: WATCHED,
      prometheus: new PrometheusClient({ url: prometheus.url }),
      clock: systemClock,
    });

  /** Waits as a release does: everything that happened so far has been scraped. */
  const settle = async (observer: Observer) => {
    const now = Date.now();
    await until(() => observer.settled(now));
  };
  const counted = (observation: Observation) => {
    if (observation.status !== 'ok') throw new Error(observation.reason);
    return observation;
  };

  describe('source proxy', () => {
    it('tells its proxies apart, how long each version took, and that there are connections instead of requests', async () => {
      const [webapp] = pods as [PodMetrics];
      const labels = istioLabels('source', 'v2');
      const { response_code: _code, ...tcp } = { ...labels, request_protocol: 'tcp' };
      webapp.add(labels, 100, 'istio_request_duration_milliseconds_count');
      webapp.add(labels, 2500, 'istio_request_duration_milliseconds_sum');
      const observer = observe('source');
      await settle(observer);
      await observer.open();
      webapp.add(tcp, 3, 'istio_tcp_connections_opened_total');
      await settle(observer);
      expect(counted(await observer.look())).toMatchObject({
        counts: { versions: { v2: { total: 0 } } },
        connections: { v2: 3 },
      });
      webapp.add(labels, 40);
      webapp.add(labels, 40, 'istio_request_duration_milliseconds_count');
      webapp.add(labels, 1000, 'istio_request_duration_milliseconds_sum');
      await settle(observer);
      expect(counted(await observer.look())).toMatchObject({
        proxies: [{ name: 'webapp-1', versions: { v1: 0, v2: 40 } }],
        durations: { v2: { count: 40, sumMs: 1000 } },
      });
    });

    it('counts births, restarts and vanished pods exactly, on top of an old history', async () => {
      const [webapp] = pods as [PodMetrics];
      webapp.add(istioLabels('source', 'v1'), 5000);
      const observer = observe('source');
      await observer.check();
      await settle(observer);
      await observer.open();

      webapp.add(istioLabels('source', 'v1'), 90);
      // A version and an error that Prometheus sees for the first time.
      webapp.add(istioLabels('source', 'v2'), 9);
      webapp.add(istioLabels('source', 'v2', { response_code: '503', response_flags: 'UF' }), 1);
      webapp.add(istioLabels('source', 'v1', { source_workload: 'batch' }), 4);
      await settle(observer);
      const first = counted(await observer.look());
      expect(first.counts.versions).toEqual({ v1: { total: 90, failed: 0 }, v2: { total: 10, failed: 1 } });
      expect(first.counts.foreign).toEqual({ 'batch.pitstop': 4 });
      expect(first).toMatchObject({ resets: 0, rounding: 0 });
      expect(first).not.toHaveProperty('frontDoor');

      webapp.restart();
      webapp.add(istioLabels('source', 'v1'), 30);
      await settle(observer);
      const restarted = counted(await observer.look());
      expect(restarted.counts.versions.v1?.total).toBe(120);
      expect(restarted.resets).toBe(1);

      const second = await PodMetrics.start('webapp-2');
      pods.push(second);
      scraped = [second, ...pods.slice(1, 3)];
      second.add(istioLabels('source', 'v1'), 7);
      await until(async () => counted(await observer.look()).counts.versions.v1?.total === 127);
      expect(counted(await observer.look()).counts.versions.v2?.total).toBe(10);
    });

    it('says that it saw nothing, and why, instead of counting zero', async () => {
      const observer = observe('source');
      await settle(observer);
      await observer.open();
      expect(await observer.look()).toMatchObject({
        status: 'no-data',
        vantagePoint: 'source',
        reason: expect.stringMatching(/no istio_requests_total of customermanagementapi\.pitstop .*webapp's proxy/),
      });
    });

    it('before the window is open there is nothing to count from', async () => {
      expect(await observe('source').look()).toMatchObject({
        status: 'no-data',
        reason: expect.stringMatching(/not opened/),
      });
    });

    it('is not settled before every target of the namespace was scraped again', async () => {
      (pods[0] as PodMetrics).add(istioLabels('source', 'v1'), 1);
      const observer = observe('source');
      await settle(observer);
      const future = Date.now() + 60_000;
      expect(await observer.settled(future)).toBe(false);
    });

    it('waits for a target whose scrape fails, but not for one that never worked', async () => {
      const [webapp, v1] = pods as [PodMetrics, PodMetrics];
      webapp.add(istioLabels('source', 'v1'), 1);
      const client = new PrometheusClient({ url: prometheus.url });
      const observer = observe('source');
      const dead = { ...v1.target, url: 'http://127.0.0.1:1/metrics', labels: { ...v1.target.labels, pod: 'dead' } };
      extra = [dead];
      await settle(observer);
      await v1.close();
      await until(async () => (await client.instant('up == 0')).length === 2);
      const now = Date.now();
      await until(async () => ((await client.instant('min(timestamp(up))'))[0]?.value ?? 0) * 1000 > now);
      expect(await observer.settled(now)).toBe(false);
    });

    it('becomes no-data when Prometheus is gone, and goes on where it was when it is back', async () => {
      const [webapp] = pods as [PodMetrics];
      webapp.add(istioLabels('source', 'v1'), 10);
      const observer = observe('source');
      await settle(observer);
      await observer.open();
      webapp.add(istioLabels('source', 'v1'), 5);
      await settle(observer);
      const { url } = prometheus;
      await prometheus.kill();
      expect(await observer.look()).toMatchObject({
        status: 'no-data',
        reason: expect.stringMatching(new RegExp(`${url} cannot be reached.*--prometheus-url`)),
      });
      await expect(observer.open()).rejects.toThrow(url);
      await prometheus.restart();
      await allScraped();
      webapp.add(istioLabels('source', 'v1'), 2);
      await settle(observer);
      expect(counted(await observer.look()).counts.versions.v1?.total).toBe(7);
    });
  });

  describe('destination proxy', () => {
    it('counts mirror copies, other callers and the front door of the load', async () => {
      const [webapp, v1, v2] = pods as [PodMetrics, PodMetrics, PodMetrics];
      const observer = observe('destination');
      await settle(observer);
      await observer.open();
      v1.add(istioLabels('destination', 'v1'), 50);
      v2.add(istioLabels('destination', 'v2'), 50);
      v1.add(istioLabels('destination', 'v1', { source_workload: 'unknown', source_workload_namespace: 'unknown' }), 3);
      webapp.add(
        istioLabels('destination', 'v1', {
          source_workload: 'unknown',
          source_workload_namespace: 'unknown',
          destination_workload: 'webapp',
          destination_canonical_service: 'webapp',
          destination_service_name: 'webapp',
        }),
        200,
      );
      webapp.add(istioLabels('source', 'v1'), 50);
      await settle(observer);
      const look = counted(await observer.look());
      expect(look.counts.versions).toEqual({ v1: { total: 50, failed: 0 }, v2: { total: 50, failed: 0 } });
      expect(look.counts.foreign).toEqual({ 'unknown.unknown': 3 });
      expect(look.frontDoor).toBe(200);
    });

    it('a version that gets its first request after a target went away and came back is no birth of its whole history', async () => {
      const [, v1] = pods as [PodMetrics, PodMetrics];
      v1.add(istioLabels('destination', 'v1'), 1000);
      const observer = observe('destination');
      await settle(observer);
      // Out of the scrape when the window opens: its series is stale then.
      scraped = scraped.filter((pod) => pod !== v1);
      const client = new PrometheusClient({ url: prometheus.url });
      await until(async () => (await client.instant('istio_requests_total')).length === 0);
      await observer.open();
      scraped = [...pods];
      v1.add(istioLabels('destination', 'v1'), 20);
      await until(async () => (await client.instant('istio_requests_total')).length === 1);
      await settle(observer);
      expect(counted(await observer.look()).counts.versions.v1?.total).toBe(20);
    });
  });
}
