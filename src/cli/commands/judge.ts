import { Command } from 'commander';
import { ConfigError, EXIT, type Problem } from '../../base/errors.js';
import { parsePercent } from '../../base/units.js';
import { type CountsPromise, type CountsVerdict, judgeCounts } from '../../judge/counts.js';
import type { Io } from '../io.js';
import { type Counts, countsFrom, readLines } from './judgeInput.js';

interface Flags {
  readonly share?: string;
  readonly margin: string;
  readonly errorRate: string;
  readonly absence: string;
  readonly observed?: string;
  readonly stdin: boolean;
  readonly json: boolean;
}

interface Result extends CountsVerdict {
  /** Requests at which it was decided; null: not yet. */
  readonly decidedAt: number | null;
}

/** `weighbridge judge`: a verdict for counts from anywhere. */
export function judgeCommand(io: Io): Command {
  return new Command('judge')
    .description('a verdict, with stated error rate, for counts from anywhere')
    .option('--share <percent>', 'promised share, such as 10% (required)')
    .option('--margin <percent>', 'largest harmless deviation', '3%')
    .option('--error-rate <percent>', 'probability of a wrong verdict, either way, however often it is asked', '0.01%')
    .option('--absence <percent>', 'what a promised 0% (or 100%) certifies', '1%')
    .option('--observed <k/n>', 'k of n requests, such as 402/1601')
    .option(
      '--stdin',
      'read one JSON object {"k":..,"n":..} of cumulative counts a line; decides at the first line that suffices',
      false,
    )
    .option('--json', 'print one JSON document', false)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge judge --share 10% --margin 3% --error-rate 0.01% \\
    --observed 402/1601
  my-counter | weighbridge judge --share 50% --margin 5% --stdin --json

Exit codes: 0 pass · 1 fail · 2 inconclusive (not decided yet) · 3 usage`,
    )
    .action(async (flags: Flags) => {
      const { promise, counts } = validate(flags);
      const judge = judgeCounts(promise);
      const result = counts ? decided(judge(counts.k, counts.n), counts.n) : await judgeStream(io, judge);
      const document = {
        verdict: result.verdict,
        decidedAt: result.decidedAt,
        share: result.share,
        errorRate: promise.errorRate,
        reason: result.reason,
      };
      io.stdout.write(flags.json ? `${JSON.stringify(document)}\n` : `${result.verdict}: ${result.reason}\n`);
      io.setExitCode(result.verdict === 'pass' ? EXIT.pass : result.verdict === 'fail' ? EXIT.fail : EXIT.inconclusive);
    });
}

const decided = (verdict: CountsVerdict, n: number): Result => ({
  ...verdict,
  decidedAt: verdict.verdict === 'pass' || verdict.verdict === 'fail' ? n : null,
});

async function judgeStream(io: Io, judge: (k: number, n: number) => CountsVerdict): Promise<Result> {
  let last = decided(judge(0, 0), 0);
  for await (const counts of readLines(io.stdin, io.signal)) {
    last = decided(judge(counts.k, counts.n), counts.n);
    if (last.decidedAt !== null) break;
  }
  if (io.signal.aborted) io.stderr.write('interrupted: the verdict is of the lines read so far\n');
  return last;
}

function validate(flags: Flags): { promise: CountsPromise; counts: Counts | undefined } {
  const problems: Problem[] = [];
  const problem = (file: string, message: string, hint: string) => problems.push({ file, message, hint });
  const percentOf = (option: string, text: string | undefined, allowed: string, fits: (value: number) => boolean) => {
    const value = text === undefined ? undefined : parsePercent(text);
    if (text === undefined) problem(option, 'it is required', `write ${option} 10%`);
    else if (value === undefined || !fits(value))
      problem(option, `${JSON.stringify(text)} is not ${allowed}`, `write a percentage such as ${option} 1%`);
    return value ?? 0;
  };
  const inside = (value: number) => value > 0 && value < 1;
  const promise = {
    share: percentOf('--share', flags.share, 'a percentage from 0% to 100%', () => true),
    margin: percentOf('--margin', flags.margin, 'a percentage above 0% and below 100%', inside),
    errorRate: percentOf(
      '--error-rate',
      flags.errorRate,
      'a percentage above 0% and at most 50%',
      (value) => value > 0 && value <= 0.5,
    ),
    absence: percentOf('--absence', flags.absence, 'a percentage above 0% and below 100%', inside),
  };
  let counts: Counts | undefined;
  if ((flags.observed === undefined) !== flags.stdin) {
    problem(
      '--observed',
      flags.stdin ? 'it excludes --stdin' : 'neither --observed nor --stdin is given',
      'give exactly one of them',
    );
  } else if (flags.observed !== undefined) {
    const match = /^\s*(\d+)\s*\/\s*(\d+)\s*$/.exec(flags.observed);
    const read = countsFrom(match ? { k: Number(match[1]), n: Number(match[2]) } : flags.observed);
    if (typeof read === 'string')
      problem('--observed', `${JSON.stringify(flags.observed)}: ${read}`, 'write k of n as --observed 402/1601');
    else counts = read;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { promise, counts };
}
