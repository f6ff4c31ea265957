import { ratio } from '../base/units.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { levelsOf, lowestLevel } from '../scenario/workload.js';
import { likely, type PlannedCheck } from './planCheck.js';
import { amount, percent } from './words.js';

/** What advice needs to know of a planned stage. */
interface Planned {
  readonly name: string;
  readonly checks: readonly PlannedCheck[];
  readonly seconds: { readonly expected: number; readonly q99: number };
}

/** A change that one could make, tried out by planning the stage again. */
interface Trial {
  readonly says: string;
  readonly scenario: Scenario;
  readonly stage: Stage;
  /** All rates times this. */
  readonly faster: number;
}

/** Plans a stage again under a trial; undefined when it would still not be decided in time. */
type Replan = (trial: Trial) => Planned | undefined;

const slowestOf = (checks: readonly PlannedCheck[]): PlannedCheck | undefined =>
  [...checks.filter(({ required }) => required)].sort((a, b) => likely(b).seconds.q99 - likely(a).seconds.q99)[0];

/** `canary: about 5.3 s, in 99 of 100 runs at most 11.3 s (share:v2 at client: 2,478 requests, at most 5,296)` */
export function stageLine(name: string, checks: readonly PlannedCheck[]): string {
  const slowest = slowestOf(checks);
  if (!slowest) return `${name}: nothing to decide`;
  const { seconds, requests } = likely(slowest);
  const how = `${slowest.name} at ${slowest.vantagePoint}: ${amount(requests.expected)} ${slowest.counted ?? 'requests'}`;
  if (requests.q99 === requests.expected) return `${name}: ${span(seconds.expected)} (${how})`;
  return `${name}: about ${span(seconds.expected)}, in 99 of 100 runs at most ${span(seconds.q99)} (${how}, at most ${amount(requests.q99)})`;
}

/**
 * What to change when a stage takes too long: `40 users send 37.4 requests/s, 12.5 of them tell the versions apart: even ± 3 % takes 9 min, at
 * worst 18 min, but maxDuration is 2 min; 500 users: 43 s, at worst 85 s; margin 7 %: ...`. Each change alone is enough, and was planned.
 * @param pages pages per second that the load asks for; undefined: the rate was given instead.
 */
export function stageAdvice(
  scenario: Scenario,
  stage: Stage,
  planned: Planned,
  rate: number,
  pages: number | undefined,
  replan: Replan,
): string {
  const subject =
    pages === undefined
      ? `${decimal(rate)} requests/s tell the versions apart`
      : `${loadOf(scenario, 1)} send ${decimal(pages)} requests/s, ${decimal(rate)} of them tell the versions apart`;
  const slowest = slowestOf(planned.checks);
  const margin = slowest?.expected.margin;
  const what = `${stage.name}${margin === undefined ? '' : ` ± ${percent(margin)}`}`;
  const takes = `${what} takes ${span(planned.seconds.expected)}, at worst ${span(planned.seconds.q99)}`;
  const base = { scenario, stage, faster: 1 };
  const loads = niceFactors(loadSize(scenario, pages, rate)).map((faster) => ({
    ...base,
    faster,
    says: pages === undefined ? `${amount(rate * faster)} requests/s` : loadOf(scenario, faster),
  }));
  const windows = MINUTES.map((minutes) => ({
    ...base,
    scenario: { ...scenario, maxDuration: (minutes * 60_000) as Scenario['maxDuration'] },
    says: `maxDuration ${minutes}m`,
  })).filter((trial) => trial.scenario.maxDuration > scenario.maxDuration);
  const margins = MARGINS.filter((wider) => wider > stage.precision.margin && fits(stage, wider)).map((wider) => ({
    ...base,
    stage: { ...stage, precision: { ...stage.precision, margin: ratio(wider) } },
    says: `margin ${percent(wider)}`,
  }));
  const absences = [0.02, 0.05, 0.1]
    .filter((wider) => wider > stage.precision.absence)
    .map((wider) => ({
      ...base,
      stage: { ...stage, precision: { ...stage.precision, absence: ratio(wider) } },
      says: `absence ${percent(wider)}`,
    }));
  const enough = [loads, windows, margins, absences].flatMap((trials) => firstThatHelps(trials, replan));
  const change = enough.length > 0 ? `change one: ${enough.join('; ')}` : 'no single change is enough';
  return `${subject}: ${takes}, but maxDuration is ${span(scenario.maxDuration / 1000)}; ${change}`;
}

const MINUTES = [1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240];
const MARGINS = [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3];

function firstThatHelps(trials: readonly Trial[], replan: Replan): string[] {
  for (const trial of trials) {
    const planned = replan(trial);
    if (planned) {
      return [`${trial.says}: ${span(planned.seconds.expected)}, at worst ${span(planned.seconds.q99)}`];
    }
  }
  return [];
}

/** A margin may not reach none or all of the requests. */
const fits = (stage: Stage, margin: number): boolean =>
  Object.values({ ...stage.expect.share, ...stage.expect.mirror }).every(
    (share) => share === 0 || share === 1 || margin < Math.min(share, 1 - share),
  );

/** What a change of the load multiplies; of a level that changes the lowest, of a mixture the whole. */
function loadSize({ load: { model } }: Scenario, pages: number | undefined, rate: number): number {
  if (pages === undefined) return rate;
  return model.kind === 'mixed' ? 1 : lowestLevel(levelsOf(model));
}

function loadOf({ load: { model } }: Scenario, faster: number): string {
  if (model.kind === 'mixed') return faster === 1 ? 'users and arrivals' : `${amount(faster)} times the load`;
  const level = `${model.stages ? 'at least ' : ''}${amount(lowestLevel(levelsOf(model)) * faster)}`;
  return model.kind === 'open' ? `arrivals at ${level}/s` : `${level} users`;
}

/** Factors that lead from a size to the next 1, 2 or 5 times a power of ten. */
function niceFactors(size: number): number[] {
  const sizes: number[] = [];
  for (let power = 1; power <= 1e6; power *= 10) sizes.push(power, 2 * power, 5 * power);
  return sizes.filter((nice) => nice > size).map((nice) => nice / size);
}

const decimal = (value: number): string => (value < 100 ? String(Math.round(value * 10) / 10) : amount(value));

/** `8.4 s`, `85 s`, `9 min`, `3 h`. */
function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'for ever';
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
