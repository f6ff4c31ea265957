import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { writeIntoReadme } from '../support/readme.js';
import { balancingCells, balancingViolations, driftRows } from './balancing.js';
import { calibrate, PROBLEMS, peek, peekViolations, violations } from './cells.js';
import { compare } from './competitors.js';
import { queueingCells, queueingViolations } from './queueing.js';
import {
  balancingTable,
  caseTable,
  competitorTable,
  driftTable,
  errorTable,
  peekTable,
  queueingTable,
  requestTable,
} from './render.js';

/**
 * Simulates the share gate beside its exact characteristics, Wald's bound, the optimal rule and what others do, prints the tables and writes
 * docs/calibration.md. Exits with 1 when a promise is broken.
 *
 *     npm run calibrate -- [--runs 20000] [--seed 1] [--out docs/calibration.md] [--readme]
 *
 * `--readme` writes the short table of what others do into README.md.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'docs/calibration.md' },
    readme: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);

const cells = PROBLEMS.map((problem, index) => {
  process.stderr.write(`${index + 1}/${PROBLEMS.length} ${problem.share} ± ${problem.margin} at ${problem.error}\n`);
  return calibrate(problem, runs, seed + 10 * index);
});
const peeked = [
  { share: 0.1, margin: 0.03, error: 0.01 },
  { share: 0.5, margin: 0.05, error: 0.01 },
].flatMap((problem) => peek(problem, runs, seed + 5000));
const compared = compare(Math.min(runs, 20_000), seed + 9000);
process.stderr.write('balancers and queues\n');
const balanced = balancingCells(Math.min(runs, 4000), seed + 20_000);
const queued = queueingCells(Math.min(runs, 1000), seed + 30_000);
const broken = [
  ...balancingViolations(balanced),
  ...queueingViolations(queued),
  ...cells.flatMap(violations),
  ...peeked.flatMap(peekViolations),
];

const text = `# Calibration of the share gate

Written by \`npm run calibrate\` (${runs.toLocaleString('en')} runs a cell, seed ${seed}); the same seed gives the same page. A promise such as "10 % ± 3 % at 1 %" means: a
share that is as promised is refuted in at most 1 % of the runs, and one that is off by 3 points or more passes in at most 1 % of them, however often one looks.

## What others do, on the same streams

10 % is promised and 5 points off are not tolerable. False red: refuted although all is well. False green: passed with the share in brackets.

${competitorTable(compared)}

## Errors

Exact: forward dynamic programming over (requests, answers of v2), a look at every request. Simulated: wrong verdicts among the runs; they must agree with the exact figure (binomial test).

${errorTable(cells)}

## Requests to the verdict

Mean requests, and in brackets the ratio to Wald's one-sided bound, below which no test of even one of the two margins can be. Reference: the gate with the thresholds of Ville's inequality. Optimum:
the two-sided rule with the same errors that needs the fewest requests at the promise and the margins (backward induction). What it gains there it pays where the error is gross: see half (v2 gets
half of the requests) and nothing. A margin that reaches below 0 stands for "nothing".

${requestTable(cells)}

## Looking more or less often

${peekTable(peeked)}

## Balancing instead of weights

Where no weight draws, requests are not independent, and the theorem behind the gate does not apply. So its errors are counted, for the balancers of Envoy in a closed loop (service times exponential, or steady: within 20 % of their mean):
50 ± 5 % by balancing with a quiet band of 1.25 points at 1 %, over one pod of each version (false alarms) and over 9 of v1 and 11 of v2 (misses), a look at every request. The guarantee is stated for
these. Variance: that of blocks of 100 requests, as a multiple of the binomial one.

${balancingTable(balanced)}

The same promise is not kept by least requests when latencies differ. v1 takes 5 ms, v2 25 ms:

${driftTable(driftRows(seed))}

## Limits of response times under a queue

A limit such as "p95 at most 800 ms" is decided by how many answers take longer. Behind a queue they do so in waves, and a rule for independent answers is then wrong far more often than it says. So answers
are counted as fewer: by the variance of their counts from look to look, above the limit and above the middle, over the binomial one (batch means of 16 to 31 blocks, times 1.5). No theorem holds for that; these
are its errors at a promised 1 %, for one server with Poisson arrivals and exponential service (M/M/1), a look every 100 answers, at most 20,000. Half as many answers above the limit as may be are to pass, twice as
many (in odds) to fail. The guarantee is stated for a server that is busy up to 80 % of its time; beyond that waves last longer than the window, and most runs end without a verdict.

${queueingTable(queued)}
`;
process.stdout.write(text);
if (values.out) writeFileSync(values.out, text);
if (values.readme) writeIntoReadme('calibrate', `${caseTable(compared)}\n`);
for (const problem of broken) process.stderr.write(`broken: ${problem}\n`);
process.exitCode = broken.length > 0 ? 1 : 0;
