import { type BetaPrior, divergence, insideUnit, JEFFREYS, lnBeta, lnMixtureRatio, logSumExp } from './numerics.js';

/** What a rule says about k of n. */
export type Decision = 'pass' | 'fail' | 'continue';

/** A sequential rule on cumulative counts, whole numbers 0 <= k <= n up to 1e9; a pure function of (k, n), so how the counts came in batches is irrelevant. */
export interface SequentialRule {
  decide(k: number, n: number): Decision;
  fails(k: number, n: number): boolean;
  passes(k: number, n: number): boolean;
  /** ln of the e-process against the promise. */
  lnEvidence(k: number, n: number): number;
  /** ln of the smallest likelihood ratio for the promise against a harmful deviation; concave in k. */
  lnSupport(k: number, n: number): number;
  /** How far the evidence has come to a pass, 0..1. */
  progress(k: number, n: number): number;
  /** About how many more requests a pass takes if the promise holds, >= 1 while undecided. */
  need(k: number, n: number): number;
  /** Shares for the operating characteristics: where the promise holds, and the harmful deviations that must be caught. */
  readonly promised: number;
  readonly harmful: readonly number[];
}

export interface GateOptions {
  /** Promised share in (0,1). */
  readonly share: number;
  /** Deviation that must be caught, > 0. */
  readonly margin: number;
  /** Probability of a fail although the promise holds, over all looks. */
  readonly alpha: number;
  /** Probability of a pass although the share is off by the margin or more, over all looks. */
  readonly beta: number;
  /** Deviation that must not alarm either (stray traffic, rounded weights), from 0 (default) to below the margin. */
  readonly quiet?: number;
  /** Nats of support that a pass takes; default ln(1/beta), smaller where `passThreshold` proves it enough. */
  readonly passAt?: number;
}

/**
 * Two-sided gate on a share. It fails when an average of e-processes against the promised share (or, with `quiet`, against every share of the
 * quiet band) reaches 1/alpha (Ville's inequality), and passes when the likelihood ratios of the promise against both margins reach
 * `passAt`. An alternative outside (0,1) stands for a share of nothing (or of everything). Both guarantees hold over all looks, whenever they are
 * taken, for independent draws.
 * Sources: A. Wald 1947 (likelihood ratios); H. Robbins 1970 (mixtures); J. Ville 1939 (the bound over all looks).
 *
 * @example
 * const promise = { share: 0.1, margin: 0.03, beta: 1e-4 };
 * const gate = shareGate({ ...promise, alpha: 1e-4, passAt: passThreshold(promise) });
 * gate.decide(402, 1601); // 'fail'
 */
export function shareGate(options: GateOptions): SequentialRule {
  const { share, margin, quiet = 0 } = options;
  const above = insideUnit(share + margin);
  const below = insideUnit(share - margin);
  const overAbove = likelihood(share, above);
  const overBelow = likelihood(share, below);
  const lnSupport = (k: number, n: number): number => Math.min(overAbove(k, n), overBelow(k, n));
  const lnEvidence = quiet > 0 ? againstBand(share, margin, quiet) : againstPoint(share, margin);
  const failAt = -Math.log(options.alpha);
  const mean = Math.min(divergence(share, above), divergence(share, below));
  const drift = () => mean;
  const rule = ruleOf(lnEvidence, lnSupport, failAt, options.passAt ?? -Math.log(options.beta), drift);
  const near = nearLastLook(lnEvidence, failAt, Math.max(share - quiet, 1e-300), Math.max(1 - share - quiet, 1e-300));
  const fails = (k: number, n: number) => couldFail(share, failAt, k, n) && near(k, n) >= failAt;
  return {
    ...rule,
    fails,
    decide: (k, n) => (fails(k, n) ? 'fail' : rule.passes(k, n) ? 'pass' : 'continue'),
    promised: share,
    harmful: [share + margin, share - margin].filter((p) => p > 0 && p < 1),
  };
}

/**
 * False where no evidence can reach the threshold: no alternative beats the share observed, whose ln likelihood ratio against the promise is at
 * most (k - np)^2 / np(1-p) (chi-squared bounds Kullback-Leibler; evidence against a band is no more than that against its middle). Most looks
 * end here, without a logarithm.
 */
function couldFail(share: number, failAt: number, k: number, n: number): boolean {
  const off = k - n * share;
  return n > 0 && off * off >= failAt * n * share * (1 - share);
}

/**
 * Evidence, or a bound of it below the threshold: a request multiplies a likelihood ratio by at most 1/(its probability under the promise), so
 * a few requests after a look that was far from the threshold need no look of their own. The counts decide alone; the memory only saves time.
 */
function nearLastLook(lnEvidence: LnRatio, failAt: number, least: number, leastOther: number): LnRatio {
  const [one, zero] = [-Math.log(least), -Math.log(leastOther)];
  let [lastK, lastRest, last] = [0, 0, 0];
  return (k, n) => {
    const [moreK, moreRest] = [k - lastK, n - k - lastRest];
    if (moreK >= 0 && moreRest >= 0) {
      const bound = last + moreK * one + moreRest * zero;
      if (bound < failAt - 1e-6) return bound;
    }
    [lastK, lastRest] = [k, n - k];
    last = lnEvidence(k, n);
    return last;
  };
}

type LnRatio = (k: number, n: number) => number;

/** ln likelihood ratio of share q against share b, both in (0,1), with its logarithms taken once. */
function likelihood(q: number, b: number): LnRatio {
  const one = Math.log(q / b);
  const zero = Math.log1p(-q) - Math.log1p(-b);
  return (k, n) => k * one + (n - k) * zero;
}

/**
 * Average of four e-processes against one share: a robust and a tuned beta-binomial mixture (any wrong share; one off by about the margin) and
 * the likelihood ratios of both margins.
 */
function againstPoint(share: number, margin: number): LnRatio {
  const scale = (share * (1 - share)) / (margin * margin);
  const tuned: BetaPrior = { a: scale * share, b: scale * (1 - share) };
  const lnBetaTuned = lnBeta(tuned.a, tuned.b);
  const lnBetaRobust = lnBeta(JEFFREYS.a, JEFFREYS.b);
  const above = likelihood(insideUnit(share + margin), share);
  const below = likelihood(insideUnit(share - margin), share);
  const [lnRobust, lnTuned, lnEdge] = [Math.log(0.1), Math.log(0.4), Math.log(0.25)];
  return (k, n) =>
    n === 0
      ? 0
      : logSumExp([
          lnRobust + lnMixtureRatio(k, n, share, JEFFREYS, lnBetaRobust),
          lnTuned + lnMixtureRatio(k, n, share, tuned, lnBetaTuned),
          lnEdge + above(k, n),
          lnEdge + below(k, n),
        ]);
}

/**
 * Average of e-processes against all shares of a band: likelihood ratios of shares beyond it against its nearer edge are supermartingales for
 * every share inside. Alternatives that the unit interval does not hold are left out, and the others share their weight.
 */
function againstBand(share: number, margin: number, quiet: number): LnRatio {
  const [top, bottom] = [share + quiet, share - quiet];
  const candidates = [
    { weight: 0.25, share: insideUnit(share + margin), edge: top, side: 1 },
    { weight: 0.125, share: insideUnit(share + 2 * margin), edge: top, side: 1 },
    { weight: 0.125, share: (1 + share) / 2, edge: top, side: 1 },
    { weight: 0.25, share: insideUnit(share - margin), edge: bottom, side: -1 },
    { weight: 0.25, share: insideUnit(share - 2 * margin), edge: bottom, side: -1 },
  ].filter(({ share: q, edge, side }) => edge > 0 && edge < 1 && (q - edge) * side > 0);
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  const terms = candidates.map(({ weight, share: q, edge }) => ({
    ln: Math.log(weight / total),
    ratio: likelihood(q, edge),
  }));
  return (k, n) => (n === 0 ? 0 : logSumExp(terms.map(({ ln, ratio }) => ln + ratio(k, n))));
}

/** The parts of a rule that follow from its two kinds of evidence and their thresholds (all in nats). */
export function ruleOf(
  lnEvidence: LnRatio,
  lnSupport: LnRatio,
  failAt: number,
  passAt: number,
  /** Mean growth of the support per request, nats, as far as the counts tell. */
  drift: LnRatio,
): Omit<SequentialRule, 'promised' | 'harmful'> {
  const fails = (k: number, n: number) => n > 0 && lnEvidence(k, n) >= failAt;
  const passes = (k: number, n: number) => n > 0 && lnSupport(k, n) >= passAt;
  return {
    lnEvidence,
    lnSupport,
    fails,
    passes,
    // Both at once is possible only when the caller skipped looks; the refutation is the one that must not be lost.
    decide: (k, n) => (fails(k, n) ? 'fail' : passes(k, n) ? 'pass' : 'continue'),
    progress: (k, n) => (n === 0 ? 0 : Math.min(1, Math.max(0, lnSupport(k, n) / passAt))),
    need: (k, n) => Math.max(1, Math.ceil((passAt - (n === 0 ? 0 : lnSupport(k, n))) / drift(k, n))),
  };
}
