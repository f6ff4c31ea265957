import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EnvironmentError, EXIT, WeighbridgeError } from '../base/errors.js';

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
