import { Command } from 'commander';
import { EXIT } from '../../base/errors.js';
import { type CountsVerdict, judgeCounts } from '../../judge/counts.js';
import { judgeShares, type SharesVerdict } from '../../judge/shares.js';
import type { Io } from '../io.js';
import { type JudgeFlags, readFlags } from './judgeFlags.js';
import { type CountsForm, readLines } from './judgeInput.js';

type Judged = CountsVerdict | SharesVerdict;

/** `weighbridge judge`: a verdict for counts from anywhere. */
export function judgeCommand(io: Io): Command {
  return new Command('judge')
    .description('a verdict, with stated error rate, for counts from anywhere')
    .option(
      '--share <percent>',
      'promised share, such as 10%; of several versions v1=70%, one option each, together 100% (required)',
      (text, all: string[]) => [...all, text],
      [] as string[],
    )
    .option('--margin <percent>', 'largest harmless deviation', '3%')
    .option('--quiet <percent>', 'deviation that must not alarm either, below the margin', '0%')
    .option('--error-rate <percent>', 'probability of a wrong verdict, either way, however often it is asked', '0.01%')
    .option('--absence <percent>', 'what a promised 0% (or 100%) certifies', '1%')
    .option('--observed <counts>', 'k of n requests, such as 402/1601; of several versions v1=700,v2=300')
    .option(
      '--stdin',
      'read one JSON object {"k":..,"n":..} (of several versions {"v1":..,"v2":..}) of cumulative counts a line; decides at the first line that suffices',
      false,
    )
    .option('--json', 'print one JSON document', false)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge judge --share 10% --margin 3% --error-rate 0.01% \\
    --observed 402/1601
  weighbridge judge --share v1=70% --share v2=20% --share v3=10% \\
    --observed v1=2890,v2=802,v3=399
  my-counter | weighbridge judge --share 50% --margin 5% --stdin --json

Exit codes: 0 pass · 1 fail · 2 inconclusive (not decided yet) · 3 usage`,
    )
    .action(async (flags: JudgeFlags) => {
      const asked = readFlags(flags);
      const { result, decidedAt, pValue } =
        asked.kind === 'one'
          ? await judged(io, asked, pairJudge(asked.promise))
          : await judged(io, asked, sharesJudge(asked.promise));
      const document = {
        verdict: result.verdict,
        decidedAt,
        ...('share' in result ? { share: result.share } : { shares: result.shares }),
        errorRate: asked.promise.errorRate,
        pValue,
        reason: result.reason,
      };
      io.stdout.write(flags.json ? `${JSON.stringify(document)}\n` : `${result.verdict}: ${result.reason}\n`);
      io.setExitCode(result.verdict === 'pass' ? EXIT.pass : result.verdict === 'fail' ? EXIT.fail : EXIT.inconclusive);
    });
}

/** A judge of counts, and how many requests they are. */
interface Judge<T> {
  judge(counts: T): Judged;
  total(counts: T): number;
}

function pairJudge(promise: Parameters<typeof judgeCounts>[0]): Judge<{ readonly k: number; readonly n: number }> {
  const judge = judgeCounts(promise);
  return { judge: ({ k, n }) => judge(k, n), total: ({ n }) => n };
}

function sharesJudge(promise: Parameters<typeof judgeShares>[0]): Judge<Readonly<Record<string, number>>> {
  return {
    judge: judgeShares(promise),
    total: (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0),
  };
}

interface Result {
  readonly result: Judged;
  /** Requests at which it was decided; null: not yet. */
  readonly decidedAt: number | null;
  /** Smallest of all looks: anytime-valid. */
  readonly pValue: number;
}

async function judged<T>(
  io: Io,
  { counts, form }: { readonly counts: T | undefined; readonly form: CountsForm<T> },
  { judge, total }: Judge<T>,
): Promise<Result> {
  let pValue = 1;
  const look = (seen: T): Result => {
    const result = judge(seen);
    pValue = Math.min(pValue, result.pValue);
    const decided = result.verdict === 'pass' || result.verdict === 'fail';
    return { result, decidedAt: decided ? total(seen) : null, pValue };
  };
  if (counts !== undefined) return look(counts);
  let last = look(form.none);
  for await (const seen of readLines(io.stdin, io.signal, form)) {
    last = look(seen);
    if (last.decidedAt !== null) break;
  }
  if (io.signal.aborted) io.stderr.write('interrupted: the verdict is of the lines read so far\n');
  return last;
}
