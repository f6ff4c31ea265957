import { seededRandom } from '../../src/base/random.js';
import { boundaryRule } from '../../src/judge/boundary.js';
import { DriftDetector } from '../../src/judge/drift.js';
import { ErrorRatio } from '../../src/judge/errorRatio.js';

/** Share of the runs in which the candidate is called worse, looked at every 50 requests. */
export function flagged(options: {
  readonly share: number;
  readonly v1: (n: number) => number;
  readonly ratio: number;
  readonly alpha: number;
  readonly runs: number;
  readonly requests: number;
}): { readonly rate: number; readonly mean: number } {
  let [alarms, sum] = [0, 0];
  for (let run = 0; run < options.runs; run++) {
    const random = seededRandom(31, run);
    const state = new ErrorRatio({ ratio: 1, alpha: options.alpha, beta: options.alpha });
    for (let n = 0; n < options.requests; ) {
      const counts = { baseline: { total: 0, failed: 0 }, candidate: { total: 0, failed: 0 } };
      for (let i = 0; i < 50; i++, n++) {
        const candidate = random() < options.share;
        const side = candidate ? counts.candidate : counts.baseline;
        side.total++;
        if (random() < options.v1(n) * (candidate ? options.ratio : 1)) side.failed++;
      }
      state.add(counts);
      if (!state.fails()) continue;
      alarms++;
      sum += n;
      break;
    }
  }
  return { rate: alarms / options.runs, mean: sum / Math.max(1, alarms) };
}

/** Runs in which the interval loses the quantile at some look; by the duality above it does when the rule decides a limit at the quantile itself. */
export function lostRuns(options: { q: number; error: number; runs: number; looks: number }): number {
  const rule = boundaryRule({ bound: 1 - options.q, alpha: options.error, beta: options.error });
  let lost = 0;
  for (let run = 0; run < options.runs; run++) {
    const random = seededRandom(41, run);
    let above = 0;
    for (let n = 1; n <= options.looks; n++) {
      if (random() >= options.q) above++;
      if (rule.decide(above, n) === 'continue') continue;
      lost++;
      break;
    }
  }
  return lost;
}

export const DRIFT_ALTERNATIVES = [0.05, 0.07, 0.13, 0.16, 0.3, 0.5];

/** Mean number of updates to an alarm when nothing changes. */
export function falseAlarms(options: { threshold: number; runs: number; perUpdate: number }): { mean: number } {
  let sum = 0;
  for (let run = 0; run < options.runs; run++) {
    const random = seededRandom(53, run);
    const tested = new DriftDetector({
      share: 0.1,
      alternatives: DRIFT_ALTERNATIVES,
      meanUpdatesToFalseAlarm: options.threshold,
    });
    for (;;) {
      sum++;
      let k = 0;
      for (let i = 0; i < options.perUpdate; i++) if (random() < 0.1) k++;
      if (tested.update(k, options.perUpdate)) break;
    }
  }
  return { mean: sum / options.runs };
}
