import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.js';
import { namespaceOf } from '../../base/kubernetes.js';
import { ContainerProblem, type PodLogs, type ProgramEnvironment, type RunningProgram } from '../control/programs.js';
import type { Store } from '../control/store.js';
import { clusterHosts, reachableHere } from './addresses.js';
import { layOut } from './files.js';
import { K6_PORT } from './objects.js';

export interface K6Options {
  readonly store: Store;
  readonly clock: Clock;
  readonly logs: PodLogs;
  /** Path of the binary that stands for every k6 image; undefined: none can be pulled. */
  readonly k6: string | undefined;
  readonly prometheusUrl: () => string;
}

/** From the request to end to the kill; ms. */
const GRACE_MS = 5000;
const PROBE_MS = 50;

/**
 * Runs a container of a k6 image as a process of this machine: its mounts are folders, its port 6565 is a free one, and the names of the
 * cluster lead to where the lab serves them.
 * @throws ContainerProblem when the image cannot be had or a mount is missing
 */
export async function startK6(options: K6Options, environment: ProgramEnvironment): Promise<RunningProgram> {
  const { store, clock, logs, prometheusUrl } = options;
  const { pod, container, route } = environment;
  const k6 = pullImage(container.image ?? '', options.k6);
  const namespace = namespaceOf(pod);
  const folder = mkdtempSync(join(tmpdir(), 'weighbridge-k6-'));
  const discard = () => rmSync(folder, { recursive: true, force: true });
  try {
    const { env, here } = layOut(store, pod, container, folder);
    const [, ...command] = ((container.command ?? []) as readonly string[]).map(here);
    const config = join(folder, 'k6.json');
    writeFileSync(config, JSON.stringify({ hosts: await clusterHosts(store, namespace, route) }));
    const writeUrl = env.K6_PROMETHEUS_RW_SERVER_URL;
    const dialled =
      writeUrl === undefined
        ? {}
        : {
            K6_PROMETHEUS_RW_SERVER_URL: await reachableHere(writeUrl, {
              store,
              namespace,
              route,
              prometheusUrl: prometheusUrl(),
            }),
          };
    const serves = command.some((word) => word.startsWith('--address='));
    const port = serves ? await freePort() : undefined;
    const args = command.map((word) => (word.startsWith('--address=') ? `--address=127.0.0.1:${port}` : word));
    const child = spawn(k6, ['--config', config, ...args], {
      cwd: folder,
      env: { HOME: folder, ...env, ...dialled },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const tell = (chunk: Buffer) => logs.append(pod, container.name, chunk.toString('utf8'));
    child.stdout.on('data', tell);
    child.stderr.on('data', tell);
    const ended = exitCodeOf(child).finally(discard);
    await spawned(child);
    const over = new AbortController();
    void ended.then(() => over.abort());
    if (port !== undefined) environment.open(K6_PORT, port);
    return {
      ready: port === undefined ? Promise.resolve() : answering(port, clock, over.signal),
      ended,
      stop: async () => {
        child.kill('SIGTERM');
        void sleep(clock, GRACE_MS, over.signal).then(() => child.kill('SIGKILL'));
        await ended;
        logs.forget(pod);
      },
    };
  } catch (error) {
    discard();
    throw error;
  }
}

/** The lab's registry holds one image: k6's, under whatever tag. */
function pullImage(image: string, k6: string | undefined): string {
  const refused = (why: string) =>
    new ContainerProblem('ErrImagePull', `failed to pull and unpack image "${image}": ${why}`);
  if (!/(^|\/)k6([:@].*)?$/.test(image)) throw refused('not found');
  if (k6 === undefined) throw refused('the lab runs the k6 of this machine, and there is none');
  return k6;
}

const spawned = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new ContainerProblem('RunContainerError', error.message)));
  });

/** As a container runtime tells it: 128 and the signal's number for a process that was killed. */
const exitCodeOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => {
    // Not `exit`: what it printed last shall be in the log.
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    child.once('error', () => resolve(127));
  });

/** The readiness probe: `/v1/status` answers. Also resolves when the process has ended. */
async function answering(port: number, clock: Clock, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const answered = await fetch(`http://127.0.0.1:${port}/v1/status`, { signal: over }).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await sleep(clock, PROBE_MS, over);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
