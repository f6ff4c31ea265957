import { EXIT, type ExitCode } from '../base/errors.js';
import type { CheckResult, Verdict } from './types.js';

/**
 * The worst of the required checks in the order fail, no-data, inconclusive, pass. `not-applicable` checks say nothing; without a single
 * required check that passed the stage is inconclusive.
 */
export function stageVerdict(checks: readonly CheckResult[]): Verdict {
  const verdicts = checks.filter((check) => check.required).map((check) => check.verdict);
  for (const verdict of ['fail', 'no-data', 'inconclusive', 'pass'] as const) {
    if (verdicts.includes(verdict)) return verdict;
  }
  return 'inconclusive';
}

export interface RunCircumstances {
  /** False: the load generator was the bottleneck; a pass becomes inconclusive, a fail stays. */
  readonly generatorValid: boolean;
  /** True or the signal when the run was cut short: never a pass, and an exit code of its own. */
  readonly interrupted: boolean | 'SIGINT' | 'SIGTERM';
}

/** Verdict and exit code of a run: the worst of its stages. */
export function runVerdict(
  stageVerdicts: readonly Verdict[],
  { generatorValid, interrupted }: RunCircumstances,
): { verdict: Verdict; exitCode: ExitCode } {
  const worst = worstOf(stageVerdicts);
  const verdict = worst === 'pass' && (!generatorValid || interrupted) ? 'inconclusive' : worst;
  if (interrupted) return { verdict, exitCode: interrupted === 'SIGTERM' ? EXIT.sigterm : EXIT.sigint };
  return { verdict, exitCode: verdict === 'pass' ? EXIT.pass : verdict === 'fail' ? EXIT.fail : EXIT.inconclusive };
}

function worstOf(verdicts: readonly Verdict[]): Verdict {
  for (const verdict of ['fail', 'no-data', 'inconclusive', 'not-applicable'] as const) {
    if (verdicts.includes(verdict)) return verdict === 'not-applicable' ? 'inconclusive' : verdict;
  }
  return verdicts.length > 0 ? 'pass' : 'no-data';
}
