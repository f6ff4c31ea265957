import { millis } from '../../base/units.js';
import type { ClosedModel, LoadLevels, OpenModel } from '../../scenario/types.js';
import { levelsOf, peakLevel } from '../../scenario/workload.js';
import type { K6Executor, K6Limits, K6Stage } from './contract.js';

/** A load without an end lasts so long for k6, which wants one; it is stopped before. */
const UNTIL_STOPPED_MS = 24 * 3_600_000;
/** A request under way is ended, whatever it takes: its own timeout, and a moment to give it up. */
const GRACE_MS = 1000;
/** k6 counts whole arrivals; rates with a fraction are told per so many seconds. */
const FRACTION_SECONDS = 1000;
/** Users that k6 makes before the start: as many as arrive in a second, within these bounds. The arrival for which one has to be made later is dropped; each takes a quarter of a MB. */
const FEWEST_READY = 10;
const MOST_READY = 1000;

/**
 * What k6 calls a model: constant-vus, ramping-vus or shared-iterations for users, constant- or ramping-arrival-rate for arrivals.
 * @param timeoutMs of a request.
 */
export function executorOf(
  model: ClosedModel | OpenModel,
  limits: K6Limits & { readonly timeoutMs: number },
): K6Executor {
  const gracefulStop = duration(limits.timeoutMs + GRACE_MS);
  return model.kind === 'closed' ? users(model, limits, gracefulStop) : arrivals(model, limits, gracefulStop);
}

function users(model: ClosedModel, { durationMs, maxRequests }: K6Limits, gracefulStop: string): K6Executor {
  const wholeMs = durationMs ?? UNTIL_STOPPED_MS;
  if (model.stages && model.stages.length > 0) {
    const { start, stages } = levelsOf(model);
    return {
      executor: 'ramping-vus',
      startVUs: start,
      stages: stagesUntil({ start, stages }, wholeMs).map(({ duration: of, target }) => ({
        duration: of,
        target: Math.round(target),
      })),
      gracefulRampDown: gracefulStop,
      gracefulStop,
    };
  }
  if (maxRequests === undefined) {
    return { executor: 'constant-vus', vus: model.users, duration: duration(wholeMs), gracefulStop };
  }
  return {
    executor: 'shared-iterations',
    vus: Math.min(model.users, maxRequests),
    iterations: maxRequests,
    maxDuration: duration(wholeMs),
    gracefulStop,
  };
}

function arrivals(model: OpenModel, { durationMs, maxRequests }: K6Limits, gracefulStop: string): K6Executor {
  const levels = levelsOf(model);
  const peak = peakLevel(levels);
  const whole = [levels.start, ...levels.stages.map(({ to }) => to)].every(Number.isInteger);
  const perUnit = (perSecond: number) => Math.round(perSecond * (whole ? 1 : FRACTION_SECONDS));
  const common = {
    timeUnit: whole ? '1s' : `${FRACTION_SECONDS}s`,
    preAllocatedVUs: Math.min(model.maxInFlight, MOST_READY, Math.max(FEWEST_READY, Math.ceil(peak))),
    maxVUs: model.maxInFlight,
    gracefulStop,
  };
  const wholeMs = durationMs ?? UNTIL_STOPPED_MS;
  if (levels.stages.length > 0) {
    const stages = stagesUntil(levels, wholeMs).map(({ duration: of, target }) => ({
      duration: of,
      target: perUnit(target),
    }));
    return { executor: 'ramping-arrival-rate', startRate: perUnit(levels.start), stages, ...common };
  }
  const enoughMs = maxRequests === undefined ? wholeMs : Math.max(1000, (maxRequests * 1000) / levels.start);
  return {
    executor: 'constant-arrival-rate',
    rate: perUnit(levels.start),
    duration: duration(Math.min(wholeMs, enoughMs)),
    ...common,
  };
}

/** The stages up to a time: a longer list is cut where it is then, after a shorter one the last level stays. Levels are not rounded. */
function stagesUntil({ start, stages }: LoadLevels, wholeMs: number): K6Stage[] {
  const until: K6Stage[] = [];
  let level = start;
  let at = 0;
  for (const { ms, to } of stages) {
    const rest = wholeMs - at;
    if (ms > rest) {
      until.push({ duration: duration(rest), target: level + ((to - level) * rest) / ms });
      return until;
    }
    until.push({ duration: duration(ms), target: to });
    level = to;
    at += ms;
  }
  if (at < wholeMs) until.push({ duration: duration(wholeMs - at), target: level });
  return until;
}

/** k6 knows fractions of a millisecond, but not exponents. */
const duration = (ms: number): string => `${Number(ms.toFixed(3))}ms`;

/** What `ramp.ts`, `spike.ts` and `soak.ts` make of a steady level. None goes above it: it is what the user allowed. */
export const SHAPES = {
  /** From nothing to the level in three quarters of the time, then on it: where does it give? */
  ramp: [
    { part: 0.75, to: 1 },
    { part: 0.25, to: 1 },
  ],
  /** A tenth of the level, the whole level at once for a third of the time, a tenth again: does it bear it, and does it recover? */
  spike: [
    { part: 0, to: 0.1 },
    { part: 1 / 3, to: 0.1 },
    { part: 0, to: 1 },
    { part: 1 / 3, to: 1 },
    { part: 0, to: 0.1 },
    { part: 1 / 3, to: 0.1 },
  ],
  /** Up in a twentieth of the time, the level for long, and down again: what leaks or drifts? */
  soak: [
    { part: 0.05, to: 1 },
    { part: 0.9, to: 1 },
    { part: 0.05, to: 0 },
  ],
} as const;
export type Shape = keyof typeof SHAPES;

/**
 * A steady model in one of the shapes.
 * @throws Error when it has stages of its own, or no end.
 */
export function shaped(
  shape: Shape,
  model: ClosedModel | OpenModel,
  durationMs: number | undefined,
): ClosedModel | OpenModel {
  if (model.stages && model.stages.length > 0) {
    throw new Error(
      `${shape} has stages of its own, and the load has some too: give one level (--users 100 or --rate 50)`,
    );
  }
  if (durationMs === undefined) throw new Error(`${shape} needs to know how long it is: give --duration`);
  const level = model.kind === 'closed' ? model.users : model.ratePerSecond;
  const at = (share: number) => (model.kind === 'closed' ? Math.round(level * share) : level * share);
  const stages = SHAPES[shape].map(({ part, to }) => ({ ms: millis(part * durationMs), to: at(to) }));
  return model.kind === 'closed' ? { ...model, users: 0, stages } : { ...model, ratePerSecond: 0, stages };
}
