import { logSumExp } from '../numerics.js';
import type { Cause } from '../types.js';
import { liveFlow, promisedFlow, seen } from './flow.js';
import type { Candidate, CauseKind, Flow, PointPrediction, Prediction } from './kind.js';
import { anythingCounted, lnAnything, lnLikelihood } from './likelihood.js';
import type { DiagnosisInput } from './objects.js';

/**
 * ln odds against the promise before anything was counted. An object that breaks the promise makes it unlikely to hold; a cause that only
 * numbers suggest is one of many; that nothing of the catalogue is at work is the least likely of all.
 */
const PRIOR = { objects: Math.log(100), counts: -Math.log(100) };
const PRIOR_UNKNOWN = -Math.log(1000);

/** A cause acts alone, or together with all else that the objects hold. */
const ALONE = Math.log(0.9);
const TOGETHER = Math.log(0.1);

interface Scored {
  readonly kind: CauseKind;
  readonly candidate: Candidate;
  readonly score: number;
}

/**
 * The causes that explain the counts better than the promise does, the likeliest first. Score = ln likelihood of the counts under what the
 * cause predicts + ln prior odds + what else speaks for it (Bayes' rule in logarithms). A cause that an object shows may act together with
 * others: its likelihood is 0.9 that of its own prediction and 0.1 that of what the mesh makes of all live objects. Not named is
 *
 * - what predicts nothing but the promise;
 * - what scores no more than the promise;
 * - what only numbers suggest and "any share" explains better.
 *
 * Equal scores keep the order of the catalogue.
 */
export function rank(kinds: readonly CauseKind[], input: DiagnosisInput): Cause[] {
  const byWeight = input.stage.expect.by !== 'balancing';
  const promise: Prediction = { ...seen(promisedFlow(input)), ...(byWeight ? { unit: 'request' } : {}) };
  const live = liveFlow(input);
  const together = live && !sameAsPromised(seen(live), promise, input) ? live : undefined;
  const lnPromise = lnLikelihood(input, promise, promise);
  const lnUnknown = lnAnything(input) + PRIOR_UNKNOWN;
  const scored = kinds.flatMap((kind) =>
    kind.confirm(input).flatMap((candidate): Scored[] => {
      const prediction = kind.predict(candidate, input);
      const says = saysSomething(prediction);
      if (says && sameAsPromised(prediction, promise, input)) return [];
      const ln = lnOf(input, prediction, promise, candidate.confirmedBy === 'objects' ? together : undefined);
      const score = ln + PRIOR[candidate.confirmedBy] + (candidate.lnEvidence ?? 0);
      const guessed = candidate.confirmedBy === 'counts' && says && score <= lnUnknown;
      return score <= lnPromise || guessed ? [] : [{ kind, candidate, score }];
    }),
  );
  return named(
    scored.sort((a, b) => b.score - a.score),
    lnUnknown,
    anythingCounted(input),
  );
}

function lnOf(input: DiagnosisInput, prediction: Prediction, promise: Prediction, together: Flow | undefined): number {
  const alone = lnLikelihood(input, prediction, promise);
  if (!together) return alone;
  const all = lnLikelihood(input, { ...prediction, ...seen(together) }, promise);
  return logSumExp([ALONE + alone, TOGETHER + all]);
}

const saysSomething = ({ points, residuals = [], unit }: Prediction): boolean =>
  Object.keys(points).length > 0 || residuals.length > 0 || unit !== undefined;

const SAME = 1e-6;

/** Would every vantage point see the very thing that was promised? */
function sameAsPromised(prediction: Prediction, promise: Prediction, { scenario }: DiagnosisInput): boolean {
  if ((prediction.residuals?.length ?? 0) > 0 || prediction.unit !== undefined) return false;
  const versions = [...Object.keys(scenario.versions), 'unknown'];
  return Object.entries(prediction.points).every(([point, { share, lost = {}, failed, silent }]) => {
    const promised: PointPrediction = promise.points[point as keyof typeof promise.points] ?? { share: {} };
    const shares = versions.every((each) => Math.abs((share[each] ?? 0) - (promised.share[each] ?? 0)) <= SAME);
    return shares && !silent && failed === undefined && Object.values(lost).every((each) => each <= SAME);
  });
}

function named(scored: readonly Scored[], lnUnknown: number, counted: boolean): Cause[] {
  const all = logSumExp([lnUnknown, ...scored.map(({ score }) => score)]);
  return scored.map(({ kind, candidate, score }) => {
    const { version: _version, lnEvidence: _evidence, confirmedBy, ...cause } = candidate;
    const likelihood = Number(Math.exp(score - all).toFixed(3));
    return { code: kind.code, ...cause, title: kind.title, confirmedBy, ...(counted ? { likelihood } : {}) };
  });
}
