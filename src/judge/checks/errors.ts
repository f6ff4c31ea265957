import { cleanNeeded, specOf } from '../checkPlan.js';
import { alarmRate, errorCeiling } from '../errors.js';
import { closedOutcome, decidedOutcome, type Outcome, openOutcome } from '../outcome.js';
import { errorTally, type GoodObservation } from '../tallies.js';
import type { CheckPlan } from '../types.js';
import { amount, counted, percent } from '../words.js';
import { observedShare } from './share.js';

/** At most `max` of the calls may fail, counted where the application's own retries cannot hide them. */
export function errorsCheck(plan: CheckPlan): (observation: GoodObservation, settled: boolean) => Outcome {
  const max = plan.expected.max ?? 0;
  const rule = errorCeiling({ max, alpha: plan.alpha, beta: plan.beta, absence: plan.expected.absence ?? 0.01 });
  const excluded = max === 0 ? (plan.expected.absence ?? 0.01) : alarmRate(max);
  const cap = specOf(plan) ? (plan.cap ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  return ({ counts }, settled) => {
    const tally = errorTally(counts);
    const observed = observedShare(tally, plan.alpha);
    const sentence = `${amount(tally.count)} of ${counted(tally.total, 'calls')} failed: ${percent(observed.share)} (between ${percent(observed.low)} and ${percent(observed.high)})`;
    const promise = max === 0 ? 'no failure was promised' : `at most ${percent(max)} was promised`;
    switch (rule.decide(tally.count, tally.total)) {
      case 'fail':
        return decidedOutcome('fail', `${sentence}; ${promise}.`, observed);
      case 'pass':
        return decidedOutcome(
          'pass',
          `${sentence}; ${promise}, and ${percent(excluded)} or more is excluded at error rate ${percent(plan.beta)}.`,
          observed,
        );
      case 'continue': {
        if (tally.total >= cap) {
          return decidedOutcome(
            'inconclusive',
            `${sentence}; ${promise}, and ${amount(cap)} calls, the most this check waits for, did not settle it: the rate most likely lies between ${percent(max)} and ${percent(excluded)}.`,
            observed,
          );
        }
        const need = Math.min(rule.need(tally.count, tally.total), max === 0 ? cleanNeeded(plan) : cap - tally.total);
        const open = openOutcome(
          `${sentence}; ${promise}; about ${amount(need)} more calls are needed.`,
          observed,
          rule.progress(tally.count, tally.total),
          need,
        );
        return settled ? closedOutcome(open) : open;
      }
    }
  };
}
