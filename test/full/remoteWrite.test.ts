import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPrometheus, startPrometheus } from '../../src/lab/prometheus/server.js';
import { comparable, expectClose } from '../support/answers.js';
import { serveHttp } from '../support/load.js';
import { findPeer } from '../support/peers.js';
import { startRealPrometheus } from '../support/promserver.js';
import type { RealServer } from '../support/realServer.js';
import { remoteWrite } from '../support/remoteWrite.js';

const k6 = findPeer('k6');
const prometheus = findPeer('prometheus');

let ours: RunningPrometheus;
let real: RealServer;

describe.skipIf(!k6 || !prometheus)('the receiver of remote writes beside that of a real Prometheus 2.42', () => {
  beforeAll(async () => {
    real = await startRealPrometheus();
    ours = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000 });
  });
  afterAll(async () => {
    await ours?.close();
    await real?.stop();
  });

  const ask = async (base: string, query: string, time: number) => {
    const body = new URLSearchParams({ query, time: String(time) });
    return comparable(await (await fetch(`${base}/api/v1/query`, { method: 'POST', body })).json(), query);
  };

  test('what k6 writes is there in the same series with the same values', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
    const pages = await serveHttp((_, response) => response.end('page'));
    const written: Uint8Array[] = [];
    // Every write goes to both, byte for byte.
    const tee = await serveHttp(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      written.push(body);
      const headers = { 'content-encoding': 'snappy', 'content-type': String(request.headers['content-type']) };
      const answers = await Promise.all(
        [ours.url, real.url].map((url) => fetch(`${url}/api/v1/write`, { method: 'POST', headers, body })),
      );
      response.writeHead(answers.every(({ status }) => status === 204) ? 204 : 500).end();
    });
    try {
      const script = join(folder, 'script.js');
      writeFileSync(
        script,
        `import http from 'k6/http';
         import { Counter, Rate, Trend } from 'k6/metrics';
         const answers = new Counter('weighbridge_answers'), rate = new Rate('some_rate'), trend = new Trend('some_trend', true);
         export const options = { vus: 3, iterations: 60 };
         export default function () {
           const { status, timings } = http.get('${pages.url}/');
           answers.add(1, { uri: ['/a', 'POST /ü "x"'][__ITER % 2], version: 'v' + (__VU % 2), outcome: 'ok', status: String(status) });
           rate.add(__ITER % 3 === 0);
           trend.add(timings.duration, { uri: '/a' });
         }`,
      );
      const env = {
        HOME: folder,
        K6_PROMETHEUS_RW_SERVER_URL: `${tee.url}/api/v1/write`,
        K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
        K6_PROMETHEUS_RW_TREND_STATS: 'count,min,avg,med,p(99),max',
        K6_PROMETHEUS_RW_STALE_MARKERS: 'true',
      };
      const args = ['run', '--quiet', '--no-usage-report', '--tag', 'testid=both', '--address', '127.0.0.1:0'];
      await promisify(execFile)(k6 as string, [...args, '--out', 'experimental-prometheus-rw', script], { env });
    } finally {
      await Promise.all([pages.close(), tee.close()]);
      rmSync(folder, { recursive: true, force: true });
    }
    expect(written.length).toBeGreaterThan(1);
    const now = Date.now() / 1000;
    for (const query of [
      'last_over_time({testid="both"}[5m])',
      '{testid="both"}',
      'sum by (uri, version, status) (last_over_time(k6_weighbridge_answers_total{testid="both"}[5m]))',
      'k6_weighbridge_answers_total{testid="both"} offset 1s',
      'count by (__name__) (last_over_time({__name__=~"k6_.+"}[5m]))',
    ]) {
      expectClose(await ask(ours.url, query, now), await ask(real.url, query, now));
    }
    const total = (await (
      await fetch(
        `${ours.url}/api/v1/query?query=${encodeURIComponent('sum(last_over_time(k6_weighbridge_answers_total[5m]))')}`,
      )
    ).json()) as {
      data: { result: { value: [number, string] }[] };
    };
    expect(total.data.result[0]?.value[1]).toBe('60');
  });

  test('refuses and accepts alike, all of a request or nothing', async () => {
    const labels = { __name__: 'alike', instance: 'a' };
    const now = Date.now();
    const series = (at: number, value: number | bigint, more: Record<string, string> = {}) => ({
      labels: { ...labels, ...more },
      samples: [[at, value] as const],
    });
    const both = async (...sent: Parameters<typeof remoteWrite>[1]) =>
      Promise.all([ours.url, real.url].map((url) => remoteWrite(url, sent)));
    const steps: readonly (readonly [string, ReturnType<typeof series>[]])[] = [
      ['first', [series(now, 1)]],
      ['the same once more', [series(now, 1)]],
      ['another value for the same time', [series(now, 2), series(now, 1, { n: 'with' })]],
      ['older', [series(now - 1000, 1), series(now, 1, { n: 'with' })]],
      ['a stale marker', [series(now + 1000, 0x7ff0000000000002n)]],
      ['after it', [series(now + 2000, Number.POSITIVE_INFINITY)]],
    ];
    for (const [name, sent] of steps) {
      const [a, b] = await both(...sent);
      expect([name, a]).toEqual([name, b]);
    }
    for (const at of [now, now + 1500, now + 2500]) {
      for (const query of ['alike', 'count({__name__="alike"})']) {
        expectClose(await ask(ours.url, query, at / 1000), await ask(real.url, query, at / 1000));
      }
    }
    const garbage = await Promise.all(
      [ours.url, real.url].map((url) => fetch(`${url}/api/v1/write`, { method: 'POST', body: 'no snappy' })),
    );
    const [a, b] = await Promise.all(garbage.map(async (answer) => [answer.status, await answer.text()]));
    expect(a).toEqual(b);
    const asked = await Promise.all([ours.url, real.url].map((url) => fetch(`${url}/api/v1/write`)));
    expect(asked[0]?.status).toBe(asked[1]?.status);
  });
});
