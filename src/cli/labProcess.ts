import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Clock, sleep } from '../base/clock.js';
import { EnvironmentError, EXIT, WeighbridgeError } from '../base/errors.js';
import type { ClusterClient } from '../cluster/client.js';
import { podOf } from '../mesh/pods.js';

/** The first line that `weighbridge lab` prints; a contract. */
interface LabAddresses {
  /** Path of the kubeconfig file. */
  readonly kubeconfig: string;
  readonly baseUrl: string;
  readonly prometheusUrl: string;
  readonly kialiUrl: string;
}

export interface LabProcess extends LabAddresses {
  /** Ends it. @returns what there is to say when it had ended by itself before, or complained; else empty. */
  stop(): Promise<string>;
}

const READY_TIMEOUT_MS = 20_000;

/**
 * Starts the embedded lab as a process of its own and waits for its addresses. It has its own process group, so that Ctrl-C reaches the
 * harness first (which still needs the lab to undo its changes), and it ends when its standard input closes, so that it never outlives us.
 * @throws EnvironmentError with what it printed when it does not come up.
 */
export async function startLabProcess(args: readonly string[]): Promise<LabProcess> {
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'lab', ...args, '--stop-with-stdin'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let complaints = '';
  // It may be gone when its input is closed.
  child.stdin.on('error', () => undefined);
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString('utf8')).slice(-8192);
  });
  const addresses = await firstLine(child, () => complaints);
  let ended: string | undefined;
  child.once('exit', (code, signal) => {
    ended = `the lab ended by itself during the run (${signal ?? `exit code ${code}`})`;
  });
  return {
    ...addresses,
    stop: async () => {
      const before = ended;
      await stop(child);
      return [before ?? '', complaints.trim()].filter((text) => text).join('\n');
    },
  };
}

const PODS_TIMEOUT_MS = 20_000;
/** A wait longer than this is told. */
const SILENT_MS = 1000;

/**
 * Waits until every pod of the lab is ready, at most 20 s: what runs in it is there from the start, so that requests which meet no
 * application yet would only be counted as its failures.
 * @param say told once which pods are waited for, and in the end which are still not ready.
 */
export async function podsReady(
  client: ClusterClient,
  clock: Clock,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const begun = clock.now();
  for (let told = false; ; await sleep(clock, 50, signal)) {
    const pods = (await client.list('v1', 'Pod')).map(podOf);
    const waiting = pods.flatMap((pod) => (pod && !pod.ready ? [pod.key] : []));
    if (waiting.length === 0 || signal.aborted) return;
    const waited = clock.now() - begun;
    if (waited > PODS_TIMEOUT_MS) return say(`the load starts before these pods are ready: ${waiting.join(', ')}`);
    if (!told && waited > SILENT_MS) say(`waiting until these pods of the lab are ready: ${waiting.join(', ')}`);
    told ||= waited > SILENT_MS;
  }
}

function firstLine(child: ChildProcess, complaints: () => string): Promise<LabAddresses> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL');
      reject(
        new EnvironmentError(
          'E_LAB',
          `the lab did not start: ${why}\n${complaints().trim()}`,
          'try `weighbridge lab` alone, which prints its errors',
        ),
      );
    };
    const timer = setTimeout(() => fail(`nothing within ${READY_TIMEOUT_MS / 1000} s`), READY_TIMEOUT_MS);
    child.once('close', (code) => {
      clearTimeout(timer);
      // The files are faulty, not the lab.
      if (code === EXIT.config)
        reject(new WeighbridgeError('E_LAB', EXIT.config, `the lab did not start:\n${complaints().trim()}`));
      else fail(`it ended with exit code ${code}`);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      child.removeAllListeners('close');
      try {
        resolve(JSON.parse(line) as LabAddresses);
      } catch {
        fail(`its first line is ${JSON.stringify(line.slice(0, 200))}`);
      }
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.stdin?.end();
    child.kill('SIGTERM');
  });
}
