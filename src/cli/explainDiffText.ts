import pc from 'picocolors';
import { formatPercent } from '../base/units.js';
import type { Prediction } from '../mesh/tally.js';
import type { TrafficChange, TrafficDiff } from './explainDiff.js';
import { type PlacedWarning, warningLines } from './explainText.js';
import { shareBar } from './shareBar.js';

export interface DiffDocument extends TrafficDiff {
  readonly from: string;
  /** Those that the change brings, and those that it removes. */
  readonly warnings: readonly PlacedWarning[];
  readonly resolved: readonly PlacedWarning[];
}

/** For people: per host and kind of request what arrived where before, and where it arrives after. */
export function diffText({ from, changes, unexamined, warnings, resolved }: DiffDocument, color: boolean): string {
  const paint = pc.createColors(color);
  const lines: string[] = [];
  if (changes.length === 0) lines.push(`${paint.bold(from)}: every request goes where it went before`);
  for (const [index, change] of changes.entries()) {
    if (index > 0) lines.push('');
    lines.push(`${paint.bold(`${from} → ${change.to}`)}  ${requestText(change)}`, `  ${verdict(change)}`);
    lines.push(...sides(change).map((line) => `    ${line}`));
    lines.push(...change.details.map((detail) => `    ${detail}`));
  }
  if (unexamined.length > 0)
    lines.push('', ...unexamined.map((what) => `not examined, no request is known that matches: ${what}`));
  if (warnings.length > 0) lines.push('', paint.bold('new warnings'), ...warningLines(warnings, paint));
  if (resolved.length > 0) lines.push('', paint.bold('warnings that are gone'), ...warningLines(resolved, paint));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function requestText({ request: { method, path, headers }, matches }: TrafficChange): string {
  const shown = [method, path, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join(' ');
  return matches ? `${shown}  (${matches})` : shown;
}

function verdict({ moved, before, after }: TrafficChange): string {
  const protocol = before.protocol === after.protocol ? '' : `; ${before.protocol} becomes ${after.protocol}`;
  const how = moved < 1e-9 ? 'arrive where they did' : `${formatPercent(moved, 4)} of these requests go elsewhere`;
  return how + protocol;
}

function sides({ before, after }: TrafficChange): string[] {
  const names = (of: keyof Pick<Prediction, 'share' | 'failed'>) =>
    [...new Set([...Object.keys(before[of]), ...Object.keys(after[of])])].sort().map((name) => ({ of, name }));
  const rows = [...names('share'), ...names('failed')];
  const width = Math.max(...rows.map(({ name }) => name.length));
  const cell = (share: number) => `${shareBar(share)} ${formatPercent(share, 4).padStart(9)}`;
  return rows.map(({ of, name }) => {
    const [was, is] = [before[of][name] ?? 0, after[of][name] ?? 0];
    return `${name.padEnd(width)}  ${cell(was)}  →  ${cell(is)}`;
  });
}
