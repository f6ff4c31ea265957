import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPrometheus, startPrometheus } from '../../src/lab/prometheus/server.js';
import { comparable, expectClose } from '../support/answers.js';
import { compared } from '../support/comparisons.js';
import { findPeer } from '../support/peers.js';
import { type RealPrometheus, startRealPrometheus } from '../support/promserver.js';
import { KIALI_QUERIES, promqlGolden, QUERIES, REFUSED, REFUSED_SOMEHOW } from '../support/queries.js';
import { ASKED_MS, openMetricsText, recordedSeries, storageOf } from '../support/samples.js';

const prometheus = findPeer('prometheus');

let ours: RunningPrometheus;
let real: RealPrometheus;

async function ask(
  base: string,
  path: string,
  parameters: Record<string, string>,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${base}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
  return { status: response.status, body: await response.json() };
}

describe.skipIf(!prometheus)('equal to a real Prometheus 2.42 over the same samples', () => {
  beforeAll(async () => {
    const series = recordedSeries();
    real = await startRealPrometheus({ samples: openMetricsText(series) });
    ours = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: storageOf(series) });
  });
  afterAll(async () => {
    await ours?.close();
    await real?.stop();
  });

  const both = async (path: string, parameters: Record<string, string>) => {
    const [a, b] = [await ask(ours.url, path, parameters), await ask(real.url, path, parameters)];
    compared('prometheus');
    return { a, b };
  };

  test.each([...KIALI_QUERIES, ...QUERIES])('%s', async (query) => {
    for (const offsetMs of [0, 1, 7_000, 290_000]) {
      const { a, b } = await both('query', { query, time: String((ASKED_MS + offsetMs) / 1000) });
      expect(a.status).toBe(b.status);
      expectClose(comparable(a.body, query), comparable(b.body, query));
    }
  });

  test.each([...KIALI_QUERIES, ...QUERIES])('as a range: %s', async (query) => {
    const range = { start: String(ASKED_MS / 1000 - 300), end: String(ASKED_MS / 1000 + 20), step: '17' };
    const { a, b } = await both('query_range', { query, ...range });
    expect(a.status).toBe(b.status);
    expectClose(comparable(a.body, query), comparable(b.body, query));
  });

  test.each(REFUSED)('refused alike: %s', async (query) => {
    const { a, b } = await both('query', { query, time: String(ASKED_MS / 1000) });
    expect(a).toEqual(b);
  });

  test.each(REFUSED_SOMEHOW)('refused too: %s', async (query) => {
    const { a, b } = await both('query', { query, time: String(ASKED_MS / 1000) });
    const kind = ({ status, body }: typeof a) => ({ status, errorType: (body as { errorType?: string }).errorType });
    expect(kind(a)).toEqual(kind(b));
  });

  test.runIf(process.env.WEIGHBRIDGE_UPDATE_GOLDEN === '1')(
    'the recorded answers of the real one are written anew',
    async () => {
      const lines: string[] = [];
      const record = async (path: string, parameters: Record<string, string>) => {
        const { status, body } = await ask(real.url, path, parameters);
        lines.push(JSON.stringify({ path, parameters, status, body: comparable(body, parameters.query ?? '') }));
      };
      for (const query of [...KIALI_QUERIES, ...QUERIES, ...REFUSED])
        await record('query', { query, time: String(ASKED_MS / 1000) });
      const range = { start: String(ASKED_MS / 1000 - 60), end: String(ASKED_MS / 1000 + 20), step: '40' };
      for (const query of QUERIES.filter((_, index) => index % 4 === 0))
        await record('query_range', { query, ...range });
      await writeFile(promqlGolden, `${lines.join('\n')}\n`);
    },
  );
});

const PAGE = `# HELP plain A counter.
# TYPE plain counter
plain{path="C:\\\\dir",quoted="a \\"b\\"",lines="x\\ny",empty="",app="page"} 12
plain 1e3
odd{le="+Inf",unicode="Grüße 日本"} +Inf
odd{le="0.5"} -0.0625
old 5 1700000000000
nothing NaN
`;

describe.skipIf(!prometheus)('equal to a real Prometheus 2.42 that scrapes the same pages', () => {
  test('by the configuration that the lab writes: the same series under the same labels', async () => {
    const pages: Record<string, string> = { '/stats/prometheus': PAGE, '/broken': 'a 1\nb x\n' };
    const exporter = createServer((request, response) => response.end(pages[request.url ?? ''] ?? ''));
    await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
    const { port } = exporter.address() as AddressInfo;
    const targets = Object.keys(pages).map((path) => ({
      url: `http://127.0.0.1:${port}${path}`,
      labels: {
        job: 'pods',
        instance: `10.0.0.1:15020`,
        namespace: 'pitstop',
        pod: path.slice(1),
        app: 'target',
        empty: 'not',
        pod_template_hash: '5f',
      },
    }));
    const lab = await startPrometheus({ targets: () => targets, scrapeIntervalMs: 200 });
    const peer = await startRealPrometheus({ config: lab.scrapeConfig() });
    try {
      const series = async (base: string) => {
        const { body } = await ask(base, 'query', {
          query: '{__name__=~".+",__name__!~"scrape_duration_seconds|scrape_series_added|old"}',
        });
        const rows = (body as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }).data
          .result;
        return rows.map(({ metric, value }) => JSON.stringify([Object.entries(metric).sort(), value[1]])).sort();
      };
      const deadline = Date.now() + 20_000;
      while (Date.now() < deadline && ((await series(lab.url)).length < 9 || (await series(peer.url)).length < 9)) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(await series(lab.url)).toEqual(await series(peer.url));
      compared('prometheus');
      expect((await series(lab.url)).length).toBeGreaterThanOrEqual(9);
    } finally {
      await peer.stop();
      await lab.close();
      exporter.closeAllConnections();
      await new Promise((resolve) => exporter.close(resolve));
    }
  });
});
