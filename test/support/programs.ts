import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Started {
  readonly pid: number;
  /** The end of what it printed. */
  output(): string;
  running(): boolean;
  /** @param signal default SIGTERM, with SIGKILL after 5 s. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const MAX_OUTPUT = 20_000;

/** Starts a real program; it is killed when this process ends without having stopped it. */
export function startProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Started {
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let printed = '';
  const keep = (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-MAX_OUTPUT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(String(error))));
  const running = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return {
    pid: child.pid ?? 0,
    output: () => printed,
    running,
    async stop(signal = 'SIGTERM') {
      if (!running()) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      const timer = setTimeout(kill, 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}
