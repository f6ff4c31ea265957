import { formatDuration, millis } from '../base/units.js';
import { DEFAULTS } from './defaults.js';
import { checkDistribution } from './distributions.js';
import type { ReportAt } from './issues.js';
import type { LoadFile } from './load-schema.js';
import type { ClosedModel, LoadModel, LoadStage, OpenModel, ThinkTime } from './types.js';
import { lognormalSigma, peakLevel } from './workload.js';
import { LARGEST_SIGMA } from './workload-text.js';
import type { Path } from './yaml-text.js';

type WrittenModel = Pick<LoadFile, 'users' | 'thinkTime' | 'rate' | 'arrivals' | 'maxInFlight' | 'rampUp' | 'stages'>;
type WrittenThinkTime = NonNullable<WrittenModel['thinkTime']>;

/** No more sockets than this by default, whatever the rate. */
const MOST_IN_FLIGHT = 10_000;
const MODEL_KEYS = ['users', 'thinkTime', 'rate', 'arrivals', 'maxInFlight', 'rampUp', 'stages'] as const;

/** Reports what the schema cannot say of the models of a `load` section. */
export function checkWorkload(load: LoadFile, report: ReportAt): void {
  if (!load.mix) {
    checkModel(load, ['load'], report);
    return;
  }
  const beside = MODEL_KEYS.filter((key) => load[key] !== undefined);
  if (beside.length > 0) {
    report(['load'], `has ${beside.join(' and ')} beside mix`, 'write them into a model of mix');
  }
  for (const [index, model] of load.mix.entries()) checkModel(model, ['load', 'mix', index], report);
}

/** Whether requests arrive at a rate: said by any key of that model. */
const isOpen = (model: WrittenModel): boolean =>
  model.rate !== undefined || (model.stages?.some(({ rate }) => rate !== undefined) ?? false);

function checkModel(model: WrittenModel, path: Path, report: ReportAt): void {
  const stagesOf = (level: 'users' | 'rate') =>
    model.stages?.some((stage) => stage[level] !== undefined) ? [`stages of ${level}`] : [];
  const closed = [...(['users', 'thinkTime'] as const).filter((key) => model[key] !== undefined), ...stagesOf('users')];
  const open = [
    ...(['rate', 'arrivals', 'maxInFlight'] as const).filter((key) => model[key] !== undefined),
    ...stagesOf('rate'),
  ];
  if (closed.length > 0 && open.length > 0) {
    report(
      path,
      `mixes ${closed.join(' and ')} (users who wait and pause) with ${open.join(' and ')} (arrivals at a rate)`,
      'keep one of the two models, or write both into mix: [{users: ...}, {rate: ...}]',
    );
  } else if (open.length > 0 && !isOpen(model)) {
    report(path, `${open.join(' and ')} without rate`, 'write rate: 200 for 200 requests a second');
  }
  if (model.rampUp !== undefined && model.stages) {
    report(
      [...path, 'rampUp'],
      'contradicts stages',
      'write it as the first stage, such as {duration: 30s, users: 100}',
    );
  }
  for (const [index, { users, rate }] of (model.stages ?? []).entries()) {
    if ((users === undefined) === (rate === undefined)) {
      report([...path, 'stages', index], 'needs either users or rate: the level at its end');
    }
  }
  if (typeof model.thinkTime === 'object') checkThinkTime(model.thinkTime, [...path, 'thinkTime'], report);
}

function checkThinkTime(written: Exclude<WrittenThinkTime, number>, path: Path, report: ReportAt): void {
  checkDistribution(written, path, report);
  if (!written.lognormal) return;
  const { median, sigma, p95 } = written.lognormal;
  const at = [...path, 'lognormal'];
  if ((sigma === undefined) === (p95 === undefined)) report(at, 'needs either sigma or p95');
  else if (median === 0) report([...at, 'median'], 'found 0; allowed are durations above 0');
  else if (p95 !== undefined && !(p95 >= median && lognormalSigma(median, p95) <= LARGEST_SIGMA)) {
    report(
      [...at, 'p95'],
      `found ${formatDuration(p95)}; allowed is the median or more, up to 26 times it`,
      'a wider distribution would hardly ever show its tail',
    );
  }
}

/** The models of a checked `load` section, with their defaults. */
export function loadModelOf(load: LoadFile): LoadModel {
  const seconds = (load.timeout ?? DEFAULTS.timeout) / 1000;
  if (!load.mix) return modelOf(load, seconds);
  const parts = load.mix.map(({ uris, ...model }) => ({
    model: modelOf(model, seconds),
    ...(uris === undefined ? {} : { uris }),
  }));
  return { kind: 'mixed', parts };
}

function modelOf(written: WrittenModel, timeoutSeconds: number): ClosedModel | OpenModel {
  const { start, stages } = levelsOf(written);
  const changes = stages.length > 0 ? { stages } : {};
  if (!isOpen(written)) return { kind: 'closed', users: start, thinkTime: thinkTimeOf(written.thinkTime), ...changes };
  const mostWaiting = Math.ceil(peakLevel({ start, stages }) * timeoutSeconds);
  return {
    kind: 'open',
    ratePerSecond: start,
    arrivals: written.arrivals ?? 'poisson',
    maxInFlight: written.maxInFlight ?? Math.min(MOST_IN_FLIGHT, Math.max(1, mostWaiting)),
    ...changes,
  };
}

function levelsOf(written: WrittenModel): { start: number; stages: LoadStage[] } {
  const level = isOpen(written) ? written.rate : written.users;
  if (written.stages) {
    const stages = written.stages.map(({ duration, users, rate }) => ({ ms: duration, to: users ?? rate ?? 0 }));
    return { start: level ?? 0, stages };
  }
  const steady = level ?? DEFAULTS.users;
  return written.rampUp ? { start: 0, stages: [{ ms: written.rampUp, to: steady }] } : { start: steady, stages: [] };
}

function thinkTimeOf(written: WrittenModel['thinkTime']): ThinkTime {
  if (written === undefined) return DEFAULTS.thinkTime;
  if (typeof written === 'number') return { kind: 'constant', ms: written };
  const { uniform, exponential, lognormal } = written;
  if (uniform) return { kind: 'uniform', minMs: uniform[0], maxMs: uniform[1] };
  if (exponential !== undefined) return { kind: 'exponential', meanMs: exponential };
  if (lognormal) {
    const { median, p95 = median } = lognormal;
    return { kind: 'lognormal', medianMs: median, sigma: lognormal.sigma ?? lognormalSigma(median, p95) };
  }
  return { kind: 'constant', ms: written.constant ?? millis(0) };
}
