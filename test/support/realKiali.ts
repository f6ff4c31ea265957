import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './load.js';
import { findPeer } from './peers.js';
import { answers, type RealServer, startRealServer } from './realServer.js';

/** A Kiali 1.89, built from its Go module; undefined where there is none. */
export const realKiali = findPeer('kiali');

export interface RealKialiOptions {
  /** Text of a kubeconfig with a static token. */
  readonly kubeconfig: string;
  readonly prometheusUrl: string;
  /** Default anonymous. */
  readonly strategy?: 'anonymous' | 'token';
}

/** Starts it on a free port of 127.0.0.1, over the Kubernetes API of the kubeconfig. */
export async function startRealKiali({
  kubeconfig,
  prometheusUrl,
  strategy = 'anonymous',
}: RealKialiOptions): Promise<RealServer> {
  if (!realKiali) throw new Error('no kiali binary on this machine');
  const folder = await mkdtemp(join(tmpdir(), 'weighbridge-kiali-'));
  const port = await freePort();
  await writeFile(join(folder, 'kubeconfig'), kubeconfig);
  // Kiali insists on a folder of web pages; the Go module has none.
  await writeFile(join(folder, 'index.html'), '<html><head></head></html>');
  await writeFile(
    join(folder, 'kiali.yaml'),
    JSON.stringify({
      auth: { strategy },
      deployment: { remote_secret_path: join(folder, 'kubeconfig') },
      login_token: { signing_key: '0123456789abcdef' },
      server: {
        address: '127.0.0.1',
        port,
        web_root: '/kiali',
        static_content_root_directory: folder,
        observability: { metrics: { enabled: false } },
      },
      external_services: { prometheus: { url: prometheusUrl }, grafana: { enabled: false } },
    }),
  );
  // With `/kiali`.
  const url = `http://127.0.0.1:${port}/kiali`;
  return startRealServer({
    name: 'kiali',
    program: realKiali,
    args: ['-config', join(folder, 'kiali.yaml')],
    url,
    ready: () => answers(`${url}/healthz`),
    patienceMs: 60_000,
    after: () => rm(folder, { recursive: true, force: true }),
  });
}
