import { type ChildProcess, spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { EnvironmentError } from '../../base/errors.js';
import { httpRequest } from '../../cluster/http.js';
import { WORDS } from './statsLabels.js';

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
/** From SIGTERM, which Envoy heeds within 20 ms, to SIGKILL. */
const STOP_TIMEOUT_MS = 2_000;
/** Of its complaints only the end is kept. */
const KEPT_CHARACTERS = 4_096;

/** Ends a process when its parent does, however that ended; part of util-linux. */
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/** One running Envoy. */
export class EnvoyProcess {
  private readonly child: ChildProcess;
  private readonly exit: Promise<void>;
  private readonly exited = new AbortController();
  private complaints = '';
  private adminPort = 0;
  ended = false;

  private constructor(binary: string, config: string, adminFile: string) {
    const args = ['-c', config, '--admin-address-path', adminFile];
    // One worker draws weights and balances alone, as the few requests of a rehearsal need; the log has complaints only.
    args.push('--concurrency', '1', '--disable-hot-restart');
    // A listener that was replaced takes its counters with it when it has drained: it never has. Its connections end with their next answer.
    args.push('--drain-time-s', '604800', '--drain-strategy', 'immediate');
    // The component `main` warns of limits that only an edge proxy needs.
    args.push('-l', 'warn', '--component-log-level', 'main:error');
    this.child = spawn(SETPRIV ?? binary, SETPRIV ? ['--pdeathsig', 'TERM', binary, ...args] : args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Ctrl-C on a terminal goes to the whole foreground group; whoever started the proxy ends it in due time.
      detached: true,
      env: { ...WORDS },
    });
    // Whatever waits for the proxy waits for its end as well.
    setMaxListeners(0, this.exited.signal);
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.complaints = (this.complaints + chunk.toString('utf8')).slice(-KEPT_CHARACTERS);
    });
    this.exit = new Promise((resolve) => {
      const end = () => {
        this.ended = true;
        this.exited.abort();
        resolve();
      };
      this.child.once('exit', end);
      this.child.once('error', (error) => {
        this.complaints += error.message;
        end();
      });
    });
  }

  /**
   * Starts it and waits until it serves.
   * @throws EnvironmentError with its complaints when it does not.
   */
  static async start(binary: string, config: string, adminFile: string): Promise<EnvoyProcess> {
    rmSync(adminFile, { force: true });
    const envoy = new EnvoyProcess(binary, config, adminFile);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!envoy.ended && performance.now() < deadline) {
      if (await envoy.serves(adminFile)) return envoy;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const why = envoy.ended ? 'ended at once' : `was not ready within ${READY_TIMEOUT_MS / 1000} s`;
    await envoy.stop();
    throw new EnvironmentError(
      'E_ENVOY',
      `Envoy (${binary}) ${why}: ${envoy.lastWords() || 'it said nothing'}`,
      'try `weighbridge lab` with --dataplane node',
    );
  }

  /** Port of the admin interface on 127.0.0.1. */
  get admin(): number {
    return this.adminPort;
  }

  /** Aborted when it has ended. */
  get gone(): AbortSignal {
    return this.exited.signal;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** What it complained of last. */
  lastWords(): string {
    return this.complaints.trim().split('\n').slice(-3).join('\n');
  }

  /** Resolves when it has ended, for whatever reason. */
  end(): Promise<void> {
    return this.exit;
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    this.child.kill('SIGTERM');
    await this.exit;
    clearTimeout(timer);
  }

  private async serves(adminFile: string): Promise<boolean> {
    if (this.adminPort === 0) {
      if (!existsSync(adminFile)) return false;
      const port = Number(readFileSync(adminFile, 'utf8').split(':')[1]);
      if (!(port > 0)) return false;
      this.adminPort = port;
    }
    const answer = await httpRequest(new URL(`http://127.0.0.1:${this.adminPort}/ready`), {}).catch(() => undefined);
    return answer?.status === 200;
  }
}
