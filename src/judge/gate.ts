import {
  type BetaPrior,
  divergence,
  insideUnit,
  JEFFREYS,
  lnBeta,
  lnLikelihoodRatio,
  lnMixtureRatio,
  logSumExp,
} from './numerics.js';

/** What a rule says about k of n. */
export type Decision = 'pass' | 'fail' | 'continue';

/** A sequential rule on cumulative counts; a pure function of (k, n), so how the counts came in batches is irrelevant. */
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
}

/**
 * Two-sided gate on a share. It fails when an average of four e-processes against the promised share reaches 1/alpha (Ville's inequality; a
 * robust and a tuned beta-binomial mixture, and the likelihood ratios of both margins), and passes when the likelihood ratios of the promise
 * against both margins reach 1/beta. An alternative outside (0,1) stands for a share of nothing (or of everything).
 */
export function shareGate(options: GateOptions): SequentialRule {
  const { share, margin } = options;
  const above = insideUnit(share + margin);
  const below = insideUnit(share - margin);
  const scale = (share * (1 - share)) / (margin * margin);
  const tuned: BetaPrior = { a: scale * share, b: scale * (1 - share) };
  const lnBetaTuned = lnBeta(tuned.a, tuned.b);
  const lnBetaRobust = lnBeta(JEFFREYS.a, JEFFREYS.b);
  const failAt = -Math.log(options.alpha);
  const passAt = -Math.log(options.beta);
  const lnRobust = Math.log(0.1);
  const lnTuned = Math.log(0.4);
  const lnEdge = Math.log(0.25);

  const lnEvidence = (k: number, n: number): number =>
    n === 0
      ? 0
      : logSumExp([
          lnRobust + lnMixtureRatio(k, n, share, JEFFREYS, lnBetaRobust),
          lnTuned + lnMixtureRatio(k, n, share, tuned, lnBetaTuned),
          lnEdge + lnLikelihoodRatio(k, n, above, share),
          lnEdge + lnLikelihoodRatio(k, n, below, share),
        ]);
  const lnSupport = (k: number, n: number): number =>
    Math.min(lnLikelihoodRatio(k, n, share, above), lnLikelihoodRatio(k, n, share, below));
  const mean = Math.min(divergence(share, above), divergence(share, below));
  const drift = () => mean;
  return {
    ...ruleOf(lnEvidence, lnSupport, failAt, passAt, drift),
    promised: share,
    harmful: [share + margin, share - margin].filter((p) => p > 0 && p < 1),
  };
}

/** The parts of a rule that follow from its two kinds of evidence and their thresholds (all in nats). */
export function ruleOf(
  lnEvidence: (k: number, n: number) => number,
  lnSupport: (k: number, n: number) => number,
  failAt: number,
  passAt: number,
  /** Mean growth of the support per request, nats, as far as the counts tell. */
  drift: (k: number, n: number) => number,
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
