import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { browserWanted, launch, openFile, unfold } from '../../support/browser.js';
import { clusterOptions, SCENARIO, smallLoad, start, startedLab } from '../../support/cli.js';
import { compared } from '../../support/comparisons.js';
import { askKiali } from '../../support/kialiAnswers.js';
import { type Served, serveHttp } from '../../support/load.js';
import { realKiali, startRealKiali } from '../../support/realKiali.js';

interface Edge {
  readonly from: string;
  readonly to: string;
  /** Requests per second. */
  readonly rate: number;
  /** Of the source's requests. */
  readonly percent: number;
}

interface GraphBody {
  readonly elements: {
    readonly nodes: readonly {
      readonly data: Record<'id' | 'nodeType', string> & Partial<Record<'app' | 'service' | 'version', string>>;
    }[];
    readonly edges: readonly {
      readonly data: {
        readonly source: string;
        readonly target: string;
        readonly traffic: { readonly protocol: string; readonly rates?: Record<string, string> };
      };
    }[];
  };
}

/** HTTP edges, by the words with which the report names nodes. */
function edgesOf({ elements }: GraphBody): Edge[] {
  const names = new Map(
    elements.nodes.map(({ data: { id, nodeType, app = '', service = '', version } }) => [
      id,
      nodeType === 'service' ? `${service} (service)` : app && version ? `${app} ${version}` : app || 'unknown',
    ]),
  );
  const edges = elements.edges.flatMap(({ data: { source, target, traffic } }) => {
    const { http, httpPercentReq: percent = '0.0' } = traffic.rates ?? {};
    if (http === undefined) return [];
    return [
      {
        from: names.get(source) ?? source,
        to: names.get(target) ?? target,
        rate: Number(http),
        percent: Number(percent),
      },
    ];
  });
  return edges.sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
}

/**
 * Stands before the lab's Kiali and asks the real one every graph too, as soon as the window that is asked about is over: until then a
 * scrape could come in between.
 */
async function besideReal(lab: string, real: string): Promise<Served & { readonly last: () => unknown }> {
  let last: unknown;
  const served = await serveHttp(async (request, response) => {
    const { pathname, search, searchParams } = new URL(request.url ?? '/', lab);
    const path = pathname.replace(/^\/kiali/, '') + search;
    if (pathname.endsWith('/graph')) {
      const over = Number(searchParams.get('queryTime')) * 1000 + 300;
      await new Promise((resolve) => setTimeout(resolve, over - Date.now()));
      last = (await askKiali(real, path)).body;
    }
    const { status, body } = await askKiali(lab, path);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return { ...served, url: `${served.url}/kiali`, last: () => last };
}

/** The rows of the report's own table of the graph. */
async function reportedEdges(figure: Locator): Promise<Edge[]> {
  const rows = await figure
    .locator('tbody tr')
    .evaluateAll((all) =>
      (all as never as { cells: Iterable<{ textContent: string }> }[]).map(({ cells }) =>
        [...cells].map(({ textContent }) => textContent),
      ),
    );
  const edges = rows.map(([from = '', to = '', rate = '', share = '']) => ({
    from,
    to,
    rate: Number(rate.replace(',', '')),
    percent: Number(share.replace(' %', '')),
  }));
  // Connections of databases carry bytes and no requests.
  return edges.filter(({ rate }) => rate > 0).sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The real Kiali's numbers and the report's drawing in one picture. */
async function picture(browser: Browser, edges: readonly Edge[], drawing: Buffer, file: string): Promise<void> {
  // A page of its own: the report's forbids styles and pictures from elsewhere.
  const page = await browser.newPage({ viewport: { width: 1480, height: 600 }, deviceScaleFactor: 2 });
  const rows = edges.map(
    ({ from, to, rate, percent }) =>
      `<tr><td>${escaped(from)}<td>${escaped(to)}<td class=n>${rate.toFixed(2)}<td class=n><b>${percent.toFixed(1)}</b>`,
  );
  await page.setContent(`<!doctype html><style>
    body { margin: 0; padding: 24px; display: flex; gap: 32px; align-items: flex-start; font: 13px/1.5 sans-serif; color: #1f1f1f; width: max-content }
    h2 { font-size: 15px; margin: 0 0 10px } table { border-collapse: collapse } td, th { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid #ddd }
    .n { text-align: right; font-family: monospace } img { width: 760px }
  </style><div><h2>Kiali 1.89: /kiali/api/namespaces/graph</h2><table><tr><th>source<th>target<th>http<th>httpPercentReq${rows.join('')}</table></div>
  <div><h2>weighbridge: the report of the same window</h2><img src="data:image/png;base64,${drawing.toString('base64')}"></div>`);
  await page.locator('body').screenshot({ path: file });
}

test.skipIf(!realKiali || !browserWanted())(
  "the report's graph has the real Kiali's percentages for the same window",
  async () => {
    const space = smallLoad();
    const lab = await startedLab(space, ['--before-stage', 'even']);
    const kubeconfig = readFileSync(lab.kubeconfig, 'utf8');
    const real = await startRealKiali({ kubeconfig, prometheusUrl: lab.prometheusUrl });
    onTestFinished(() => real.stop());
    const kiali = await besideReal(lab.kialiUrl, real.url);
    onTestFinished(() => kiali.close());
    const options = clusterOptions({ ...lab, kialiUrl: kiali.url });
    const { code, stderr } = await start(['run', SCENARIO, '--stage', 'canary', '--seed', '9', ...options], space.dir)
      .finished;
    // 2 only when others have the cores meanwhile.
    expect([0, 2], stderr).toContain(code);

    const browser = await launch();
    onTestFinished(() => browser.close());
    const file = join(space.dir, 'reports/latest/index.html');
    const { page } = await openFile(browser, file, { viewport: { width: 1280, height: 900 }, deviceScaleFactor: 2 });
    await unfold(page);
    const figure = page.locator('figure[aria-labelledby$="-graph-title"]');
    const edges = edgesOf(kiali.last() as GraphBody);
    expect(await reportedEdges(figure)).toEqual(edges);
    compared('kiali', edges.length);
    const ofService = edges.filter(({ from }) => from === 'customermanagementapi (service)');
    expect(ofService).toHaveLength(2);
    const labels = await figure.locator('.lying svg text').allTextContents();
    for (const { percent } of ofService) expect(labels).toContain(`${percent}%`);

    const into = process.env.WEIGHBRIDGE_UPDATE_GOLDEN === '1' ? 'docs/kiali.png' : join(space.dir, 'kiali.png');
    await picture(browser, edges, await figure.locator('.lying').screenshot(), into);
  },
);
