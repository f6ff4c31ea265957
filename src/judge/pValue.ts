import { specOf } from './checkPlan.js';
import { anytimePValue } from './confidence.js';
import type { Outcome } from './outcome.js';
import { ruleFor } from './requirements.js';
import type { CheckPlan } from './types.js';

/** Anytime-valid p-value of a check's promise over its looks: 1/max of the e-process so far. A request astray where none may go leaves none. */
export class PValue {
  private readonly plan: CheckPlan;
  private readonly lnEvidence: ((count: number, total: number) => number) | undefined;
  private highest = 0;

  constructor(plan: CheckPlan) {
    this.plan = plan;
    this.lnEvidence = evidenceOf(plan);
  }

  /** @returns undefined where the check's counts are no e-process: accounts, full mirrors, open counts of two scrapes, other units. */
  look({ observed, verdict }: Outcome, settled: boolean): number | undefined {
    if (!this.lnEvidence || !observed || verdict === 'not-applicable' || (this.plan.rule === 'copies' && !settled)) {
      return undefined;
    }
    const { count, total } = observed;
    this.highest = Math.max(this.highest, this.lnEvidence(Math.min(count, total), total));
    return anytimePValue(this.highest);
  }
}

function evidenceOf(plan: CheckPlan): PValue['lnEvidence'] {
  const { share = 0 } = plan.expected;
  if (plan.rule === 'dark') return (count, total) => (count === share * total ? 0 : Number.POSITIVE_INFINITY);
  const spec = plan.rule === 'gate' || plan.rule === 'ceiling' || plan.rule === 'copies' ? specOf(plan) : undefined;
  return spec && ruleFor(spec).lnEvidence;
}
