import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { healthyTrials } from './catalogue/healthy.js';
import { CATALOGUE, catalogueOf } from './catalogue/index.js';
import { LabProcess } from './labProcess.js';
import { missedGoals, totalsOf } from './matrix.js';
import { pageWith, textTable } from './render.js';
import { ReportFile } from './reportFile.js';
import { type Outcome, runTrial } from './run.js';
import { type EntryRuns, judgedOf } from './runs.js';
import type { StartLab, Trial } from './types.js';
import { HOME, heldOut, type World } from './world.js';

const HELP = `Produces every cause of a wrong split on the lab and looks what the harness names; then runs in which all is well, for which it must
name nothing. Prints the confusion matrix, writes reports/confusion.json, and after a whole run its part of docs/causes.md.

  npm run confusion -- [--held-out] [--only 5,8] [--healthy 1,2] [--seeds 3] [--first-seed 1] [--resume] [--counts] [--json] [--assert]
                       [--out docs/causes.md]

  --held-out    under names, weights, replicas, load, scrape intervals and sizes of the mistake that are drawn from the seed, not as the
                catalogue has them; writes reports/confusion-held-out.json
  --only        these causes of the catalogue, by number; no healthy runs unless --healthy says so
  --healthy     these healthy runs, by number from 1
  --seeds       runs of every cause, or as many as there are ways to make the mistake
  --first-seed  seeds are counted from here
  --resume      runs that the report has already are not made again
  --counts      tell what every vantage point counted
  --json        print the report instead of the tables
  --assert      exit code 1 when a goal is missed
  --out         the page; written after a whole run only, or where it is given
`;

const { values } = parseArgs({
  options: {
    'held-out': { type: 'boolean', default: false },
    only: { type: 'string' },
    healthy: { type: 'string' },
    seeds: { type: 'string', default: '3' },
    'first-seed': { type: 'string', default: '1' },
    resume: { type: 'boolean', default: false },
    counts: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    assert: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const HELD_OUT = values['held-out'];
const REPORT = `reports/confusion${HELD_OUT ? '-held-out' : ''}.json`;
/** A machine that was busy elsewhere is no finding: such a run is made again, so often. */
const TRIES = 3;

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** @throws Error naming the option when a number is none of the list. */
function numbers(option: string, text: string, known: readonly number[]): number[] {
  const chosen = text.split(',').map(Number);
  const wrong = chosen.find((number) => !known.includes(number));
  if (wrong !== undefined) throw new Error(`--${option} ${text}: there is ${known.join(', ')}`);
  return chosen;
}

/** @throws Error naming the option. */
function positive(option: 'seeds' | 'first-seed'): number {
  const value = Number(values[option]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} must be a whole number from 1`);
  return value;
}

const worldOf = (seed: number, stream: number): World => (HELD_OUT ? heldOut(seed, stream) : HOME);

async function tried(trial: Trial, seed: number, start: StartLab, world: World): Promise<Outcome> {
  let outcome = await runTrial(trial, seed, start, world);
  for (let tries = 1; outcome.invalid !== undefined && tries < TRIES; tries++) {
    progress(`    again: ${outcome.invalid}`);
    outcome = await runTrial(trial, seed, start, world);
  }
  return outcome;
}

async function main(): Promise<void> {
  const [seeds, firstSeed] = [positive('seeds'), positive('first-seed')];
  const only =
    values.only &&
    numbers(
      'only',
      values.only,
      CATALOGUE.map(({ number }) => number),
    );
  const healthyKnown = healthyTrials(HOME).map((_, index) => index + 1);
  const healthyOnly = values.healthy && numbers('healthy', values.healthy, healthyKnown);
  const entries = CATALOGUE.filter(({ number }) => (only ? only.includes(number) : !healthyOnly));
  const healthyNumbers = healthyKnown.filter((number) => (healthyOnly ? healthyOnly.includes(number) : !only));
  const report = new ReportFile(REPORT, values.resume);
  const labs = new LabProcess();
  const run = async (key: string, what: string, trial: Trial, seed: number, world: World): Promise<Outcome> => {
    const known = report.get(key);
    if (known) return known;
    const outcome = await tried(trial, seed, labs.start, world);
    report.add(key, outcome);
    progress(lineOf(what, outcome));
    return outcome;
  };
  const runs: EntryRuns[] = [];
  const healthy: Outcome[] = [];
  try {
    for (const entry of entries) {
      const { number, code, trials } = entry;
      const outcomes: Outcome[] = [];
      // Every way to make the mistake is taken at least once.
      for (let nth = 0; nth < Math.max(seeds, trials.length); nth++) {
        const seed = firstSeed + nth;
        const world = worldOf(seed, number);
        const own = catalogueOf(world).find((each) => each.number === number) ?? entry;
        const trial = own.trials[nth % trials.length] ?? own.trials[0];
        outcomes.push(await run(`${number}/${seed}`, `${number} ${code}`, trial, seed, world));
      }
      runs.push({ entry, outcomes });
    }
    for (const number of healthyNumbers) {
      const seed = firstSeed + number - 1;
      const world = worldOf(seed, 100);
      const trial = healthyTrials(world)[number - 1];
      if (trial) healthy.push(await run(`healthy ${number}/${seed}`, `healthy ${number}`, trial, seed, world));
    }
  } finally {
    labs.close();
  }
  const totals = totalsOf(judgedOf(runs, healthy));
  const missed = missedGoals(totals);
  const summary = { totals, missed, firstSeed, seeds };
  report.write(summary);
  process.stdout.write(values.json ? readFileSync(REPORT, 'utf8') : textTable(runs, healthy));
  const page = values.out ?? (only || healthyOnly ? undefined : 'docs/causes.md');
  if (page) {
    const before = existsSync(page) ? readFileSync(page, 'utf8') : '';
    writeFileSync(page, pageWith(before, HELD_OUT ? 'held-out' : 'catalogue', { runs, healthy, seeds, firstSeed }));
  }
  for (const goal of missed) progress(`missed: ${goal}`);
  if (values.assert && missed.length > 0) process.exitCode = 1;
}

const lineOf = (what: string, { title, seed, verdict, causes, stageMs, invalid, counts }: Outcome): string =>
  [
    `${what} (${title}, seed ${seed}): ${verdict}, ${causes.map(({ code }) => code).join(', ') || 'no cause'}, ${(stageMs / 1000).toFixed(1)} s`,
    ...(invalid ? [`    ${invalid}`] : []),
    ...(values.counts ? counts.map((line) => `    ${line}`) : []),
  ].join('\n');

if (values.help) process.stdout.write(HELP);
else {
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
