import { cleanNeeded } from '../checkPlan.js';
import { type MirrorOptions, mirrorDecision, mirrorReady } from '../mirror.js';
import { closedOutcome, decidedOutcome, type Outcome, openOutcome, readyOutcome } from '../outcome.js';
import { goodObservation, mirrorTally } from '../tallies.js';
import type { CheckPlan, Look } from '../types.js';
import { amount, counted, percent } from '../words.js';
import { observedShare } from './share.js';

/**
 * Copies per primary request; only settled counts decide, because the proxies on both sides are scraped at different moments.
 * @param partly the objects copy only some of the calls that the load may cause: fewer copies than promised then prove nothing.
 */
export function mirrorCheck(plan: CheckPlan, partly = false): (look: Look) => Outcome | undefined {
  const share = plan.expected.share ?? 0;
  const options: MirrorOptions = {
    share,
    margin: plan.expected.margin ?? 0.01,
    needed: cleanNeeded(plan),
    alpha: plan.alpha,
    beta: plan.beta,
  };
  const cap = plan.cap ?? options.needed;
  const lags = new ScrapeLag();
  return (look) => {
    const tally = mirrorTally(look, plan.version as string);
    if (!tally) return undefined;
    const { copies, primaries } = tally;
    const bounded = Math.min(Math.max(0, copies), primaries);
    const observed = { ...observedShare({ count: bounded, total: primaries }, plan.alpha), count: Math.max(0, copies) };
    const sentence = `${plan.version} received ${counted(Math.max(0, copies), 'copies')} of ${counted(primaries, 'primary calls')}`;
    const promise =
      share === 1
        ? 'every one must be copied'
        : share === 0
          ? 'none may be copied'
          : `${percent(share)} must be copied`;
    const full = `${sentence}; ${promise}`;
    const progress = Math.min(1, primaries / (plan.cap ?? options.needed));
    if (!look.settled) {
      const lag = lags.add(look.at, primaries);
      if (!partly && lag !== undefined && share > 0 && copies + 2 * lag < primaries * (share - options.margin)) {
        const late = `${full}; even ${counted(2 * lag, 'copies')} that may be late would not make that up`;
        return decidedOutcome('fail', `${late}.`, observed);
      }
      return mirrorReady(tally, options, cap)
        ? readyOutcome(`${full}; the settled counts decide.`, observed)
        : openOutcome(
            `${full}; ${amount(options.needed)} primaries are needed before the settled counts decide.`,
            observed,
            progress,
            Math.max(1, Math.ceil(cap - primaries)),
          );
    }
    // A proxy that was restarted has lost counts: a deficit then proves nothing.
    const resets = (goodObservation(look, 'destination')?.resets ?? 0) + (goodObservation(look, 'source')?.resets ?? 0);
    switch (mirrorDecision(tally, options)) {
      case 'fail': {
        const missing = primaries - copies;
        if (partly && copies < share * primaries) {
          const why =
            'the objects copy only calls of some methods, paths or headers, and the metrics of the proxies do not tell those from others';
          return decidedOutcome('not-applicable', `${full}, but ${why}.`, observed);
        }
        if (resets > 0 && missing > 0 && missing < primaries * options.margin) {
          return decidedOutcome(
            'inconclusive',
            `${full}; ${amount(missing)} are missing, but a proxy restarted in the window and may have lost their count.`,
            observed,
          );
        }
        const off =
          share === 1
            ? `; ${counted(missing, 'copies')} missing`
            : ` and that is refuted at error rate ${percent(plan.alpha)}`;
        return decidedOutcome('fail', `${full}${share === 0 ? '' : off}.`, observed);
      }
      case 'pass': {
        const certified =
          share === 0 || share === 1
            ? `a loss of ${percent(plan.expected.absence ?? 0)} or more`
            : `a deviation of ${percent(options.margin)} or more`;
        const what = share === 0 ? `copies of ${percent(plan.expected.absence ?? 0)} or more` : certified;
        return decidedOutcome('pass', `${full}; ${what} is excluded at error rate ${percent(plan.beta)}.`, observed);
      }
      case 'continue':
        return closedOutcome(openOutcome(`${full}; too few primaries to tell.`, observed, progress));
    }
  };
}

/** Longest time that one proxy's counts are taken to lag behind another's: two scrapes at Prometheus' usual interval. */
const LAG_MS = 30_000;

/** Primaries of the last LAG_MS: at most so many copies can be on their way at one edge of an open window. */
class ScrapeLag {
  private readonly looks: { at: number; primaries: number }[] = [];

  /** @returns undefined until the window has been open that long. */
  add(at: number, primaries: number): number | undefined {
    this.looks.push({ at, primaries });
    while (this.looks[1] && this.looks[1].at <= at - LAG_MS) this.looks.shift();
    const oldest = this.looks[0];
    return oldest && oldest.at <= at - LAG_MS ? Math.max(0, primaries - oldest.primaries) : undefined;
  }
}
