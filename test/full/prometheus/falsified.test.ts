import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ScrapeTarget } from '../../../src/lab/control/types.js';
import { startPrometheus } from '../../../src/lab/prometheus/server.js';
import { BothPrometheus } from '../../support/bothPrometheus.js';
import { mirrorMistakes, watchLab } from '../../support/labWindow.js';
import { serveHttp } from '../../support/load.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';
import { KIALI_QUERIES, QUERIES } from '../../support/queries.js';
import { ASKED_MS, recordedSeries, storageOf } from '../../support/samples.js';

afterEach(() => {
  vi.doUnmock('../../../src/lab/prometheus/promql/rate.js');
  vi.resetModules();
});

/** Shows that the comparisons can fail: the lab is made wrong on purpose. */
describe('a lab that is wrong is found', () => {
  test.skipIf(!realPrometheus)('a rate without extrapolation, by the queries of Kiali and of people', async () => {
    vi.doMock('../../../src/lab/prometheus/promql/rate.js', async (original) => ({
      ...(await original<object>()),
      extrapolatedIncrease: (
        { values }: { values: number[] },
        _from: number,
        _to: number,
        _counter: boolean,
        seconds = 1,
      ) => (values.length < 2 ? undefined : ((values.at(-1) ?? 0) - (values[0] ?? 0)) / seconds),
    }));
    vi.resetModules();
    const { startPrometheus: startFaulty } = await import('../../../src/lab/prometheus/server.js');
    const storage = storageOf(recordedSeries());
    const options = { targets: () => [], scrapeIntervalMs: 60_000, storage };
    const [right, faulty, real] = await Promise.all([
      startPrometheus(options),
      startFaulty(options),
      startRealPrometheus({ storage }),
    ]);
    onTestFinished(async () => {
      await Promise.all([right.close(), faulty.close(), real.stop()]);
    });
    const differing = async (ours: string) => {
      const both = new BothPrometheus(ours, real.url);
      const found: string[] = [];
      for (const query of [...KIALI_QUERIES, ...QUERIES]) {
        const asked = { path: 'query', parameters: { query, time: String(ASKED_MS / 1000 + 7) } };
        if (await both.difference(asked)) found.push(query);
      }
      return found;
    };
    expect(await differing(right.url)).toEqual([]);
    const found = await differing(faulty.url);
    expect(found.length).toBeGreaterThan(10);
    expect(found).toEqual(expect.arrayContaining(['rate(requests_total[1m])', KIALI_QUERIES[1]]));
    expect(found.filter((query) => !/rate|increase|delta/.test(query))).toEqual([]);
  });

  test('a source proxy that counts mirror copies, by the window of the vantage points', async () => {
    const seen = await watchLab('canary', 100, async (lab) => {
      const falsified = await Promise.all(lab.targets().map(withCopiesAtSource));
      const prometheus = await startPrometheus({ targets: () => falsified, scrapeIntervalMs: 200 });
      onTestFinished(() => prometheus.close());
      return { prometheusUrl: prometheus.url };
    });
    expect(mirrorMistakes(seen)).toEqual([expect.stringMatching(/^the source's calls to v2: \d+, not 0$/)]);
  });
});

/** A pod's metrics with every call to v1 of the customer API counted a second time, as one to v2. */
async function withCopiesAtSource(target: ScrapeTarget): Promise<ScrapeTarget> {
  const served = await serveHttp(async (_request, response) => {
    const page = await (await fetch(target.url)).text();
    const isCall = (line: string) => /^istio_requests_total\{reporter="source".*customermanagementapi-v1"/.test(line);
    const copies = page
      .split('\n')
      .filter(isCall)
      .map((line) => line.replace(/="v1"/g, '="v2"').replaceAll('api-v1"', 'api-v2"'));
    response.end(`${page}${copies.map((line) => `${line}\n`).join('')}`);
  });
  onTestFinished(() => served.close());
  return { ...target, url: served.url };
}
