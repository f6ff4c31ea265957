import { formatDuration } from '../base/units.js';
import { markerMatches } from './markers.js';
import type {
  ClosedModel,
  LoadLevels,
  LoadModel,
  LoadStage,
  MixedPart,
  OpenModel,
  ThinkTime,
  UriEntry,
} from './types.js';

/** The models that a load runs at once: one, or those of a mixture. */
export function partsOf(model: LoadModel): readonly MixedPart[] {
  return model.kind === 'mixed' ? model.parts : [{ model }];
}

/** Users or arrivals per second over active time. */
export function levelsOf(model: ClosedModel | OpenModel): LoadLevels {
  return { start: model.kind === 'closed' ? model.users : model.ratePerSecond, stages: model.stages ?? [] };
}

/** The highest level that is ever reached. */
export function peakLevel({ start, stages }: LoadLevels): number {
  return stages.reduce((peak, { to }) => Math.max(peak, to), start);
}

/** The lowest level above 0 at the start or the end of a stage. */
export function lowestLevel({ start, stages }: LoadLevels): number {
  return Math.min(...[start, ...stages.map(({ to }) => to)].filter((level) => level > 0));
}

/** Whether a part of a mixture asks for a URI. */
export function partAsksFor({ uris }: Pick<MixedPart, 'uris'>, { target }: Pick<UriEntry, 'target'>): boolean {
  return uris === undefined || markerMatches(uris, target);
}

/** Mean pause in ms; the cut of the two long-tailed ones is left out, by which it is at most 1 % too high for a sigma up to 2. */
export function meanThinkTimeMs(think: ThinkTime): number {
  switch (think.kind) {
    case 'constant':
      return think.ms;
    case 'uniform':
      return (think.minMs + think.maxMs) / 2;
    case 'exponential':
      return think.meanMs;
    case 'lognormal':
      return think.medianMs * Math.exp(think.sigma ** 2 / 2);
  }
}

/** Sigma of a lognormal distribution from its median and its 95th percentile, ln(p95 / median) / 1.645. */
export function lognormalSigma(median: number, p95: number): number {
  return Math.log(p95 / median) / 1.6448536269514722;
}

/** `100 users, think time 100 ms to 2 s`, `0 to 50 poisson arrivals/s in 30 s`; parts of a mixture joined by a plus. */
export function describeModel(model: LoadModel): string {
  return partsOf(model)
    .map((part) => {
      const only = part.uris === undefined ? '' : ` for ${part.uris}`;
      return part.model.kind === 'closed'
        ? `${levelsText(levelsOf(part.model))} users, think time ${thinkTimeText(part.model.thinkTime)}${only}`
        : `${levelsText(levelsOf(part.model))} ${part.model.arrivals} arrivals/s${only}`;
    })
    .join(' + ');
}

/** `100`, or `0 to 100 in 30 s to 500 in 1 m`. */
function levelsText({ start, stages }: LoadLevels): string {
  return [start, ...stages.map(({ ms, to }: LoadStage) => `${to} in ${formatDuration(ms)}`)].join(' to ');
}

function thinkTimeText(think: ThinkTime): string {
  switch (think.kind) {
    case 'constant':
      return formatDuration(think.ms);
    case 'uniform':
      return `${formatDuration(think.minMs)} to ${formatDuration(think.maxMs)}`;
    case 'exponential':
      return `exponential, mean ${formatDuration(think.meanMs)}`;
    case 'lognormal':
      return `lognormal, median ${formatDuration(think.medianMs)}, sigma ${Number(think.sigma.toPrecision(3))}`;
  }
}
