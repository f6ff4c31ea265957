import type { Stage } from '../../scenario/types.js';
import { decidedOutcome, type Outcome, openOutcome, readyOutcome } from '../outcome.js';
import { attributed, goodObservation, versionTotal } from '../tallies.js';
import type { CheckPlan, Look } from '../types.js';
import { percent } from '../words.js';
import { observedShare, shareSentence } from './share.js';

/**
 * Destination proxies and graph do not decide a share: the first also see mirror copies and retries, the second is a rounded view of the same
 * metrics. They must agree with the source proxy once copies are taken off; a contradiction means that one of them is blind or looks elsewhere.
 */
export function accountCheck(plan: CheckPlan, stage: Stage): (look: Look) => Outcome | undefined {
  const version = plan.version as string;
  return (look) => {
    const here = goodObservation(look, plan.vantagePoint);
    if (!here || attributed(here.counts) === 0) return undefined;
    const observed = observedShare(
      { count: versionTotal(here.counts, version), total: attributed(here.counts) },
      plan.alpha,
    );
    const sentence = shareSentence(plan, observed);
    const source = goodObservation(look, 'source');
    if (!source || attributed(source.counts) === 0) {
      const open = openOutcome(`${sentence}; nothing at the source proxy to compare with.`, observed, 0);
      return look.settled ? { ...open, decided: true, ready: true } : open;
    }
    const expected = predictedShares(plan, stage, look);
    const tolerance = stage.precision.margin + (2 * here.rounding) / Math.max(1, observed.total);
    const nearest = expected.reduce((best, each) =>
      Math.abs(each - observed.share) < Math.abs(best - observed.share) ? each : best,
    );
    const agrees = Math.abs(nearest - observed.share) <= tolerance;
    const said = `${sentence}; the source proxy's counts predict ${percent(nearest)} here`;
    if (!look.settled) return readyOutcome(`${said}, open counts may lag.`, observed);
    if (here.rounding * 4 > observed.total) {
      return decidedOutcome(
        'inconclusive',
        `${said}, but rounding hides ${percent(here.rounding / observed.total)} of the requests.`,
        observed,
      );
    }
    const verdict = agrees ? 'pass' : 'fail';
    return decidedOutcome(verdict, `${said}${agrees ? '.' : ', which contradicts them.'}`, observed);
  };
}

/** Shares that the source's counts predict at a vantage point: with the copies of promised mirrors, and at the graph also without them. */
function predictedShares(plan: CheckPlan, stage: Stage, look: Look): number[] {
  const source = goodObservation(look, 'source');
  const version = plan.version as string;
  if (!source) return [];
  const primaries = attributed(source.counts);
  const copies = Object.entries(stage.expect.mirror ?? {}).map(([name, share]) => ({ name, count: share * primaries }));
  const own = versionTotal(source.counts, version);
  const mine = copies.filter((copy) => copy.name === version).reduce((sum, copy) => sum + copy.count, 0);
  const all = copies.reduce((sum, copy) => sum + copy.count, 0);
  const withCopies = (own + mine) / (primaries + all);
  return [withCopies, ...(all > 0 && plan.vantagePoint === 'graph' ? [own / primaries] : [])];
}
