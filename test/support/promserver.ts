import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Storage } from '../../src/lab/prometheus/storage.js';
import { freePort } from './load.js';
import { findPeer } from './peers.js';
import { answers, type RealServer, startRealServer } from './realServer.js';
import { writeSamples } from './writeSamples.js';

/** A real Prometheus, where this machine has one. */
export const realPrometheus = findPeer('prometheus');

/**
 * Starts it on a free port of 127.0.0.1.
 * @param options.config its YAML; default one that scrapes nothing.
 * @param options.storage samples of the lab that it is to hold: the same times, values and stale markers.
 */
export async function startRealPrometheus(
  options: { readonly config?: string; readonly storage?: Storage } = {},
): Promise<RealServer> {
  if (!realPrometheus) throw new Error('no prometheus binary on this machine');
  const folder = await mkdtemp(join(tmpdir(), 'weighbridge-prometheus-'));
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, options.config ?? 'global: {}\n');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startRealServer({
    name: 'prometheus',
    program: realPrometheus,
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      `--web.console.templates=${folder}`,
      `--web.console.libraries=${folder}`,
      '--web.enable-remote-write-receiver',
      '--log.level=error',
    ],
    url,
    ready: () => answers(`${url}/-/ready`),
    patienceMs: 30_000,
    after: () => rm(folder, { recursive: true, force: true }),
  });
  if (options.storage) await writeSamples(url, options.storage.all());
  return server;
}
