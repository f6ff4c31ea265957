import { insideUnit, lnLikelihoodRatio, logSumExp } from './numerics.js';

export interface DriftOptions {
  /** Share that was promised and found, in (0,1). */
  readonly share: number;
  /** Shares to which it may change, each in [0,1] and not `share`. */
  readonly alternatives: readonly number[];
  /** Mean number of updates between false alarms, at least; > 1. */
  readonly meanUpdatesToFalseAlarm: number;
}

/** Since when a change is most likely. */
export interface Change {
  /** Index of the first update after the change, from 0. */
  readonly since: number;
  /** What was counted since then. */
  readonly count: number;
  readonly total: number;
}

/**
 * Watches a share that was found to be as promised for a change at an unknown moment: the Shiryaev-Roberts e-detector. For every
 * alternative R <- (1 + R) * likelihood ratio of the new counts; the mean of all R raises the alarm at `meanUpdatesToFalseAlarm`. R minus the
 * number of updates is a supermartingale as long as nothing changes, so the mean time between false alarms is at least the threshold, and
 * T updates hold a false alarm with a probability of at most T over it (Shin, Ramdas, Rinaldo 2023, e-detectors). The beginning of the change
 * is the start that makes the likelihood ratio of the strongest alternative largest (Page's cumulative sum). Memory and time O(alternatives).
 */
export class DriftDetector {
  private readonly options: DriftOptions;
  private readonly runs: Run[];
  private updates = 0;
  private alarmed = false;

  constructor(options: DriftOptions) {
    this.options = options;
    this.runs = options.alternatives.map((share) => new Run(insideUnit(share)));
  }

  /** k of n new requests since the update before; n = 0 is no update. @returns whether the alarm has been raised, now or before. */
  update(k: number, n: number): boolean {
    if (n === 0) return this.alarmed;
    for (const run of this.runs) run.update(k, n, this.options.share, this.updates);
    this.updates++;
    this.alarmed ||= this.lnStatistic() >= Math.log(this.options.meanUpdatesToFalseAlarm);
    return this.alarmed;
  }

  get alternatives(): number {
    return this.runs.length;
  }

  /** ln of the mean of all R. */
  lnStatistic(): number {
    return logSumExp(this.runs.map(({ lnR }) => lnR)) - Math.log(this.runs.length);
  }

  /** The most likely change so far, whether or not the alarm was raised; undefined while nothing speaks for one. */
  change(): Change | undefined {
    const strongest = this.runs.reduce((best, run) => (run.lnSum > best.lnSum ? run : best));
    if (strongest.lnSum <= 0) return undefined;
    const { since, count, total } = strongest;
    return { since, count, total };
  }
}

/** The statistics of one alternative. */
class Run {
  lnR = Number.NEGATIVE_INFINITY;
  /** Page's sum: ln of the largest likelihood ratio over all starts. */
  lnSum = 0;
  since = 0;
  count = 0;
  total = 0;
  private readonly alternative: number;

  constructor(alternative: number) {
    this.alternative = alternative;
  }

  update(k: number, n: number, share: number, index: number): void {
    const ln = lnLikelihoodRatio(k, n, this.alternative, share);
    this.lnR = logSumExp([0, this.lnR]) + ln;
    if (this.lnSum <= 0) Object.assign(this, { lnSum: 0, since: index, count: 0, total: 0 });
    this.lnSum += ln;
    this.count += k;
    this.total += n;
  }
}
