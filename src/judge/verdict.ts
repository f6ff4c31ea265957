import { EXIT, type ExitCode } from '../base/errors.js';
import type { CheckResult, StageAssessment, Verdict } from './types.js';

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

/**
 * What an assessment is worth when the load generator was the bottleneck: its delay is in every response time, so a limit that was broken is
 * not refuted. Which of two versions takes longer, and what proxies counted, stands.
 */
export function underInvalidGenerator(assessment: StageAssessment): StageAssessment {
  const checks = assessment.checks.map((check): CheckResult => {
    if (check.verdict !== 'fail' || !check.expected.percentile) return check;
    const reason = `${check.reason.replace(/\.$/, '')}; but the load generator was late itself, which is in these times.`;
    return { ...check, verdict: 'inconclusive', reason };
  });
  return { ...assessment, checks, verdict: stageVerdict(checks) };
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
