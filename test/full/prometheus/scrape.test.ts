import { describe, expect, onTestFinished, test } from 'vitest';
import type { ScrapeTarget } from '../../../src/lab/control/types.js';
import { startPrometheus } from '../../../src/lab/prometheus/server.js';
import { askPrometheus } from '../../support/bothPrometheus.js';
import { compared } from '../../support/comparisons.js';
import { serveHttp } from '../../support/load.js';
import { eventually } from '../../support/poll.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';

const PAGE = `# HELP plain A counter.
# TYPE plain counter
plain{path="C:\\\\dir",quoted="a \\"b\\"",lines="x\\ny",empty="",app="page"} 12
plain 1e3
odd{le="+Inf",unicode="Grüße 日本"} +Inf
odd{le="0.5"} -0.0625
old 5 1700000000000
nothing NaN
`;

/** How long a real Prometheus may take to hear of a target that came or went. */
const DISCOVERED_MS = 30_000;

describe.skipIf(!realPrometheus)(
  'equal to a real Prometheus that scrapes by the configuration that the lab writes',
  () => {
    test('the same series under the same labels, as series and targets come and go', async () => {
      const pages: Record<string, string> = { '/stats/prometheus': PAGE, '/broken': 'a 1\nb x\n' };
      const exporter = await serveHttp((request, response) => {
        const page = pages[request.url ?? ''];
        response.writeHead(page === undefined ? 503 : 200).end(page);
      });
      onTestFinished(() => exporter.close());
      const target = (path: string): ScrapeTarget => ({
        url: exporter.url + path,
        labels: {
          job: 'pods',
          instance: `10.0.0.1:15020`,
          namespace: 'pitstop',
          pod: path.slice(1),
          app: 'target',
          empty: 'not',
          pod_template_hash: '5f',
        },
      });
      let targets = ['/stats/prometheus', '/broken'].map(target);
      const lab = await startPrometheus({ targets: () => targets, scrapeIntervalMs: 200 });
      onTestFinished(() => lab.close());
      const real = await startRealPrometheus({ config: lab.scrapeConfig() });
      onTestFinished(() => real.stop());

      const series = async (base: string): Promise<string[]> => {
        const query = '{__name__=~".+",__name__!~"scrape_duration_seconds|scrape_series_added|old"}';
        const { body } = await askPrometheus(base, { path: 'query', parameters: { query } });
        const { result } = (body as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } })
          .data;
        return result.map(({ metric, value }) => JSON.stringify([Object.entries(metric).sort(), value[1]])).sort();
      };
      const alike = async (check: (rows: readonly string[]) => boolean) => {
        await eventually(async () => {
          const [ours, theirs] = [await series(lab.url), await series(real.url)];
          expect(ours).toEqual(theirs);
          expect(ours).toSatisfy(check);
          compared('prometheus', ours.length);
        }, DISCOVERED_MS);
      };
      const has = (rows: readonly string[], ...parts: string[]) =>
        rows.some((row) => parts.every((part) => row.includes(part)));

      await alike((rows) => rows.length >= 9 && has(rows, '"up"', '"broken"', '"0"'));
      // A process that restarted: some of its series are not there yet, others begin anew.
      pages['/stats/prometheus'] = 'plain 3\n';
      await alike((rows) => has(rows, '"plain"', '"3"') && !has(rows, '"odd"') && !has(rows, '1000'));
      // A scrape that fails ends the series of the target, but `up` stays.
      delete pages['/stats/prometheus'];
      await alike((rows) => !has(rows, '"plain"') && has(rows, '"up"', 'stats/prometheus', '"0"'));
      // A target that is gone, and a new one.
      pages['/late'] = 'late_total 7\n';
      targets = ['/broken', '/late'].map(target);
      await alike((rows) => has(rows, '"late_total"', '"7"') && !has(rows, 'stats/prometheus'));
    });
  },
);
