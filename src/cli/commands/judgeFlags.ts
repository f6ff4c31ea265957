import { ConfigError, type Problem } from '../../base/errors.js';
import { formatPercent, parsePercent } from '../../base/units.js';
import type { CountsPromise } from '../../judge/counts.js';
import type { SharesPromise } from '../../judge/shares.js';
import { type Counts, type CountsForm, type NamedCounts, namedForm, PAIR } from './judgeInput.js';

export interface JudgeFlags {
  readonly share: readonly string[];
  readonly margin: string;
  readonly quiet: string;
  readonly errorRate: string;
  readonly absence: string;
  readonly observed?: string;
  readonly stdin: boolean;
  readonly json: boolean;
}

/** What is promised, and the counts when they are on the command line. */
export type Asked =
  | {
      readonly kind: 'one';
      readonly promise: CountsPromise;
      readonly form: CountsForm<Counts>;
      readonly counts: Counts | undefined;
    }
  | {
      readonly kind: 'several';
      readonly promise: SharesPromise;
      readonly form: CountsForm<NamedCounts>;
      readonly counts: NamedCounts | undefined;
    };

/** @throws ConfigError with every bad option at once. */
export function readFlags(flags: JudgeFlags): Asked {
  const problems: Problem[] = [];
  const problem = (file: string, message: string, hint: string) => problems.push({ file, message, hint });
  const percentOf = (option: string, text: string, allowed: string, fits: (value: number) => boolean): number => {
    const value = parsePercent(text);
    if (value === undefined || !fits(value))
      problem(option, `${JSON.stringify(text)} is not ${allowed}`, `write a percentage such as ${option} 1%`);
    return value ?? Number.NaN;
  };
  const inside = (value: number) => value > 0 && value < 1;
  const shares = flags.share.map((text) => shareOf(text, percentOf));
  const promised = shares.map(({ share }) => share);
  if (shares.length === 0) problem('--share', 'it is required', 'write --share 10%, or --share v1=70% --share v2=30%');
  else if (shares.some(({ name }) => name !== undefined) || shares.length > 1) checkNamed(shares, problem);
  const margin = percentOf('--margin', flags.margin, 'a percentage above 0% and below 100%', inside);
  for (const share of promised) checkReach(share, margin, problem);
  const quiet = percentOf(
    '--quiet',
    flags.quiet,
    'a percentage from 0% to below the margin',
    (value) => value === 0 || !(value >= margin),
  );
  if (quiet > 0 && shares.length > 1)
    problem('--quiet', 'it goes with one share only', 'leave it out, or judge one version');
  const rest = {
    margin,
    errorRate: percentOf(
      '--error-rate',
      flags.errorRate,
      'a percentage above 0% and at most 50%',
      (value) => value > 0 && value <= 0.5,
    ),
    absence: percentOf('--absence', flags.absence, 'a percentage above 0% and below 100%', inside),
  };
  if ((flags.observed === undefined) !== flags.stdin) {
    const message = flags.stdin ? 'it excludes --stdin' : 'neither --observed nor --stdin is given';
    problem('--observed', message, 'give exactly one of them');
  }
  const counted = <T>(form: CountsForm<T>, parsed: unknown): T | undefined => {
    if (flags.observed === undefined || flags.stdin) return undefined;
    const counts = form.parse(parsed);
    if (typeof counts !== 'string') return counts;
    const example = shares.length > 1 ? 'v1=700,v2=300' : '402/1601';
    problem('--observed', `${JSON.stringify(flags.observed)}: ${counts}`, `write it as --observed ${example}`);
    return undefined;
  };
  const asked = ((): Asked => {
    if (shares.length === 1) {
      const counts = counted(PAIR, pairOf(flags.observed ?? ''));
      return { kind: 'one', promise: { share: promised[0] as number, quiet, ...rest }, form: PAIR, counts };
    }
    const form = namedForm(shares.map(({ name }) => name ?? ''));
    const promise = { shares: Object.fromEntries(shares.map(({ name = '', share }) => [name, share])), ...rest };
    return { kind: 'several', promise, form, counts: counted(form, namedOf(flags.observed ?? '')) };
  })();
  if (problems.length > 0) throw new ConfigError(problems);
  return asked;
}

type Report = (file: string, message: string, hint: string) => void;

interface NamedShare {
  readonly name: string | undefined;
  readonly share: number;
}

function shareOf(
  text: string,
  percentOf: (option: string, text: string, allowed: string, fits: (value: number) => boolean) => number,
): NamedShare {
  const match = /^([^=]+)=(.*)$/.exec(text);
  const share = percentOf('--share', match?.[2] ?? text, 'a percentage from 0% to 100%', () => true);
  return { name: match?.[1]?.trim(), share };
}

function checkNamed(shares: readonly NamedShare[], problem: Report): void {
  const names = shares.map(({ name }) => name);
  if (names.includes(undefined)) {
    problem('--share', 'several shares need the names of their versions', 'write --share v1=70% --share v2=30%');
    return;
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) problem('--share', `${twice} is there twice`, 'give each version one share');
  const sum = shares.reduce((total, { share }) => total + share, 0);
  if (shares.length === 1 || Math.abs(sum - 1) > 1e-9) {
    const message = Number.isNaN(sum)
      ? 'not all shares are percentages'
      : `the shares sum to ${formatPercent(sum, 4)}, not to 100 %`;
    problem('--share', message, 'name every version that may answer, with 0% for those that get none');
  }
}

/** A margin may not make "none" or "all" as good as the promise. */
function checkReach(share: number, margin: number, problem: Report): void {
  const edge = Math.min(share, 1 - share);
  if (!(edge > 0) || !(margin >= edge)) return;
  const [other, flag] = share <= 0.5 ? ['0 %', '0%'] : ['100 %', '100%'];
  problem(
    '--margin',
    `${formatPercent(margin, 4)} makes ${other} as good as the promised ${formatPercent(share, 4)}`,
    `choose a margin below ${formatPercent(edge, 4)}, or promise --share ${flag} with --absence`,
  );
}

function pairOf(text: string): unknown {
  const match = /^\s*(-?\d+)\s*\/\s*(-?\d+)\s*$/.exec(text);
  return match ? { k: Number(match[1]), n: Number(match[2]) } : text;
}

function namedOf(text: string): unknown {
  const entries = text.split(',').map((part) => /^\s*([^=]+?)\s*=\s*(-?\d+)\s*$/.exec(part));
  if (entries.some((entry) => entry === null)) return text;
  return Object.fromEntries(entries.map((entry) => [entry?.[1], Number(entry?.[2])]));
}
