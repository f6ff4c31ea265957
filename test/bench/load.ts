import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { LatencyHistogram } from '../../src/load/latency.js';
import { findProgram, GENERATOR_CORE, onCore, pinned, run, start, stop } from './processes.js';
import { type BenchServer, startServer } from './server.js';

/**
 * What a request costs the generator, beside other generators: alternating pairs on one server, requests as the server counts them per
 * second of the generator's processor time. Ratios of one run only: figures of different machines or hours cannot be compared.
 *
 *     npm run bench -- [--assert] [--pairs 5] [--seconds 8]
 */
const ROOT = `${process.cwd()}/`;
const CLI = [process.execPath, `${ROOT}dist/cli/main.js`];
const CONNECTIONS = 32;
const HISTOGRAM_GOAL_NS = 30;
const START_GOAL_MS = 150;

const { values } = parseArgs({
  options: {
    assert: { type: 'boolean', default: false },
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
  },
});
const pairs = Number(values.pairs);
const seconds = Number(values.seconds);

const print = (line: string) => process.stdout.write(`${line}\n`);

interface Peer {
  readonly name: string;
  readonly program: string;
  readonly args: (url: string) => readonly string[];
  /** Smallest median of ours / theirs. */
  readonly goal: number;
}

const PEERS: readonly Peer[] = [
  {
    name: 'wrk',
    program: 'wrk',
    args: (url) => ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, url],
    goal: 0.85,
  },
  {
    name: 'autocannon',
    program: 'autocannon',
    args: (url) => ['-c', String(CONNECTIONS), '-d', String(seconds), '-n', url],
    goal: 2.1,
  },
  { name: 'hey', program: 'hey', args: (url) => ['-c', String(CONNECTIONS), '-z', `${seconds}s`, url], goal: 2.4 },
];

interface Row {
  readonly work: string;
  readonly goal: string;
  readonly unit: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly met: boolean;
}

function row(
  work: string,
  measured: readonly number[],
  goal: { atLeast: number } | { atMost: number },
  unit: string,
): Row {
  const sorted = [...measured].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] as number;
  const atLeast = 'atLeast' in goal;
  return {
    work,
    goal: atLeast ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`,
    unit,
    min: sorted[0] as number,
    median,
    max: sorted[sorted.length - 1] as number,
    met: atLeast ? median >= goal.atLeast : median <= goal.atMost,
  };
}

/** Requests per second of the generator's processor time. */
async function efficiency(
  server: BenchServer,
  command: readonly string[],
): Promise<{ perCpuSecond: number; stdout: string; counted: number }> {
  const before = await server.requests();
  const { stdout, cpuSeconds } = await run(onCore(GENERATOR_CORE, command));
  const counted = (await server.requests()) - before;
  return { perCpuSecond: counted / cpuSeconds, stdout, counted };
}

const ours = (url: string, engine: string): string[] => [
  ...CLI,
  'load',
  url,
  ...['--users', String(CONNECTIONS), '--think-time', '0', '--duration', `${seconds}s`, '--engine', engine, '--json'],
];

async function bareLoop(server: BenchServer, peer: Peer, program: string): Promise<Row> {
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // Whoever goes second may find a warmer machine.
    const order = pair % 2 === 0 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const);
    const result = { ours: 0, theirs: 0 };
    for (const who of order) {
      const command = who === 'ours' ? ours(server.url, 'node') : [program, ...peer.args(server.url)];
      const { perCpuSecond, stdout, counted } = await efficiency(server, command);
      result[who] = perCpuSecond;
      if (who === 'ours') checkCounts(stdout, counted);
    }
    ratios.push(result.ours / result.theirs);
    print(
      `  ${peer.name} ${pair + 1}: ${result.ours.toFixed(0)} / ${result.theirs.toFixed(0)} requests per CPU second`,
    );
  }
  return row(`bare loop, ${CONNECTIONS} connections, 2 kB: times ${peer.name}`, ratios, { atLeast: peer.goal }, 'x');
}

/** The books of the generator must be those of the server, to the request. */
function checkCounts(stdout: string, counted: number): void {
  const { requests, failed } = JSON.parse(stdout) as { requests: number; failed: number };
  if (requests !== counted || failed > 0) {
    throw new Error(`weighbridge counts ${requests} requests, ${failed} failed; the server counts ${counted}`);
  }
}

async function startUp(): Promise<Row> {
  const measured: number[] = [];
  for (let round = 0; round < pairs; round++) {
    const server = createServer((_request, response) => response.end('x'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const bareFrom = performance.now();
    await once(start([process.execPath, '-e', '0']), 'exit');
    const from = performance.now();
    const first = once(server, 'request');
    const child = start([...CLI, 'load', url, '--requests', '1', '--users', '1', '--think-time', '0']);
    await first;
    measured.push(performance.now() - from - (from - bareFrom));
    await once(child, 'exit');
    await stop(child);
    server.close();
  }
  return row('start to first request, over a bare node', measured, { atMost: START_GOAL_MS }, 'ms');
}

function histogram(): Row {
  const target = new LatencyHistogram();
  const durations = Float64Array.from({ length: 4096 }, (_, index) => Math.exp((index * 977) % 8) / 10);
  const measured: number[] = [];
  for (let round = 0; round <= pairs; round++) {
    const from = performance.now();
    for (let count = 0; count < 2 ** 21; count++) target.record(durations[count & 4095] as number);
    // The first round compiles.
    if (round > 0) measured.push(((performance.now() - from) * 1e6) / 2 ** 21);
  }
  return row('a histogram record', measured, { atMost: HISTOGRAM_GOAL_NS }, 'ns');
}

const server = await startServer();
const rows: Row[] = [];
try {
  print(
    `server: ${server.name}; ${pinned ? 'generator and server on a core each' : 'not pinned to cores'}; ${pairs} pairs of ${seconds} s`,
  );
  for (const peer of PEERS) {
    const program = findProgram(peer.program, [`${ROOT}node_modules/.bin`]);
    if (program) rows.push(await bareLoop(server, peer, program));
    else print(`  ${peer.name} is not installed: skipped`);
  }
  rows.push(await startUp(), histogram());
} finally {
  await server.close();
}
print(`\n${'work'.padEnd(56)}${'min'.padStart(8)}${'median'.padStart(8)}${'max'.padStart(8)}  goal`);
for (const { work, min, median, max, unit, goal, met } of rows) {
  const figures = [min, median, max].map((value) => value.toFixed(unit === 'x' ? 2 : 1).padStart(8)).join('');
  print(`${work.padEnd(56)}${figures}  ${goal} ${unit}${met ? '' : '  MISSED'}`);
}
mkdirSync(`${ROOT}reports`, { recursive: true });
writeFileSync(
  `${ROOT}reports/bench.json`,
  `${JSON.stringify({ server: server.name, pinned, pairs, seconds, node: process.version, rows }, undefined, 2)}\n`,
);
if (values.assert && rows.some(({ met }) => !met)) process.exitCode = 1;
