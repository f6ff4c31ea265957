import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ScrapeTarget } from '../../../src/lab/control/types.js';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { ManualClock } from '../../support/clock.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Page = string | ((request: IncomingMessage, response: ServerResponse) => void);

/** A metrics endpoint whose page can be changed while it is being scraped. */
async function exporter(page: Page): Promise<{ target: ScrapeTarget; serve(page: Page): void; scrapes(): number }> {
  let current = page;
  let scrapes = 0;
  const server: Server = createServer((request, response) => {
    scrapes += 1;
    if (typeof current === 'string') response.end(current);
    else current(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    target: { url: `http://127.0.0.1:${port}/stats`, labels: { job: 'pods', instance: `pod-${port}`, app: 'target' } },
    serve: (next) => {
      current = next;
    },
    scrapes: () => scrapes,
  };
}

async function prometheusOver(
  targets: () => ScrapeTarget[],
  scrapeIntervalMs = 40,
  scrapeTimeoutMs?: number,
): Promise<RunningPrometheus> {
  const prometheus = await startPrometheus({
    targets,
    scrapeIntervalMs,
    ...(scrapeTimeoutMs ? { scrapeTimeoutMs } : {}),
  });
  closing.push(() => prometheus.close());
  return prometheus;
}

interface Row {
  readonly metric: Record<string, string>;
  readonly value: [number, string];
  readonly values: [number, string][];
}

async function query(prometheus: RunningPrometheus, text: string): Promise<Row[]> {
  const response = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(text)}`);
  return ((await response.json()) as { data: { result: Row[] } }).data.result;
}

const values = async (prometheus: RunningPrometheus, text: string) =>
  (await query(prometheus, text)).map(({ value }) => value[1]);

const eventually = (check: () => Promise<unknown>) => expect.poll(check, { timeout: 10_000, interval: 20 });

describe('scraping', () => {
  test("stores the page under the target's labels, the page's own winning, with up and the scrape's own series", async () => {
    const pod = await exporter('# TYPE a counter\na{app="page",code=""} 7\nb 2.5\n');
    const prometheus = await prometheusOver(() => [pod.target]);
    await eventually(() => values(prometheus, 'a')).toEqual(['7']);
    const { job, instance } = pod.target.labels;
    expect((await query(prometheus, 'a'))[0]?.metric).toEqual({ __name__: 'a', app: 'page', job, instance });
    expect((await query(prometheus, 'b'))[0]?.metric).toEqual({ __name__: 'b', app: 'target', job, instance });
    expect(await values(prometheus, 'up{app="target"}')).toEqual(['1']);
    expect(await values(prometheus, 'scrape_samples_scraped')).toEqual(['2']);
    expect(Number((await values(prometheus, 'scrape_duration_seconds'))[0])).toBeGreaterThan(0);
    const targets = (await (await fetch(`${prometheus.url}/api/v1/targets`)).json()) as {
      data: { activeTargets: Record<string, unknown>[] };
    };
    expect(targets.data.activeTargets).toMatchObject([
      { health: 'up', lastError: '', scrapeUrl: pod.target.url, labels: pod.target.labels, scrapeInterval: '40ms' },
    ]);
    const metadata = await (await fetch(`${prometheus.url}/api/v1/metadata`)).json();
    expect(metadata).toEqual({ status: 'success', data: { a: [{ type: 'counter', help: '', unit: '' }] } });
  });

  test('instants lie one interval apart, each target in its own phase', async () => {
    const pods = [await exporter('a 1\n'), await exporter('a 1\n'), await exporter('a 1\n')];
    const clock = new ManualClock(1_760_000_000_000);
    const prometheus = await startPrometheus({
      targets: () => pods.map(({ target }) => target),
      scrapeIntervalMs: 1_000,
      clock,
    });
    closing.push(() => prometheus.close());
    for (let interval = 1; interval <= 5; interval++) {
      await clock.advance(1_000);
      await eventually(async () => pods.map((pod) => pod.scrapes())).toEqual(pods.map(() => interval));
      await eventually(async () =>
        (await query(prometheus, 'count_over_time(a[1m])')).map(({ value }) => value[1]),
      ).toEqual(pods.map(() => String(interval)));
    }
    const phases = (await query(prometheus, 'a[1m]')).map((row) =>
      row.values.map(([seconds]) => Math.round(seconds * 1000) % 1_000),
    );
    for (const each of phases) expect(new Set(each).size).toBe(1);
    expect(new Set(phases.flat()).size).toBe(3);
  });

  test('a series that leaves the page is stale at once, and kept for windows', async () => {
    const pod = await exporter('a{v="1"} 1\na{v="2"} 5\n');
    const prometheus = await prometheusOver(() => [pod.target]);
    await eventually(() => values(prometheus, 'count(a)')).toEqual(['2']);
    pod.serve('a{v="1"} 1\n');
    await eventually(() => values(prometheus, 'count(a)')).toEqual(['1']);
    expect(await values(prometheus, 'last_over_time(a{v="2"}[5m])')).toEqual(['5']);
    pod.serve('a{v="1"} 1\na{v="2"} 6\n');
    await eventually(() => values(prometheus, 'a{v="2"}')).toEqual(['6']);
  });

  test('a target that is gone ends its series, a new one is found', async () => {
    const pods = [await exporter('a{v="1"} 1\n'), await exporter('a{v="2"} 1\n')];
    let targets = [pods[0]?.target as ScrapeTarget];
    const prometheus = await prometheusOver(() => targets);
    await eventually(() => values(prometheus, 'sum by (v) (a)')).toEqual(['1']);
    targets = [pods[1]?.target as ScrapeTarget];
    await eventually(async () => (await query(prometheus, 'a')).map(({ metric }) => metric.v)).toEqual(['2']);
    expect(await values(prometheus, 'count(up)')).toEqual(['1']);
    const scrapes = pods[0]?.scrapes();
    await eventually(async () => (pods[1]?.scrapes() ?? 0) > 5).toBe(true);
    expect(pods[0]?.scrapes()).toBe(scrapes);
  });

  test.each<[string, Page, RegExp]>([
    ['a broken line', 'a 1\nb x\n', /line 2/],
    ['HTML', '<html></html>', /line 1/],
    ['an error', (_, response) => response.writeHead(500).end('a 1\n'), /HTTP status 500/],
    ['no answer', () => undefined, /deadline/],
    ['half an answer', (_, response) => response.writeHead(200, { 'content-length': '100' }).end('a 1\n'), /.+/],
    ['a hang-up', (request) => request.socket.destroy(), /.+/],
    ['no UTF-8', (_, response) => response.end(Buffer.from([0x61, 0x20, 0x31, 0x0a, 0xff, 0xfe])), /.+/],
    [
      'bytes without an end',
      (_, response) => {
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      },
      /.+/,
    ],
  ])('%s: the target is down, all its series stale, until it is well again', async (_, bad, reason) => {
    const pod = await exporter('a 1\n');
    const prometheus = await prometheusOver(() => [pod.target], 100, 1_000);
    await eventually(() => values(prometheus, 'up')).toEqual(['1']);
    pod.serve(bad);
    await eventually(() => values(prometheus, 'up')).toEqual(['0']);
    expect(await values(prometheus, 'a')).toEqual([]);
    const targets = (await (await fetch(`${prometheus.url}/api/v1/targets`)).json()) as {
      data: { activeTargets: { health: string; lastError: string }[] };
    };
    expect(targets.data.activeTargets[0]?.health).toBe('down');
    expect(targets.data.activeTargets[0]?.lastError).toMatch(reason);
    pod.serve('a 2\n');
    await eventually(() => values(prometheus, 'a')).toEqual(['2']);
  });

  test('a sample with its own time keeps it and leaves no stale marker', async () => {
    const at = Date.now() - 60_000;
    const pod = await exporter(`a 1 ${at}\n`);
    const prometheus = await prometheusOver(() => [pod.target]);
    await eventually(() => values(prometheus, 'timestamp(a)')).toEqual([String(at / 1000)]);
    pod.serve('b 1\n');
    await eventually(() => values(prometheus, 'b')).toEqual(['1']);
    expect(await values(prometheus, 'a')).toEqual(['1']);
  });

  test('close ends scrapes that never answer, and nothing is asked any more', async () => {
    const pod = await exporter(() => undefined);
    const prometheus = await startPrometheus({ targets: () => [pod.target], scrapeIntervalMs: 5_000 });
    const quick = await startPrometheus({ targets: () => [pod.target], scrapeIntervalMs: 20 });
    await eventually(async () => pod.scrapes() > 0).toBe(true);
    await prometheus.close();
    await quick.close();
    await expect(fetch(`${quick.url}/-/ready`)).rejects.toThrow();
  });
});

test('the configuration for a real Prometheus leads to the targets of the moment', async () => {
  let targets: ScrapeTarget[] = [];
  const prometheus = await prometheusOver(() => targets, 1000);
  const config = parse(prometheus.scrapeConfig()) as {
    global: Record<string, string>;
    scrape_configs: { honor_labels: boolean; http_sd_configs: { url: string }[] }[];
  };
  expect(config.global).toEqual({ scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1m' });
  const [job] = config.scrape_configs;
  expect(job?.honor_labels).toBe(true);
  const discovered = async () => (await fetch(job?.http_sd_configs[0]?.url ?? '')).json();
  expect(await discovered()).toEqual([]);
  const labels = { job: 'pods', pod: 'a', empty: '' };
  targets = [{ url: 'http://127.0.0.1:1234/stats/prometheus', labels }];
  expect(await discovered()).toEqual([
    {
      targets: ['127.0.0.1:1234'],
      labels: { job: 'pods', pod: 'a', __scheme__: 'http', __metrics_path__: '/stats/prometheus' },
    },
  ]);
});
