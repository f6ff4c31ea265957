import type { BalancingCell } from './balancing.js';
import type { Cell, Peeked } from './cells.js';
import { PROMISED, type Record } from './competitors.js';
import type { QueueingCell } from './queueing.js';

/** A Markdown table with padded columns, so that it is read as well in a terminal. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(3, ...rows.map((row) => (row[i] ?? '').length)));
  const text = rows.map(
    (row) =>
      `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [text[0], rule, ...text.slice(1)].join('\n');
}

const count = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
const percent = (value: number): string => `${Number((value * 100).toPrecision(2))} %`;
/** Shares of thousands of runs. */
const part = (value: number): string => `${(value * 100).toFixed(value > 0 && value < 0.01 ? 2 : 1)} %`;
const ratio = (value: number): string => value.toFixed(2);

export function errorTable(cells: readonly Cell[]): string {
  const head = ['share ± margin', 'promised', 'false alarm, exact', 'simulated', 'miss, exact', 'simulated'];
  return table([
    head,
    ...cells.map(({ share, margin, error, exact, seen }) => [
      `${percent(share)} ± ${percent(margin)}`,
      percent(error),
      percent(exact.alarm),
      `${seen.promised.fail} of ${count(seen.promised.runs)}`,
      percent(exact.miss),
      `${seen.off.pass} of ${count(seen.off.runs)}`,
    ]),
  ]);
}

export function requestTable(cells: readonly Cell[]): string {
  const head = [
    'share ± margin at error',
    'Wald',
    'reference',
    'ours',
    'optimum',
    'at the margin: Wald',
    'reference',
    'ours',
    'optimum',
    'half: ours',
    'optimum',
    'nothing: ours',
    'optimum',
  ];
  return table([
    head,
    ...cells.map(({ share, margin, error, wald, reference, ours, optimum }) => {
      const over = (value: number | undefined, bound: number) =>
        value === undefined ? '' : `${count(value)} (${ratio(value / bound)})`;
      const plain = (value: number | undefined) => (value === undefined ? '' : count(value));
      return [
        `${percent(share)} ± ${percent(margin)} at ${percent(error)}`,
        count(wald.promised),
        over(reference.promised, wald.promised),
        over(ours.promised, wald.promised),
        over(optimum?.promised, wald.promised),
        count(wald.off),
        over(reference.off, wald.off),
        over(ours.off, wald.off),
        over(optimum?.off, wald.off),
        plain(ours.half),
        plain(optimum?.half),
        plain(ours.nothing),
        plain(optimum?.nothing),
      ];
    }),
  ]);
}

export function peekTable(rows: readonly Peeked[]): string {
  return table([
    ['share ± margin at error', 'looks', 'false alarms', 'requests', 'misses', 'requests'],
    ...rows.map(({ share, margin, error, looks, promised, off }) => [
      `${percent(share)} ± ${percent(margin)} at ${percent(error)}`,
      'every' in looks ? `every ${looks.every}` : `at random, 1 to ${looks.random}`,
      part(promised.fail / promised.runs),
      count(promised.requests),
      part(off.pass / off.runs),
      count(off.requests),
    ]),
  ]);
}

export function competitorTable(records: readonly Record[]): string {
  const truths = records[0]?.at.map(({ truth }) => truth) ?? [];
  const wrong = (truth: number, green: number) => part(truth === PROMISED ? 1 - green : green);
  return table([
    [
      'rule',
      ...truths.map((truth) =>
        truth === PROMISED ? `false red (${percent(truth)})` : `false green (${percent(truth)})`,
      ),
      ...truths.map((truth) => `requests (${percent(truth)})`),
    ],
    ...records.map(({ name, at }) => [
      name,
      ...at.map(({ truth, green }) => wrong(truth, green)),
      ...at.map(({ requests }) => count(requests)),
    ]),
  ]);
}

/** What the README needs of it: how often a rule is wrong, and what it takes. */
export function caseTable(records: readonly Record[]): string {
  const at = (record: Record, truth: number) => record.at.find((each) => each.truth === truth) as Record['at'][number];
  return table([
    [
      'rule',
      'red although 10 % are right',
      'green although v2 gets 15 %',
      'green although 20 %',
      'requests at 10 %',
      'at 20 %',
    ],
    ...records.map((record) => [
      record.name,
      part(1 - at(record, PROMISED).green),
      part(at(record, 0.15).green),
      part(at(record, 0.2).green),
      count(at(record, PROMISED).requests),
      count(at(record, 0.2).requests),
    ]),
  ]);
}

export function queueingTable(cells: readonly QueueingCell[]): string {
  const open = ({ runs, pass, fail }: QueueingCell['half']) => part((runs - pass - fail) / runs);
  return table([
    [
      'limit',
      'server busy',
      'half as many: fail',
      'if taken as independent',
      'without verdict',
      'twice as many: pass',
      'if taken as independent',
      'without verdict',
      'answers (half)',
      'answers (twice)',
    ],
    ...cells.map(({ percentile, busy, half, twice, naive }) => [
      percentile,
      busy === 0 ? 'no queue' : percent(busy),
      part(half.fail / half.runs),
      part(naive.half.fail / naive.half.runs),
      open(half),
      part(twice.pass / twice.runs),
      part(naive.twice.pass / naive.twice.runs),
      open(twice),
      count(half.answers),
      count(twice.answers),
    ]),
  ]);
}

export function balancingTable(cells: readonly BalancingCell[]): string {
  return table([
    ['balancer', 'variance', 'false alarms', 'misses', 'without verdict', 'requests'],
    ...cells.map(({ says, variance, falseAlarms, misses, undecided, runs, requests }) => [
      says,
      ratio(variance),
      `${falseAlarms} of ${count(runs)}`,
      `${misses} of ${count(runs)}`,
      count(undecided),
      count(requests),
    ]),
  ]);
}

export const driftTable = (rows: readonly { readonly users: number; readonly share: number }[]): string =>
  table([['requests in flight', 'share of v2'], ...rows.map(({ users, share }) => [String(users), part(share)])]);
