import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { HEALTHY_TRIALS } from './catalogue/healthy.js';
import { CATALOGUE } from './catalogue/index.js';
import { LabProcess } from './labProcess.js';
import { missedGoals, totalsOf } from './matrix.js';
import { pageOf, textTable } from './render.js';
import { type Outcome, runTrial } from './run.js';
import { type EntryRuns, judgedOf } from './runs.js';
import type { StartLab, Trial } from './types.js';

const HELP = `Produces every cause of a wrong split on the lab and looks what the harness names; then runs in which all is well, for which it must
name nothing. Prints the confusion matrix, writes reports/confusion.json, and after a whole run docs/causes.md.

  npm run confusion -- [--only 5,8] [--healthy 1,2] [--seeds 3] [--counts] [--json] [--assert] [--out docs/causes.md]

  --only     these causes of the catalogue, by number; no healthy runs unless --healthy says so
  --healthy  these healthy runs, by number from 1
  --seeds    runs of every cause
  --counts   tell what every vantage point counted
  --json     print the report instead of the tables
  --assert   exit code 1 when a goal is missed
  --out      the page; written after a whole run only, or where it is given
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    healthy: { type: 'string' },
    seeds: { type: 'string', default: '3' },
    counts: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    assert: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const REPORT = 'reports/confusion.json';
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

async function tried(trial: Trial, seed: number, start: StartLab): Promise<Outcome> {
  let outcome = await runTrial(trial, seed, start);
  for (let tries = 1; outcome.invalid !== undefined && tries < TRIES; tries++) {
    progress(`    again: ${outcome.invalid}`);
    outcome = await runTrial(trial, seed, start);
  }
  return outcome;
}

async function main(): Promise<void> {
  const seeds = Number(values.seeds);
  if (!Number.isInteger(seeds) || seeds < 1) throw new Error('--seeds must be a whole number from 1');
  const only =
    values.only &&
    numbers(
      'only',
      values.only,
      CATALOGUE.map(({ number }) => number),
    );
  const healthyKnown = HEALTHY_TRIALS.map((_, index) => index + 1);
  const healthyOnly = values.healthy && numbers('healthy', values.healthy, healthyKnown);
  const entries = CATALOGUE.filter(({ number }) => (only ? only.includes(number) : !healthyOnly));
  const healthyTrials = HEALTHY_TRIALS.filter((_, index) => (healthyOnly ? healthyOnly.includes(index + 1) : !only));
  const labs = new LabProcess();
  const runs: EntryRuns[] = [];
  const healthy: Outcome[] = [];
  try {
    for (const entry of entries) {
      const outcomes: Outcome[] = [];
      for (let seed = 1; seed <= seeds; seed++) {
        const trial = entry.trials[(seed - 1) % entry.trials.length] ?? entry.trials[0];
        const outcome = await tried(trial, seed, labs.start);
        outcomes.push(outcome);
        progress(lineOf(`${entry.number} ${entry.code}`, outcome));
      }
      runs.push({ entry, outcomes });
    }
    for (const [index, trial] of healthyTrials.entries()) {
      const outcome = await tried(trial, index + 1, labs.start);
      healthy.push(outcome);
      progress(lineOf('healthy', outcome));
    }
  } finally {
    labs.close();
  }
  const judged = judgedOf(runs, healthy);
  const totals = totalsOf(judged);
  const missed = missedGoals(totals);
  const report = {
    totals,
    missed,
    causes: runs.map(({ entry: { number, code, how }, outcomes }) => ({ number, code, how, outcomes })),
    healthy,
  };
  mkdirSync(dirname(REPORT), { recursive: true });
  writeFileSync(REPORT, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(values.json ? `${JSON.stringify(report, undefined, 2)}\n` : textTable(runs, healthy));
  const page = values.out ?? (only || healthyOnly ? undefined : 'docs/causes.md');
  if (page) writeFileSync(page, pageOf(runs, healthy, seeds));
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
