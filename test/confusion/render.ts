import { confusions, type Judged, rankOf, totalsOf } from './matrix.js';
import type { Outcome } from './run.js';
import { type EntryRuns, judgedOf } from './runs.js';
import type { Entry } from './types.js';

const HOW = { objects: 'objects', lab: 'switch of the lab', recorded: 'objects and recorded counts' } as const;

interface Counted {
  readonly first: number;
  readonly later: number;
  readonly missed: number;
}

function countOf(judged: readonly Judged[]): Counted {
  const ranks = judged.map(rankOf);
  const first = ranks.filter((rank) => rank === 1).length;
  const later = ranks.filter((rank) => rank !== undefined && rank > 1 && rank <= 3).length;
  return { first, later, missed: ranks.length - first - later };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Longest time to the cause; a dash where it was never named. */
function slowest(judged: readonly Judged[]): string {
  const times = judged.flatMap(({ afterMs }) => afterMs ?? []);
  return times.length > 0 ? seconds(Math.max(...times)) : '-';
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

function causeRow(entry: Entry, outcomes: readonly Outcome[]): (string | number)[] {
  const judged = judgedOf([{ entry, outcomes }], []);
  const { first, later, missed } = countOf(judged);
  const how = entry.how === 'objects' ? '' : ` (${HOW[entry.how]})`;
  return [entry.number, `\`${entry.code}\``, entry.means, entry.produced + how, first, later, missed, slowest(judged)];
}

const codeList = (codes: readonly string[]): string => codes.map((code) => `\`${code}\``).join(', ') || 'none';

function confusionTable(judged: readonly Judged[]): string {
  const rows = [...confusions(judged)].flatMap(([expected, named]) =>
    [...named].map(([code, count]) => [expected, code, count] as const),
  );
  return rows.length === 0
    ? 'Nothing was named instead of the cause.'
    : table(['produced', 'named first', 'runs'], rows);
}

function totalsText(judged: readonly Judged[]): string {
  const { runs, first, inThree, healthy, falseCauses, slowestGrossMs } = totalsOf(judged);
  const percent = (count: number) => `${count} of ${runs} (${((100 * count) / runs).toFixed(1)} %)`;
  return [
    ...(runs > 0 ? [`Named first in ${percent(first)} runs, among the first three in ${percent(inThree)}.`] : []),
    ...(slowestGrossMs === undefined
      ? []
      : [`From the start of the stage to the cause of a gross error: at most ${seconds(slowestGrossMs)}.`]),
    ...(healthy > 0 ? [`Healthy runs for which a cause was named: ${falseCauses} of ${healthy}.`] : []),
  ].join('\n');
}

/** For the terminal. */
export function textTable(runs: readonly EntryRuns[], healthy: readonly Outcome[]): string {
  const lines = runs.map(({ entry, outcomes }) => {
    const judged = judgedOf([{ entry, outcomes }], []);
    const { first, later, missed } = countOf(judged);
    const figures = [first, later, missed].map((each) => String(each).padStart(7)).join('');
    return `${String(entry.number).padStart(2)} ${entry.code.padEnd(26)}${figures}${slowest(judged).padStart(9)}`;
  });
  const head = `${''.padEnd(29)}${['first', 'in 3', 'missed'].map((each) => each.padStart(7)).join('')}${'slowest'.padStart(9)}`;
  const judged = judgedOf(runs, healthy);
  const instead = [...confusions(judged)].flatMap(([expected, named]) =>
    [...named].map(([code, count]) => `${expected}: ${code} ${count}x`),
  );
  return [...(runs.length > 0 ? [head, ...lines, ''] : []), ...instead, totalsText(judged), ''].join('\n');
}

/** Everything that was run of one kind. */
export interface PageRuns {
  readonly runs: readonly EntryRuns[];
  readonly healthy: readonly Outcome[];
  readonly seeds: number;
  readonly firstSeed: number;
}

const HELD_OUT_HEADING = '## Held-out runs';

/** The page of the docs with one part written anew; the other stays as it is. */
export function pageWith(before: string, part: 'catalogue' | 'held-out', made: PageRuns): string {
  const at = before.indexOf(HELD_OUT_HEADING);
  const [catalogue, heldOut] = at < 0 ? [before, ''] : [before.slice(0, at), before.slice(at)];
  return part === 'catalogue'
    ? `${cataloguePart(made)}${heldOut === '' ? '' : `\n${heldOut}`}`
    : `${catalogue.trimEnd()}\n\n${heldOutPart(made)}`;
}

const seedsText = ({ seeds, firstSeed }: PageRuns): string => `seeds ${firstSeed} to ${firstSeed + seeds - 1}`;

const healthyTable = (healthy: readonly Outcome[]): string =>
  table(
    ['run', 'verdict', 'causes', 'asked all the same'],
    healthy.map(({ title, verdict, causes, recorded }) => [
      title,
      verdict,
      codeList(causes.map(({ code }) => code)),
      codeList(recorded),
    ]),
  );

function cataloguePart(made: PageRuns): string {
  const { runs, healthy } = made;
  const judged = judgedOf(runs, healthy);
  return `# Causes of a wrong split

Written by \`npm run confusion\` (${seedsText(made)}). Every cause that weighbridge names is produced in the embedded lab: a small application, one stage that promises 10 % to v2, real load, and one thing wrong.
The page counts whether the cause is told first, second or third, or not at all, and how long that takes from the start of the stage. The causes were made with these runs at hand;
what they are worth elsewhere is in [Held-out runs](#held-out-runs).

${totalsText(judged)}

## Catalogue

${table(
  ['#', 'code', 'means', 'produced by', 'first', 'second or third', 'missed', 'slowest'],
  runs.map(({ entry, outcomes }) => causeRow(entry, outcomes)),
)}

### What was named instead

${confusionTable(judged)}

### Healthy runs

No cause may be named. A stage that passes has none; the last column says what the judge would name from its counts all the same.

${healthyTable(healthy)}
`;
}

function heldOutPart(made: PageRuns): string {
  const { runs, healthy } = made;
  const judged = judgedOf(runs, healthy);
  const rows = runs.map(({ entry, outcomes }) => {
    const own = judgedOf([{ entry, outcomes }], []);
    const { first, later, missed } = countOf(own);
    return [entry.number, `\`${entry.code}\``, first, later, missed, slowest(own)];
  });
  return `${HELD_OUT_HEADING}

Written by \`npm run confusion -- --held-out\` (${seedsText(made)}). The same mistakes where nothing else is as in the runs above: names of namespace, Services, workloads and versions, the promised share (8 to 30 %) and its margin,
replicas of the caller and of both versions, the load (open or closed, 250 to 450 requests a second), how fast the shop answers, the scrape interval (250 ms to 1 s) and the size of the mistake (weights, error ratios, latencies, moments)
are drawn from the seed and the number of the cause. What causes were mended after earlier seeds, and after these, is in \`DECISIONS.md\` (Causes are measured where they were not made).

${totalsText(judged)}

${table(['#', 'code', 'first', 'second or third', 'missed', 'slowest'], rows)}

### What was named instead, held out

${confusionTable(judged)}

### Healthy runs, held out

${healthyTable(healthy)}
`;
}
