import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../../src/lab/api/server.js';
import { type RunningKiali, startKiali } from '../../src/lab/kiali/server.js';
import { type RunningPrometheus, startPrometheus } from '../../src/lab/prometheus/server.js';
import { compared } from '../support/comparisons.js';
import {
  GOLDEN_REQUESTS,
  GRAPH_REQUESTS,
  goldenFile,
  graphPath,
  pitstopSamples,
  pitstopStore,
} from '../support/kialiCases.js';
import { findPeer } from '../support/peers.js';
import { freePort } from '../support/promserver.js';

const binary = findPeer('kiali');

let folder: string;
let api: ApiServer;
let prometheus: RunningPrometheus;
let ours: RunningKiali;
let real: ChildProcess | undefined;
let realUrl: string;

/** Lists whose order is that of Go's maps or of parallel questions: another one at every call. */
function ordered(document: unknown): unknown {
  if (Array.isArray(document)) document.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const { elements } = document as { elements?: { nodes: { data: { destServices?: unknown[] } }[] } };
  for (const { data } of elements?.nodes ?? [])
    data.destServices?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return document;
}

async function ask(base: string, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${base}${path}`);
  const text = await response.text();
  try {
    return { status: response.status, body: ordered(JSON.parse(text)) };
  } catch {
    return { status: response.status, body: text };
  }
}

describe.skipIf(!binary)('equal to a real Kiali 1.89 on the same cluster and the same metrics', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weighbridge-kiali-'));
    const store = pitstopStore();
    api = await startApiServer({ store, resolvePodPort: () => undefined });
    prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: pitstopSamples() });
    ours = await startKiali({ store, prometheusUrl: prometheus.url });
    const port = await freePort();
    await writeFile(join(folder, 'kubeconfig'), api.kubeconfig());
    // Kiali insists on a folder of web pages; the Go module has none.
    await writeFile(join(folder, 'index.html'), '<html><head></head></html>');
    await writeFile(
      join(folder, 'kiali.yaml'),
      JSON.stringify({
        auth: { strategy: 'anonymous' },
        deployment: { remote_secret_path: join(folder, 'kubeconfig') },
        login_token: { signing_key: '0123456789abcdef' },
        server: {
          address: '127.0.0.1',
          port,
          web_root: '/kiali',
          static_content_root_directory: folder,
          observability: { metrics: { enabled: false } },
        },
        external_services: { prometheus: { url: prometheus.url }, grafana: { enabled: false } },
      }),
    );
    real = spawn(binary ?? '', ['-config', join(folder, 'kiali.yaml')], { stdio: 'ignore' });
    realUrl = `http://127.0.0.1:${port}/kiali`;
    for (const deadline = Date.now() + 60_000; ; ) {
      const { status } = await fetch(`${realUrl}/healthz`).catch(() => ({ status: 0 }));
      if (status === 200) break;
      if (Date.now() > deadline || real.exitCode !== null) throw new Error('kiali did not become ready');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  afterAll(async () => {
    if (real) {
      const exited = new Promise((resolve) => real?.once('exit', resolve));
      real.kill('SIGKILL');
      await exited;
    }
    await ours?.close();
    await prometheus?.close();
    await api?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(GRAPH_REQUESTS.map((parameters) => [new URLSearchParams(parameters).toString(), parameters] as const))(
    'graph %s',
    async (_, parameters) => {
      const path = graphPath(parameters);
      expect(await ask(ours.url, path)).toEqual(await ask(realUrl, path));
      compared('kiali');
    },
  );

  test.runIf(process.env.WEIGHBRIDGE_UPDATE_GOLDEN === '1')(
    'the recorded answers of the real one are written anew',
    async () => {
      const recorded = [];
      for (const parameters of GOLDEN_REQUESTS)
        recorded.push({ parameters, ...(await ask(realUrl, graphPath(parameters))) });
      await writeFile(goldenFile, `${recorded.map((answer) => JSON.stringify(answer)).join('\n')}\n`);
    },
  );

  test.each([
    '/healthz',
    '/api/namespaces',
    '/api',
    '/api/status',
    '/api/istio/status',
    '/api/namespaces/pitstop/info',
    '/api/namespaces/nowhere/info',
    '/api/namespaces/nowhere/istio',
    '/api/auth/info',
    '/api/nothing',
    '/nothing',
    '/api/authenticate',
    '/api/logout',
  ])('page %s', async (path) => {
    expect(await ask(ours.url, path)).toEqual(await ask(realUrl, path));
    compared('kiali');
  });
});
