import type { CheckResult, Verdict } from './types.js';

/** What a check makes of one look. */
export interface Outcome {
  /** `inconclusive` or `no-data` while undecided. */
  readonly verdict: Verdict;
  readonly decided: boolean;
  /** Not decided, but the settled look will decide: the window may close. */
  readonly ready: boolean;
  readonly observed: CheckResult['observed'];
  readonly reason: string;
  /** 0..1 */
  readonly progress: number;
  readonly need?: number;
  /** See CheckResult; absent: told from plan and counts. */
  readonly statistics?: string;
}

export const decidedOutcome = (verdict: Verdict, reason: string, observed: CheckResult['observed']): Outcome => ({
  verdict,
  decided: true,
  ready: true,
  observed,
  reason,
  progress: verdict === 'pass' ? 1 : 0,
});

export const openOutcome = (
  reason: string,
  observed: CheckResult['observed'],
  progress: number,
  need?: number,
): Outcome => ({
  verdict: 'inconclusive',
  decided: false,
  ready: false,
  observed,
  reason,
  progress,
  ...(need === undefined ? {} : { need }),
});

/** Enough was seen; the verdict waits for counts that nothing can change any more. */
export const readyOutcome = (reason: string, observed: CheckResult['observed']): Outcome => ({
  ...openOutcome(reason, observed, 1),
  ready: true,
});

/** At the settled look nothing more can come: what is undecided stays inconclusive. */
export const closedOutcome = (open: Outcome): Outcome => {
  const { need: _over, ...rest } = open;
  return { ...rest, decided: true, ready: true };
};
