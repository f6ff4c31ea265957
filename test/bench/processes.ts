import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { findProgram } from '../support/peers.js';

const taskset = availableParallelism() > 1 ? findProgram('taskset') : undefined;

/** Generator and server must not take each other's time: one core each, where there are two. */
export const GENERATOR_CORE = 0;
export const SERVER_CORE = 1;
export const pinned = taskset !== undefined;

export function onCore(core: number, command: readonly string[]): string[] {
  return taskset === undefined ? [...command] : [taskset, '-c', String(core), ...command];
}

export function start([program, ...args]: readonly string[]): ChildProcess {
  return spawn(program as string, args, { stdio: 'ignore' });
}

/** Ends a process started here, by its own id. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

export interface Finished {
  readonly stdout: string;
  readonly code: number;
  /** User and system time of the whole process, start-up included. */
  readonly cpuSeconds: number;
  /** Most resident memory, as last seen a moment before its end; undefined where the system does not tell. */
  readonly peakRssBytes: number | undefined;
}

const MEMORY_POLL_MS = 200;

/**
 * Runs a program to its end.
 * @param mayEndWith exit codes that are no failure.
 * @throws Error when it fails.
 */
export async function run(command: readonly string[], mayEndWith: readonly number[] = [0]): Promise<Finished> {
  // Node does not tell a child's processor time; the shell does.
  const timed = 'TIMEFORMAT="%3U %3S"; { time "$@" 2>/dev/null; } 2>&3';
  const child = spawn('bash', ['-c', timed, 'bash', ...command], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
  let stdout = '';
  let times = '';
  let peakRssBytes: number | undefined;
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => {
    times += chunk;
  });
  const poll = setInterval(() => {
    peakRssBytes = peakRssOfChild(child.pid) ?? peakRssBytes;
  }, MEMORY_POLL_MS);
  const [code] = (await once(child, 'close')) as [number];
  clearInterval(poll);
  if (!mayEndWith.includes(code)) throw new Error(`${command.join(' ')} ended with ${code}\n${stdout}`);
  const [user = Number.NaN, system = Number.NaN] = times.trim().split(/\s+/).map(Number);
  return { stdout, code, cpuSeconds: user + system, peakRssBytes };
}

/** Of the only child of a shell. */
function peakRssOfChild(shell: number | undefined): number | undefined {
  try {
    const child = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim();
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
