import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './load.js';
import { findPeer } from './peers.js';

/** A Kiali 1.89, built from its Go module; undefined where there is none. */
export const realKiali = findPeer('kiali');

export interface RunningRealKiali {
  /** With `/kiali`. */
  readonly url: string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

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
}: RealKialiOptions): Promise<RunningRealKiali> {
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
  const url = `http://127.0.0.1:${port}/kiali`;
  let child: ChildProcess | undefined;
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child?.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  };
  const stop = async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  const restart = async () => {
    child = spawn(realKiali, ['-config', join(folder, 'kiali.yaml')], { stdio: 'ignore' });
    for (const deadline = Date.now() + 60_000; ; ) {
      const { status } = await fetch(`${url}/healthz`).catch(() => ({ status: 0 }));
      if (status === 200) return;
      if (Date.now() > deadline || child.exitCode !== null) {
        await stop();
        throw new Error('kiali did not become ready');
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await restart();
  return { url, kill, restart, stop };
}
