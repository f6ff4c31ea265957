import { type Clock, sleep } from '../base/clock.js';
import { type SoakJudge, soakLookMs } from '../judge/soak.js';
import type { StageAssessment } from '../judge/types.js';
import type { RunEventBody } from './events.js';
import type { CountingWindow, LookTaken } from './window.js';

interface SoakInput {
  readonly stage: string;
  readonly soakMs: number;
  readonly judge: SoakJudge;
  readonly window: CountingWindow;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEventBody) => void;
  /** What goes with a look into the journal. */
  readonly withLook: (taken: LookTaken) => Omit<Extract<RunEventBody, { type: 'soak-look' }>, 'type' | 'stage'>;
}

/** Looks on until the soak is over or something drifted. @returns the stage's assessment; undefined when there was no look. */
export async function soak(input: SoakInput): Promise<StageAssessment | undefined> {
  const { stage, judge, window, clock, signal, emit } = input;
  emit({ type: 'soak-started', stage, ms: input.soakMs });
  let assessment: StageAssessment | undefined;
  while (!signal.aborted && !assessment?.decided) {
    await sleep(clock, soakLookMs(input.soakMs), signal);
    if (signal.aborted) break;
    const taken = await window.look(signal);
    if (signal.aborted) break;
    emit({ type: 'soak-look', stage, ...input.withLook(taken) });
    assessment = judge.look(taken.look);
  }
  const drifted = assessment?.verdict === 'fail';
  emit({ type: 'soak-finished', stage, reason: drifted ? 'drift' : signal.aborted ? 'interrupted' : 'over' });
  return assessment;
}
