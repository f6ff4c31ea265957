import type { Scenario, Stage } from '../../scenario/types.js';
import { cleanNeeded, specOf } from '../checkPlan.js';
import { confidenceSequence } from '../confidence.js';
import { darkOutcome } from '../dark.js';
import { closedOutcome, decidedOutcome, type Outcome, openOutcome } from '../outcome.js';
import { ruleFor } from '../requirements.js';
import { darkTally, type GoodObservation, shareTally, type Tally } from '../tallies.js';
import type { CheckPlan, CheckResult } from '../types.js';
import { amount, counted, percent, UNITS } from '../words.js';

/** Share and interval as a check result shows them. */
export function observedShare(tally: Tally, alpha: number): NonNullable<CheckResult['observed']> {
  const { count, total } = tally;
  return { share: total === 0 ? 0 : count / total, ...confidenceSequence(count, total, alpha), count, total };
}

const unitOf = ({ counted: what, vantagePoint }: CheckPlan): string => what ?? UNITS[vantagePoint];

/** `402 of 1,601 calls went to v2: 25.1 % (between 19.8 % and 30.9 %)` */
export function shareSentence(plan: CheckPlan, observed: NonNullable<CheckResult['observed']>): string {
  const { count, total, share, low, high } = observed;
  const verb = plan.vantagePoint === 'client' && !plan.counted ? 'came from' : 'went to';
  return `${amount(count)} of ${counted(total, unitOf(plan))} ${verb} ${plan.version}: ${percent(share)} (between ${percent(low)} and ${percent(high)})`;
}

/** A promised share strictly between 0 and 1, decided by the gate. */
export function gateCheck(plan: CheckPlan, stage: Stage): (observation: GoodObservation, settled: boolean) => Outcome {
  const spec = specOf(plan);
  if (spec?.kind !== 'gate') throw new TypeError(`${plan.name} is no gate`);
  const rule = ruleFor(spec);
  const promise = `${percent(spec.share)} ± ${percent(spec.margin)}${stage.expect.by === 'balancing' ? ' by balancing' : ''}`;
  const cap = plan.cap ?? Number.POSITIVE_INFINITY;
  return ({ counts }, settled) => {
    const tally = shareTally(counts, plan.version as string);
    const observed = observedShare(tally, plan.alpha);
    const sentence = shareSentence(plan, observed);
    const { count, total } = tally;
    switch (rule.decide(count, total)) {
      case 'fail':
        return decidedOutcome(
          'fail',
          `${sentence}; ${promise} was promised and is refuted at error rate ${percent(plan.alpha)}.`,
          observed,
        );
      case 'pass':
        return decidedOutcome(
          'pass',
          `${sentence}; ${promise} was promised, and shares beyond the margin are excluded at error rate ${percent(plan.beta)}.`,
          observed,
        );
      case 'continue': {
        const undecided = `${sentence}; that neither confirms nor refutes ${promise}`;
        if (total >= cap) {
          const where = 'the true share most likely lies between the promise and the margin';
          return decidedOutcome(
            'inconclusive',
            `${undecided} after ${amount(cap)}, the most this check waits for: ${where}.`,
            observed,
          );
        }
        const need = Math.min(rule.need(count, total), cap - total);
        const open = openOutcome(
          `${undecided} yet; about ${amount(need)} more are needed.`,
          observed,
          rule.progress(count, total),
          need,
        );
        return settled ? closedOutcome(open) : open;
      }
    }
  };
}

/** A promise of 0 % or 100 %: certain to be refuted by one request, certified by clean ones. */
export function darkCheck(
  plan: CheckPlan,
  scenario: Scenario,
): (observation: GoodObservation, settled: boolean) => Outcome {
  const needed = cleanNeeded(plan);
  const share = plan.expected.share ?? 0;
  const version = plan.version as string;
  const unit = unitOf(plan);
  const promise = share === 0 ? `${version} must get none` : `all must go to ${version}`;
  return ({ counts }, settled) => {
    const tally = darkTally(scenario, counts, plan.vantagePoint, version, share);
    const dark = darkOutcome(tally, needed);
    const observed = observedShare(
      { count: share === 0 ? dark.count : dark.total - dark.count, total: dark.total },
      plan.alpha,
    );
    const perUri = tally.strata.length > 1 ? ' at each marker URI' : '';
    if (dark.decision === 'fail') {
      const where = dark.decisive ? `, for instance at ${dark.decisive}` : '';
      const whom = share === 0 ? `came from ${version}` : `did not come from ${version}`;
      return decidedOutcome(
        'fail',
        `${amount(dark.count)} of ${counted(dark.total, unit)} ${whom}${where}; ${promise}.`,
        observed,
      );
    }
    const clean = `${counted(dark.total, unit)}, none ${share === 0 ? `from ${version}` : `from any version but ${version}`}`;
    if (dark.decision === 'pass') {
      const certified = `a share of ${percent(plan.expected.absence ?? 0)} or more that goes astray${perUri} is excluded`;
      return decidedOutcome('pass', `${clean}: ${certified} at error rate ${percent(plan.beta)}.`, observed);
    }
    const open = openOutcome(
      `${clean}, but ${amount(needed)} are needed${perUri}; ${amount(dark.need)} more.`,
      observed,
      dark.progress,
      dark.need,
    );
    return settled ? closedOutcome(open) : open;
  };
}
