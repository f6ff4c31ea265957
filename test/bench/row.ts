/** What is asked of a median. */
export type Goal = { readonly atLeast: number; readonly aim?: number } | { readonly atMost: number };

/** One line of the bench: a figure measured several times in this run. */
export interface Row {
  /** Key for `--only`, shared by the rows of one piece of work. */
  readonly work: WorkName;
  readonly what: string;
  /** `x`: ours / theirs, so above 1 is better than theirs unless the goal is `atMost`. */
  readonly unit: 'x' | 'ms' | 'ns' | 'MB' | 'requests/CPU-s';
  readonly values: readonly number[];
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Undefined: measured to be known, nothing is promised. */
  readonly goal?: Goal;
  readonly met: boolean;
}

export const WORK = [
  'bare',
  'scripted',
  'users',
  'schedule',
  'start',
  'histogram',
  'judge',
  'mesh',
  'soak',
  'engines',
] as const;
export type WorkName = (typeof WORK)[number];

/** What the rows of one piece of work are, and what was left out because a program is missing. */
export interface Measured {
  readonly rows: readonly Row[];
  readonly skipped: readonly string[];
}

/** @param values at least one. */
export function row(work: WorkName, what: string, values: readonly number[], unit: Row['unit'], goal?: Goal): Row {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1
      ? (sorted[middle] as number)
      : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  const met = !goal || ('atLeast' in goal ? median >= goal.atLeast : median <= goal.atMost);
  const [min = Number.NaN, max = Number.NaN] = [sorted[0], sorted.at(-1)];
  return { work, what, unit, values, min, median, max, ...(goal ? { goal } : {}), met };
}

function figure(value: number, unit: Row['unit']): string {
  if (unit === 'requests/CPU-s') return Math.round(value).toLocaleString('en-US');
  return value.toFixed(unit === 'x' || unit === 'ms' ? 2 : 1);
}

function goalText({ goal, unit }: Row): string {
  if (!goal) return '';
  return 'atLeast' in goal
    ? `>= ${goal.atLeast} ${unit}${goal.aim === undefined ? '' : ` (aim ${goal.aim})`}`
    : `<= ${goal.atMost} ${unit}`;
}

const cells = (row: Row) => [
  ...[row.min, row.median, row.max].map((value) => figure(value, row.unit)),
  goalText(row) || `(${row.unit})`,
];

/** For a terminal. */
export function textTable(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length)) + 2;
  const line = (what: string, [min, median, max, goal]: readonly string[], end: string) =>
    `${what.padEnd(width)}${[min, median, max].map((cell) => cell?.padStart(9)).join('')}  ${goal}${end}\n`;
  return [
    line('', ['min', 'median', 'max', 'goal for the median'], ''),
    ...rows.map((row) => line(row.what, cells(row), row.met ? '' : '  MISSED')),
  ].join('');
}

/** For the README. */
export function markdownTable(rows: readonly Row[]): string {
  const line = (of: readonly string[]) => `| ${of.join(' | ')} |\n`;
  return [
    line(['work', 'min', 'median', 'max', 'goal for the median']),
    line(['---', '--:', '--:', '--:', '---']),
    ...rows.map((row) => line([row.what, ...cells(row).slice(0, 3), `${cells(row)[3]}${row.met ? '' : ', missed'}`])),
  ].join('');
}
