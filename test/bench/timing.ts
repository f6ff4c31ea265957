import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'hdr-histogram-js';
import { LatencyHistogram } from '../../src/load/latency.js';
import { type Bench, DEFAULT_SECONDS, load, weighbridge } from './measure.js';
import { start, stop } from './processes.js';
import { type Measured, type Row, row } from './row.js';
import { soak } from './soak.js';

const RATE = 10_000;
/** In the first half second code is compiled and connections are opened: that must not be most of the hundredth that a p99 speaks of. */
const SCHEDULE_SECONDS = 20;

/** How late an open model sends: actual send minus intended start. It never sends early, which the tests prove. */
export async function schedule(bench: Bench): Promise<Measured> {
  const [program = '', ...help] = weighbridge('load', '--help');
  const modes = [
    { name: 'tick', args: [] as string[], p50: 0.8, p99: 2 },
    ...(execFileSync(program, help).includes('--precise')
      ? [{ name: 'precise', args: ['--precise'], p50: 0.2, p99: 0.6 }]
      : []),
  ];
  const seconds = bench.seconds < DEFAULT_SECONDS ? bench.seconds : SCHEDULE_SECONDS;
  const rows: Row[] = [];
  for (const { name, args, p50, p99 } of modes) {
    const runs: Awaited<ReturnType<typeof load>>[] = [];
    for (let round = 0; round < bench.pairs; round++) {
      const open = ['--rate', String(RATE), '--arrivals', 'poisson', '--duration', `${seconds}s`];
      runs.push(await load(bench, [bench.server.url, ...open, ...args]));
    }
    const what = `open model, ${RATE.toLocaleString('en-US')}/s, ${name}`;
    const lateness = runs.map(({ document }) => document.generator.lateness);
    rows.push(
      row(
        'schedule',
        `${what}: lateness p50`,
        lateness.map((late) => late.p50),
        'ms',
        { atMost: p50 },
      ),
      row(
        'schedule',
        `${what}: lateness p99`,
        lateness.map((late) => late.p99),
        'ms',
        { atMost: p99 },
      ),
      row(
        'schedule',
        `${what}: requests per CPU second`,
        runs.map(({ perCpuSecond }) => perCpuSecond),
        'requests/CPU-s',
      ),
    );
  }
  return { rows, skipped: modes.length === 1 ? ['open model, precise: `load` has no --precise'] : [] };
}

/** From the start of `weighbridge load` to its first request at the server, less what a bare Node takes. */
export async function startUp({ pairs }: Bench): Promise<Measured> {
  const measured: number[] = [];
  for (let round = 0; round < pairs; round++) {
    const server = createServer((_request, response) => response.end('x'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const bareFrom = performance.now();
    await once(start([process.execPath, '-e', '0']), 'exit');
    const from = performance.now();
    const first = once(server, 'request');
    const child = start(weighbridge('load', url, '--requests', '1', '--users', '1', '--think-time', '0'));
    await first;
    measured.push(performance.now() - from - (from - bareFrom));
    await stop(child);
    server.close();
  }
  return {
    rows: [row('start', 'start to first request, over a bare node', measured, 'ms', { atMost: 150 })],
    skipped: [],
  };
}

const RECORDS = 2 ** 21;

/** What it costs to record a duration: processor time, so that others on the machine do not count. */
export async function histogram({ pairs }: Bench): Promise<Measured> {
  const durations = Float64Array.from({ length: 4096 }, (_, index) => Math.exp((index * 977) % 8) / 10);
  const ours = new LatencyHistogram();
  const hdr = build({ bitBucketSize: 32, numberOfSignificantValueDigits: 3, highestTrackableValue: 3_600_000_000 });
  const cost = (record: (ms: number) => void): number[] => {
    const measured: number[] = [];
    for (let round = 0; round <= pairs; round++) {
      const from = process.cpuUsage();
      for (let count = 0; count < RECORDS; count++) record(durations[count & 4095] as number);
      const { user, system } = process.cpuUsage(from);
      // The first round compiles.
      if (round > 0) measured.push(((user + system) * 1000) / RECORDS);
    }
    return measured;
  };
  return {
    rows: [
      row(
        'histogram',
        'a histogram record',
        cost((ms) => ours.record(ms)),
        'ns',
        { atMost: 30 },
      ),
      row(
        'histogram',
        'a record of hdr-histogram-js',
        cost((ms) => hdr.recordValue(Math.round(ms * 1000))),
        'ns',
      ),
    ],
    skipped: [],
  };
}

const [SOAK_SECONDS, SHORT_SOAK_SECONDS] = [180, 15];

/** Whether the generator's memory stays as it is; `npm run soak` asks for half an hour. */
export async function flatMemory({ server, seconds }: Bench): Promise<Measured> {
  const long = seconds < DEFAULT_SECONDS ? SHORT_SOAK_SECONDS : SOAK_SECONDS;
  const { requests, served, failed, growthMb } = await soak(server, long);
  if (requests !== served || failed > 0) {
    throw new Error(`the soak counts ${requests} requests, ${failed} failed; the server counts ${served}`);
  }
  return { rows: [row('soak', `growth of memory in ${long} s of load`, [growthMb], 'MB', { atMost: 3 })], skipped: [] };
}
