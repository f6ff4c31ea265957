import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { BenchServer } from './server.js';
import { binned, median, type Point, type Trend, trend } from './slope.js';

const SAMPLE_MS = 500;
const CONFIDENCE = 0.99;
/** The old generation grows to its first full collection, which has come by then, and is level afterwards. */
const HEAP_SETTLES_SECONDS = 120;
/** Bins of the regression after warm-up: few enough to be independent, enough for a bound. */
const BINS = 24;
const ROOT = process.cwd();

export interface Soak {
  readonly requests: number;
  readonly failed: number;
  /** As the server counts them. */
  readonly served: number;
  /** Growth of the resident memory after warm-up, MB: median of the last fifth less that of the first. */
  readonly growthMb: number;
  /** Of the resident memory after warm-up, MB an hour. */
  readonly memory: Trend;
  /** What the trend was drawn through: hours and MB. */
  readonly memoryPoints: readonly Point[];
  /** Open files after warm-up: fewest and most. */
  readonly files: readonly [number, number];
}

/** What one reading of a process tells. */
interface Sample {
  readonly seconds: number;
  readonly megabytes: number;
  readonly files: number;
}

/**
 * Sends a load for a while, in a process of its own, and reads its memory and its open files meanwhile: users with think time who keep
 * their connections, one request in twenty on a new one, every body scanned.
 * @param seconds of load; the first sixth, or where that is short the first two minutes, is warm-up.
 */
export async function soak(server: BenchServer, seconds: number, workers = 1): Promise<Soak> {
  const before = (await server.counts()).requests;
  const command = [
    ...[`${ROOT}/dist/cli/main.js`, 'load', `${server.origin}/CustomerManagement/Details/7`, '--json'],
    ...['--users', '200', '--think-time', '100ms..300ms', '--duration', `${seconds}s`, '--workers', String(workers)],
    ...['--marker', 'v1=', '--marker', 'v2=LoyaltyLevel', '--fresh-connections', '5%'],
  ];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  const ended = once(child, 'close');
  const startedAt = performance.now();
  const samples: Sample[] = [];
  const reading = setInterval(() => {
    const sample = read(child.pid, (performance.now() - startedAt) / 1000);
    if (sample) samples.push(sample);
  }, SAMPLE_MS);
  const [code] = (await ended) as [number];
  clearInterval(reading);
  // With 2 others had its core; its memory and its books are what they are.
  if (code !== 0 && code !== 2) throw new Error(`the load ended with ${code}\n${stdout}`);
  const { requests, failed } = JSON.parse(stdout) as { requests: number; failed: number };
  const warmUp = Math.min(Math.max(seconds / 6, HEAP_SETTLES_SECONDS), (2 / 3) * seconds);
  // At its end the process closes everything.
  const warm = samples.filter((sample) => sample.seconds >= warmUp && sample.seconds <= seconds - 1);
  const points = warm.map((sample): Point => ({ x: sample.seconds / 3600, y: sample.megabytes }));
  const fifth = Math.ceil(points.length / 5);
  const level = (of: readonly Point[]) => median(of.map(({ y }) => y));
  const memoryPoints = binned(points, (seconds - warmUp) / 3600 / BINS);
  const files = warm.map((sample) => sample.files);
  return {
    requests,
    failed,
    served: (await server.counts()).requests - before,
    growthMb: level(points.slice(-fifth)) - level(points.slice(0, fifth)),
    memory: trend(memoryPoints, CONFIDENCE),
    memoryPoints,
    files: [Math.min(...files), Math.max(...files)],
  };
}

/** Linux; undefined when the process is gone. */
function read(pid: number | undefined, seconds: number): Sample | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { seconds, megabytes: (Number(kilobytes) * 1024) / 1e6, files: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}
