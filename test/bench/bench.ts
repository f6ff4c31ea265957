import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { writeIntoReadme } from '../support/readme.js';
import { judge } from './judge.js';
import { bareLoop, engines, scripted } from './loops.js';
import { type Bench, DEFAULT_SECONDS } from './measure.js';
import { peerVersions } from './peers.js';
import { pinned } from './processes.js';
import { type Measured, markdownTable, type Row, textTable, WORK, type WorkName } from './row.js';
import { startServer } from './server.js';
import { flatMemory, histogram, schedule, startUp } from './timing.js';
import { manyUsers } from './users.js';

const HELP = `What a request costs the generator, beside other generators: alternating pairs on one server, requests as the server counts them
per second of the generator's processor time. Ratios of one run only: figures of different machines or hours cannot be compared.

  npm run bench -- [--only ${WORK.join(',')}] [--pairs 5] [--seconds ${DEFAULT_SECONDS}] [--assert] [--out FILE] [--readme]

  --only     these pieces of work
  --pairs    repetitions of everything
  --seconds  of one generator's run
  --assert   exit code 1 when a median misses its goal
  --out      where the figures go (reports/bench.json)
  --readme   write the table into README.md
`;

const MEASURE: Readonly<Record<WorkName, (bench: Bench) => Promise<Measured>>> = {
  bare: bareLoop,
  scripted,
  users: manyUsers,
  schedule,
  start: startUp,
  histogram,
  soak: flatMemory,
  judge,
  engines,
};

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: WORK.join(',') },
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: String(DEFAULT_SECONDS) },
    assert: { type: 'boolean', default: false },
    out: { type: 'string', default: 'reports/bench.json' },
    readme: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);

function wanted(): readonly WorkName[] {
  const names = values.only.split(',');
  const unknown = names.find((name) => !WORK.some((work) => work === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is ${WORK.join(', ')}`);
  return WORK.filter((work) => names.includes(work));
}

function positive(option: 'pairs' | 'seconds'): number {
  const value = Number(values[option]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} must be a whole number from 1`);
  return value;
}

async function main(): Promise<void> {
  const [work, pairs, seconds] = [wanted(), positive('pairs'), positive('seconds')];
  const server = await startServer();
  const rows: Row[] = [];
  const skipped: string[] = [];
  try {
    const pins = pinned ? 'generator and server on a core each' : 'not pinned to cores';
    print(`server: ${server.name}; ${pins}; ${pairs} repetitions, ${seconds} s a run`);
    for (const name of work) {
      const measured = await MEASURE[name]({ server, pairs, seconds, print });
      for (const line of measured.skipped) print(`  skipped: ${line}`);
      rows.push(...measured.rows);
      skipped.push(...measured.skipped);
    }
  } finally {
    await server.close();
  }
  print(`\n${textTable(rows)}`);
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, peers: peerVersions() };
  const report = { server: server.name, pinned, pairs, seconds, machine, rows, skipped };
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
  if (values.readme) writeIntoReadme('bench', `${markdownTable(rows)}\n${conditions(report)}\n`);
  const missed = rows.filter(({ met }) => !met);
  if (values.assert && missed.length > 0) {
    print(`${missed.length} of ${rows.filter(({ goal }) => goal).length} goals missed`);
    process.exitCode = 1;
  }
}

function conditions({
  server,
  pairs,
  seconds,
  machine,
}: {
  server: string;
  pairs: number;
  seconds: number;
  machine: { cores: number; node: string; peers: Record<string, string> };
}): string {
  const peers = Object.entries(machine.peers).map(([name, version]) =>
    version === 'installed' ? name : `${name} ${version}`,
  );
  return `${pairs} alternating repetitions of ${seconds} s on ${machine.cores} cores, generator and server on one each; requests counted by the server (${server}) per second of the generator's processor time, start-up included; Node ${machine.node}; ${peers.join(', ')}.`;
}

if (values.help) print(HELP);
else {
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
