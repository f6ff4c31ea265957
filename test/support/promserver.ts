import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { peerPath } from './peers.js';

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface RealPrometheus {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it on a free port over the samples of an OpenMetrics text, with an optional scrape configuration. */
export async function startRealPrometheus(options: { samples?: string; config?: string }): Promise<RealPrometheus> {
  const binary = peerPath('prometheus');
  if (!binary) throw new Error('no prometheus on this machine');
  const folder = await mkdtemp(join(tmpdir(), 'weighbridge-prometheus-'));
  const data = join(folder, 'data');
  if (options.samples !== undefined) {
    await writeFile(join(folder, 'samples.txt'), options.samples);
    const promtool = join(dirname(binary), 'promtool');
    execFileSync(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'samples.txt'), data], {
      stdio: 'pipe',
    });
  }
  await writeFile(join(folder, 'prometheus.yml'), options.config ?? 'global: {}\n');
  const port = await freePort();
  const child: ChildProcess = spawn(
    binary,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      `--web.console.templates=${folder}`,
      `--web.console.libraries=${folder}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  for (const deadline = Date.now() + 30_000; ; ) {
    const ready = await fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return { url, stop };
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error('prometheus did not become ready');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
