import type { Problem } from '../../base/errors.js';
import { type Millis, millis } from '../../base/units.js';
import type { ClosedModel, LoadLevels, LoadModel, LoadStage, OpenModel, ThinkTime } from '../../scenario/types.js';
import { peakLevel } from '../../scenario/workload.js';

export const DEFAULT_USERS = 10;
export const MOST_USERS = 100_000;
const MOST_PER_SECOND = 1_000_000;
const DEFAULT_THINK_TIME: ThinkTime = { kind: 'uniform', minMs: millis(100), maxMs: millis(2000) };
const DEFAULT_DURATION = millis(10_000);
/** No more sockets than this by default, whatever the rate. */
export const MOST_IN_FLIGHT = 10_000;

/** The options of `load` that say when requests are sent. */
export interface WorkloadFlags {
  /** A number, or stages from 0. */
  readonly users?: number | readonly LoadStage[];
  readonly rate?: number | readonly LoadStage[];
  readonly stages?: readonly LoadStage[];
  readonly rampUp?: Millis;
  readonly rampDown?: Millis;
  readonly thinkTime?: ThinkTime;
  readonly arrivals?: 'constant' | 'poisson';
  readonly maxInFlight?: number;
  readonly replay?: string;
  /** 2: twice as fast as recorded. */
  readonly speed?: number;
  readonly duration?: Millis;
  readonly requests?: number;
  readonly timeout: Millis;
}

interface WorkloadOfFlags {
  readonly model: LoadModel;
  /** Undefined: until so many requests are sent. */
  readonly durationMs: number | undefined;
}

export type Refuse = (path: string, message: string, hint?: string) => void;

/** The options that contradict a replay, and `--speed` without one. */
export function checkReplay(flags: WorkloadFlags, refuse: Refuse): void {
  if (flags.replay === undefined) {
    if (flags.speed !== undefined) refuse('--speed', 'needs --replay');
    return;
  }
  const names = { users: '--users', rate: '--rate', stages: '--stages', rampUp: '--ramp-up', rampDown: '--ramp-down' };
  const own = { ...names, thinkTime: '--think-time', arrivals: '--arrivals' };
  const given = Object.entries(own).filter(([key]) => flags[key as keyof typeof own] !== undefined);
  if (given.length > 0) {
    refuse(
      given.map(([, name]) => name).join(' and '),
      'a replay has arrivals of its own',
      'leave it out, or --replay',
    );
  }
}

/** The model that the options describe, and how long it lasts. Contradictions are added to `problems`. */
export function workloadOf(flags: WorkloadFlags, problems: Problem[]): WorkloadOfFlags {
  const refuse: Refuse = (path, message, hint) => problems.push({ path, message, ...(hint ? { hint } : {}) });
  const open = flags.rate !== undefined;
  const closed = flags.users !== undefined || !open;
  if (!closed && flags.thinkTime !== undefined) {
    refuse('--think-time', 'an open model has none', 'add --users for a mixture of both');
  }
  if (!open && flags.arrivals !== undefined) refuse('--arrivals', 'needs --rate');
  if (!open && flags.maxInFlight !== undefined) refuse('--max-in-flight', 'needs --rate');
  checkStages(flags, closed && open, refuse);
  const parts = [
    ...(closed ? [{ model: closedModel(flags, refuse) }] : []),
    ...(open ? [{ model: openModel(flags, refuse) }] : []),
  ];
  const [only] = parts;
  const model: LoadModel = only && parts.length === 1 ? only.model : { kind: 'mixed', parts };
  return { model, durationMs: flags.duration ?? (flags.requests === undefined ? usualDuration(flags) : undefined) };
}

function checkStages(flags: WorkloadFlags, both: boolean, refuse: Refuse): void {
  const { users, rate, stages, rampUp, rampDown, duration } = flags;
  const ramps = [...(rampUp === undefined ? [] : ['--ramp-up']), ...(rampDown === undefined ? [] : ['--ramp-down'])];
  if (stages && both) {
    refuse('--stages', 'cannot tell users from arrivals', 'write --users 30s:100,1m:500 or --rate 30s:100,1m:500');
  }
  if (stages && (Array.isArray(users) || Array.isArray(rate))) {
    refuse('--stages', 'stages are given already', 'write the level at the start there: --users 10 or --rate 10');
  }
  if (ramps.length > 0 && (stages || Array.isArray(users) || Array.isArray(rate))) {
    refuse(ramps.join(' and '), 'contradicts stages', 'write a ramp as a stage of its own, such as 30s:100 or 10s:0');
  }
  if (rampDown !== undefined && duration === undefined) {
    refuse('--ramp-down', 'needs --duration, at whose end it is', 'add --duration 5m');
  }
  if (duration !== undefined && (rampUp ?? 0) + (rampDown ?? 0) > duration) {
    refuse(ramps.join(' and '), 'last longer than --duration');
  }
}

function closedModel(flags: WorkloadFlags, refuse: Refuse): ClosedModel {
  const { start, stages } = levels(flags.users, DEFAULT_USERS, flags);
  const all = [start, ...stages.map(({ to }) => to)];
  if (all.some((users) => !Number.isInteger(users) || users > MOST_USERS)) {
    refuse('--users', `users are whole numbers up to ${MOST_USERS}`);
  }
  if (peakLevel({ start, stages }) === 0) refuse('--users', 'there is never a user', 'end a stage above 0');
  return {
    kind: 'closed',
    users: start,
    thinkTime: flags.thinkTime ?? DEFAULT_THINK_TIME,
    ...(stages.length > 0 ? { stages } : {}),
  };
}

function openModel(flags: WorkloadFlags, refuse: Refuse): OpenModel {
  const { start, stages } = levels(flags.rate, 0, flags);
  const peak = peakLevel({ start, stages });
  if (peak === 0) refuse('--rate', 'nothing ever arrives', 'end a stage above 0');
  if (peak > MOST_PER_SECOND) refuse('--rate', `at most ${MOST_PER_SECOND} requests/s`);
  // As many as can be waiting when every answer takes the whole timeout.
  const mostWaiting = Math.ceil((peak * flags.timeout) / 1000);
  return {
    kind: 'open',
    ratePerSecond: start,
    arrivals: flags.arrivals ?? 'constant',
    maxInFlight: flags.maxInFlight ?? Math.min(MOST_IN_FLIGHT, Math.max(100, mostWaiting)),
    ...(stages.length > 0 ? { stages } : {}),
  };
}

function levels(
  level: WorkloadFlags['users'],
  usual: number,
  { stages, rampUp = millis(0), rampDown, duration = millis(0) }: WorkloadFlags,
): LoadLevels {
  if (typeof level === 'object') return { start: 0, stages: level };
  if (stages) return { start: level ?? 0, stages };
  const steady = level ?? usual;
  const up = rampUp > 0 ? [{ ms: rampUp, to: steady }] : [];
  const hold = { ms: millis(duration - rampUp - (rampDown ?? 0)), to: steady };
  const down = rampDown === undefined ? [] : [hold, { ms: rampDown, to: 0 }];
  return { start: rampUp > 0 ? 0 : steady, stages: [...up, ...down] };
}

/** As long as the longest list of stages; without any the time at the full level, after a ramp. */
function usualDuration({ users, rate, stages, rampUp = millis(0) }: WorkloadFlags): number {
  const total = (list: WorkloadFlags['users']) =>
    typeof list === 'object' ? list.reduce((sum, { ms }) => sum + ms, 0) : 0;
  return Math.max(total(users), total(rate), total(stages)) || DEFAULT_DURATION + rampUp;
}
