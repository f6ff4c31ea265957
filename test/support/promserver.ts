import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Storage } from '../../src/lab/prometheus/storage.js';
import { freePort } from './load.js';
import { findPeer } from './peers.js';
import { writeSamples } from './writeSamples.js';

/** A real Prometheus, where this machine has one. */
export const realPrometheus = findPeer('prometheus');

export interface RealPrometheus {
  readonly url: string;
  /** Ends it as a crash would; its samples stay. */
  kill(): Promise<void>;
  /** Starts it again, on the same port, over the same samples. */
  restart(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/**
 * Starts it on a free port of 127.0.0.1.
 * @param options.config its YAML; default one that scrapes nothing.
 * @param options.storage samples of the lab that it is to hold: the same times, values and stale markers.
 */
export async function startRealPrometheus(
  options: { readonly config?: string; readonly storage?: Storage } = {},
): Promise<RealPrometheus> {
  if (!realPrometheus) throw new Error('no prometheus binary on this machine');
  const folder = await mkdtemp(join(tmpdir(), 'weighbridge-prometheus-'));
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, options.config ?? 'global: {}\n');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=127.0.0.1:${port}`,
    `--web.console.templates=${folder}`,
    `--web.console.libraries=${folder}`,
    '--web.enable-remote-write-receiver',
    '--log.level=error',
  ];
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
    child = spawn(realPrometheus, args, { stdio: 'ignore' });
    for (const deadline = Date.now() + 30_000; ; ) {
      const ready = await fetch(`${url}/-/ready`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      if (Date.now() > deadline || child.exitCode !== null) {
        await stop();
        throw new Error('prometheus did not become ready');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await restart();
  if (options.storage) await writeSamples(url, options.storage.all());
  return { url, kill, restart, stop };
}
