import { type SequentialRule, shareGate } from '../../src/judge/gate.js';
import { divergence } from '../../src/judge/numerics.js';
import { operatingCharacteristics } from '../../src/judge/operating.js';
import { ruleFor } from '../../src/judge/requirements.js';
import { twoSided, upperTail } from './binomial.js';
import { exactly, optimalRule, type Problem } from './optimum.js';
import { type Looks, regionsOf, type Simulated, simulate } from './simulate.js';

/** Mean requests of a rule at the promise, at the slower margin, where v2 gets half, and where it gets nothing. */
interface Means {
  readonly promised: number;
  readonly off: number;
  readonly half: number;
  readonly nothing: number;
}

export interface Cell extends Problem {
  /** Wald's one-sided bound on the mean requests at the promise and at the margin. */
  readonly wald: { readonly promised: number; readonly off: number };
  /** The gate at Ville's thresholds; the gate as it is; the rule that needs the fewest requests. */
  readonly reference: Means;
  readonly ours: Means;
  readonly optimum: Means | undefined;
  readonly exact: { readonly alarm: number; readonly miss: number };
  /** At the promise, and at the margin where a miss is likelier. */
  readonly seen: { readonly promised: Simulated; readonly off: Simulated };
}

export const PROBLEMS: readonly Problem[] = [0.01, 0.05, 0.1, 0.5].flatMap((share) =>
  [0.02, 0.03, 0.05].flatMap((margin) => [1e-2, 1e-3, 1e-4].map((error) => ({ share, margin, error }))),
);

export const gateOf = ({ share, margin, error }: Problem): SequentialRule =>
  ruleFor({ kind: 'gate', share, margin, alpha: error, beta: error });

/** Margins that a share can have; the others stand for "nothing". */
const margins = ({ share, margin }: Problem): number[] =>
  [share + margin, share - margin].filter((truth) => truth > 0 && truth < 1);

/**
 * Wald's bound: no test of two shares with these errors needs fewer requests on average (A. Wald, Sequential Analysis, 1947).
 * @param p the true share; @param q the other one.
 */
const waldBound = (p: number, q: number, error: number): number =>
  ((1 - error) * Math.log((1 - error) / error) + error * Math.log(error / (1 - error))) / divergence(p, q);

/** @param withOptimum false saves most of the time of a large cell. */
export function calibrate(problem: Problem, runs: number, seed: number, withOptimum = true): Cell {
  const { share, margin, error } = problem;
  const rule = gateOf(problem);
  const held = operatingCharacteristics(rule, share);
  const off = margins(problem).map((truth) => ({ truth, seen: operatingCharacteristics(rule, truth) }));
  const likelier = [...off].sort((a, b) => b.seen.pass - a.seen.pass)[0];
  if (!likelier) throw new RangeError(`${share} has no margin of ${margin}`);
  const regions = regionsOf(rule, Math.max(held.quantile(1 - 1e-8), ...off.map(({ seen }) => seen.quantile(1 - 1e-8))));
  const optimum = withOptimum ? optimalRule(problem) : undefined;
  return {
    ...problem,
    wald: { promised: waldBound(share, share + margin, error), off: waldBound(share + margin, share, error) },
    reference: means(
      problem,
      (truth) => operatingCharacteristics(shareGate({ share, margin, alpha: error, beta: error }), truth).expected,
    ),
    ours: means(problem, (truth) => operatingCharacteristics(rule, truth).expected),
    optimum: optimum && means(problem, (truth) => exactly(optimum, truth).expected),
    exact: { alarm: held.fail, miss: likelier.seen.pass },
    seen: {
      promised: simulate(regions, share, runs, seed),
      off: simulate(regions, likelier.truth, runs, seed + 1),
    },
  };
}

function means(problem: Problem, expected: (truth: number) => number): Means {
  const { share, margin } = problem;
  return { promised: expected(share), off: expected(share + margin), half: expected(0.5), nothing: expected(0) };
}

/** Wrong verdicts of the same streams under other schedules of looks. */
export interface Peeked extends Problem {
  readonly looks: Looks;
  readonly promised: Simulated;
  readonly off: Simulated;
}

const SCHEDULES: readonly Looks[] = [{ every: 1 }, { every: 10 }, { every: 500 }, { random: 500 }];

export function peek(problem: Problem, runs: number, seed: number): Peeked[] {
  const rule = gateOf(problem);
  const off = problem.share + problem.margin;
  const longest = Math.max(
    ...[problem.share, off].map((truth) => operatingCharacteristics(rule, truth).quantile(1 - 1e-8)),
  );
  const regions = regionsOf(rule, 2 * longest + 1000);
  return SCHEDULES.map((looks) => ({
    ...problem,
    looks,
    promised: simulate(regions, problem.share, runs, seed, looks),
    off: simulate(regions, off, runs, seed + 1, looks),
  }));
}

/** A count this unusual would be seen once in a million tables. */
const UNUSUAL = 1e-6;

/** Everything in a cell that breaks the promise, in words; none is the goal. */
export function violations(cell: Cell): string[] {
  const { share, margin, error, exact, seen, wald, ours, optimum } = cell;
  const name = `${share} ± ${margin} at ${error}`;
  const bad: string[] = [];
  const claim = (holds: boolean, says: string) => holds || bad.push(`${name}: ${says}`);
  claim(exact.alarm <= error, `exact false alarms ${exact.alarm} above the promise`);
  claim(exact.miss <= error, `exact misses ${exact.miss} above the promise`);
  for (const [what, count, runs, truth] of [
    ['false alarms', seen.promised.fail, seen.promised.runs, exact.alarm],
    ['misses', seen.off.pass, seen.off.runs, exact.miss],
  ] as const) {
    claim(twoSided(count, runs, truth) > UNUSUAL, `${count} ${what} in ${runs} runs contradict the exact ${truth}`);
    if (error >= 1e-2) claim(upperTail(count, runs, error) > UNUSUAL, `${count} ${what} in ${runs} runs`);
  }
  claim(seen.promised.undecided + seen.off.undecided === 0, 'runs without a decision');
  if (error === 1e-2) {
    const goal = share <= 0.1 ? 1.4 : 1.56;
    claim(ours.promised <= goal * wald.promised, `${ours.promised} requests at the promise, Wald ${wald.promised}`);
    // Where a few requests decide, the last one carries far over the threshold, and not even the optimum is near Wald's bound.
    const atMargin = Math.max(goal * wald.off, optimum?.off ?? 0);
    claim(ours.off <= atMargin, `${ours.off} requests at the margin, Wald ${wald.off}, optimum ${optimum?.off}`);
  }
  if (share === 0.1 && error === 1e-4) {
    claim(ours.half <= 30, `50/50 found after ${ours.half} requests`);
    claim(ours.nothing <= 150, `nothing found after ${ours.nothing} requests`);
  }
  return bad;
}

export function peekViolations({ share, margin, error, looks, promised, off }: Peeked): string[] {
  return [
    { what: 'false alarms', count: promised.fail, runs: promised.runs },
    { what: 'misses', count: off.pass, runs: off.runs },
  ].flatMap(({ what, count, runs }) =>
    upperTail(count, runs, error) > UNUSUAL
      ? []
      : [`${share} ± ${margin} at ${error}, looks ${JSON.stringify(looks)}: ${count} ${what} in ${runs} runs`],
  );
}
