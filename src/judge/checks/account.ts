import type { Stage } from '../../scenario/types.js';
import { arrivalsOf } from '../arrivals.js';
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
    const nearest = expected.reduce((best, each) =>
      Math.abs(each - observed.share) < Math.abs(best - observed.share) ? each : best,
    );
    // Rates are stretched series by series, as a version that begins in the window shows: s(1 + e) / (1 + s e) - s <= s(1 - s) e.
    const stretched = (here.extrapolation ?? 0) * nearest * (1 - nearest);
    const tolerance = stage.precision.margin + (2 * here.rounding) / Math.max(1, observed.total) + stretched;
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

/**
 * Shares that the source's counts predict at a vantage point: with the copies of promised mirrors and, where the destination's own counts show
 * them, repeated attempts and calls that never arrived; at the graph also without all of these, and with the calls of other workloads.
 */
function predictedShares(plan: CheckPlan, stage: Stage, look: Look): number[] {
  const source = goodObservation(look, 'source');
  if (!source) return [];
  const destination = goodObservation(look, 'destination');
  const primaries = attributed(source.counts);
  const arriving = Object.keys(source.counts.versions).map((version) => {
    const copies = (stage.expect.mirror?.[version] ?? 0) * primaries;
    const known = destination && arrivalsOf(stage, source, destination, version);
    const attempts = known ? known.retries.count - known.neverReached.count : 0;
    return { version, count: versionTotal(source.counts, version) + copies + attempts };
  });
  const all = arriving.reduce((sum, { count }) => sum + count, 0);
  const mine = arriving.find(({ version }) => version === plan.version)?.count ?? 0;
  const asSent = versionTotal(source.counts, plan.version as string) / primaries;
  const foreign = source.counts.foreignVersions ?? {};
  const others = Object.values(foreign).reduce((sum, count) => sum + count, 0);
  const withForeign = all + others > 0 ? (mine + (foreign[plan.version as string] ?? 0)) / (all + others) : 0;
  return [all > 0 ? mine / all : 0, ...(plan.vantagePoint === 'graph' ? [asSent, withForeign] : [])];
}
