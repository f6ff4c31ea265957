import type { RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { agentListener, proxyMetricsListener } from '../../../src/lab/control/agent.js';
import { serveHttp } from '../../support/load.js';

const PROXY = 'istio_requests_total{reporter="source"} 3\n';
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

async function serve(listener: RequestListener): Promise<string> {
  const server = await serveHttp(listener);
  onTestFinished(() => server.close());
  return server.url;
}

/** An agent beside a proxy that is up, and an application that answers so. */
async function agent(application?: RequestListener): Promise<string> {
  const app = application && (await serve(application));
  return serve(
    agentListener({ proxyMetrics: () => PROXY, ready: () => true, application: () => app && `${app}/metrics` }),
  );
}

const ask = async (url: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(url, { headers });
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() };
};

describe("the page of a proxy's agent", () => {
  it.each([
    ['has the application behind the proxy', 200, TEXT, 'app_total 1\n', TEXT, `${PROXY}app_total 1\n`],
    [
      'takes the type of an OpenMetrics page, whose last line ends it',
      200,
      OPEN,
      'a 1\n# EOF\n',
      OPEN,
      `${PROXY}a 1\n# EOF\n`,
    ],
    ['takes any other type for text', 200, 'text/html', '<p>', TEXT, `${PROXY}<p>`],
    ['leaves out an application that fails', 500, TEXT, 'app_total 1\n', TEXT, PROXY],
  ])('%s', async (_what, status, type, body, expectedType, expected) => {
    const url = await agent((request, response) => {
      expect([request.url, request.headers.accept]).toEqual(['/metrics', TEXT]);
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    expect(await ask(`${url}/stats/prometheus`)).toEqual({ status: 200, type: expectedType, body: expected });
  });

  it('is the proxy alone where there is no application, or one that breaks off or takes longer than the scraper waits', async () => {
    const plain = { status: 200, type: TEXT, body: PROXY };
    expect(await ask(`${await agent()}/stats/prometheus`)).toEqual(plain);
    const breaks = await agent((_request, response) => void response.socket?.destroy());
    expect(await ask(`${breaks}/stats/prometheus`)).toEqual(plain);
    const hangs = await agent(() => undefined);
    expect(await ask(`${hangs}/stats/prometheus`, { 'x-prometheus-scrape-timeout-seconds': '0.05' })).toEqual(plain);
  });

  it('is none while the proxy is not up', async () => {
    const down = {
      proxyMetrics: () => Promise.reject(new Error('the proxy is not up')),
      ready: () => false,
      application: () => undefined,
    };
    const url = await serve(agentListener(down));
    expect(await ask(`${url}/stats/prometheus`)).toMatchObject({ status: 503, body: 'the proxy is not up\n' });
    expect(await ask(`${url}/healthz/ready`)).toMatchObject({ status: 503 });
  });

  it('has its health beside it, and nothing else', async () => {
    const url = await agent();
    expect(await ask(`${url}/healthz/ready`)).toMatchObject({ status: 200, body: '' });
    expect(await ask(`${url}/debug`)).toMatchObject({ status: 404 });
  });

  it("of the proxy's own port never has the application", async () => {
    const url = await serve(proxyMetricsListener({ proxyMetrics: () => PROXY, ready: () => true }));
    expect(await ask(`${url}/stats/prometheus`)).toEqual({ status: 200, type: TEXT, body: PROXY });
  });
});
