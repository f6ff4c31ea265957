import { Command } from 'commander';
import { formatPercent } from '../../base/units.js';
import { type Plan, planRun, type Rates } from '../../judge/plan.js';
import type { PlannedCheck } from '../../judge/planCheck.js';
import type { Io } from '../io.js';
import { defaultScenario, positive } from '../options.js';
import { readScenario } from '../scenarioFile.js';

interface Flags {
  readonly rate?: number;
  readonly json: boolean;
}

/** `weighbridge plan`: what a run will take, before anything is sent. */
export function planCommand(io: Io): Command {
  return new Command('plan')
    .description('before anything is sent: requests, seconds and the probability of each verdict, per stage')
    .argument('[scenario]', 'scenario file or its folder (default: Pitstop, shipped with weighbridge)')
    .option(
      '--rate <requests/s>',
      'requests of the service per second (default: from the load of the scenario)',
      positive,
    )
    .option('--json', 'print one JSON document', false)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge plan
  weighbridge plan shop/ --rate 50    how long it takes at 50 requests/s

Exit codes: 0 planned · 3 usage or configuration`,
    )
    .action(async (file: string | undefined, flags: Flags) => {
      const scenario = await readScenario(file ?? defaultScenario(io.cwd), io);
      const plan = planRun(scenario, flags.rate === undefined ? undefined : everywhere(flags.rate));
      io.stdout.write(flags.json ? `${JSON.stringify(plan)}\n` : planText(plan));
    });
}

const everywhere = (rate: number): Rates => ({ client: rate, source: rate, destination: rate, graph: rate });

/** The plan as a person reads it. */
export function planText(plan: Plan): string {
  const rate = (value: number) => Math.round(value * 10) / 10;
  const header = [
    `${plan.scenario}: a run in which all is as promised ends red with probability ${formatPercent(plan.errorRate, 4)} at most`,
    `assumed requests/s that tell the version: client ${rate(plan.rates.client)}, proxies ${rate(plan.rates.source)}`,
    ...(plan.mixedIn.length > 0
      ? [`added to the URI list, which has no page that tells the version: ${plan.mixedIn.join(', ')}`]
      : []),
  ];
  const rows = plan.stages.flatMap((stage) =>
    stage.checks.length === 0
      ? [[stage.name, '(nothing to decide)']]
      : stage.checks.map((check, index) => [index === 0 ? stage.name : '', ...cells(check)]),
  );
  const titles = ['stage', 'check', 'requests', 'q95', 'q99', 'seconds', 'q99', 'false alarm', 'miss', 'inconclusive'];
  const checks = plan.stages.flatMap((stage) => stage.checks.map((check) => ({ stage: stage.name, check })));
  const broken = checks.map(({ stage, check }) => [stage, checkName(check), ...brokenCells(check)]);
  const stages = plan.stages.map(
    (stage) =>
      `${stage.name}: pass with ${formatPercent(stage.verdicts.pass, 2)} or more, fail ${probability(stage.verdicts.fail)} or less, inconclusive ${probability(stage.verdicts.inconclusive)} or less`,
  );
  const errors = checks.find(({ check }) => check.name === 'errors')?.check;
  const fewest = errors
    ? [`errors: numbers are for as many failures as allowed; without any, ${errors.fewest} requests suffice`]
    : [];
  const units = unitNotes(plan);
  const notes = plan.warnings.map((warning) => `warning: ${warning}`);
  const sections = [
    header,
    [...table([titles, ...rows]), ...fewest],
    [
      'If a promise is broken: requests (seconds) to the verdict on average, and in 99 of 100 runs at most',
      ...table([BROKEN, ...broken]),
    ],
    ['If everything is as promised:', ...stages, ...units, ...notes],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Where a version is not drawn for every request; an unknown unit is only worth a word where a share must be told. */
function unitNotes({ stages }: Plan): string[] {
  const notes = new Map<string, string[]>();
  for (const { name, granularity, checks } of stages) {
    const { unit, sentence, fresh } = granularity;
    if (unit === 'request' || !checks.some((check) => check.name.startsWith('share:'))) continue;
    const counted = fresh?.helps ? ` Counted are connections: the run opens new ones, because ${fresh.why}.` : '';
    const note = `${sentence}${counted}`;
    notes.set(note, [...(notes.get(note) ?? []), name]);
  }
  return [...notes].map(([note, names]) => `${names.join(', ')}: ${note}`);
}

const BROKEN = ['stage', 'check', 'off by the margin', 'q99', 'gets nothing', 'q99', 'gets half', 'q99'];

const checkName = ({ name, vantagePoint, required }: PlannedCheck): string =>
  `${name} at ${vantagePoint}${required ? '' : ' (not required)'}`;

/** The other three truths: for failures twice the maximum, none and half. */
function brokenCells({ truths }: PlannedCheck): string[] {
  return [truths.offByMargin, truths.nothing, truths.half].flatMap(({ requests, seconds }) => [
    `${requests.expected} (${duration(seconds.expected)})`,
    `${requests.q99} (${duration(seconds.q99)})`,
  ]);
}

function cells(check: PlannedCheck): string[] {
  const { requests, seconds } = check;
  const approximately = check.exact ? '' : '~';
  return [
    checkName(check),
    approximately + requests.expected,
    approximately + requests.q95,
    approximately + requests.q99,
    duration(seconds.expected),
    duration(seconds.q99),
    probability(check.falseAlarm),
    probability(check.miss),
    probability(check.verdicts.inconclusive),
  ];
}

const duration = (seconds: number): string => (Number.isFinite(seconds) ? seconds.toFixed(1) : 'never');

/** Small probabilities keep two digits. */
const probability = (value: number): string =>
  value === 0 ? '0' : value >= 0.001 ? formatPercent(value, 2) : `${(value * 100).toPrecision(2)} %`;

/** First two columns to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)).concat(all.slice(row.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
