import { millis, parseDuration } from '../base/units.js';
import type { LoadStage, ThinkTime } from './types.js';
import { lognormalSigma } from './workload.js';

/** How think times are written on the command line, for messages. */
export const THINK_TIME_FORMS =
  '0, 100ms, 100ms..2s, uniform:100ms,2s, exponential:1s, lognormal:800ms,0.5 (median, sigma) or lognormal:800ms,p95=2s';
/** The largest sigma: the 95th percentile is 27 times the median. */
export const LARGEST_SIGMA = 2;
/** 24 h, so that no sum of stages leaves what a clock can tell. */
const LONGEST_MS = 86_400_000;

/**
 * Parses a think time such as `100ms..2s`; see `THINK_TIME_FORMS`.
 * @returns undefined when the text is none of these, bounds are the wrong way round, or a pause is longer than 24 h.
 */
export function parseThinkTime(text: string): ThinkTime | undefined {
  const [, kind = text.includes('..') ? 'uniform' : 'constant', rest = ''] = /^(?:([a-z]+):)?(.*)$/s.exec(text) ?? [];
  const parts = rest.split(text.includes(':') ? ',' : '..');
  const [first, second] = parts.map(duration);
  if (first === undefined || parts.length > 2) return undefined;
  const single = parts.length === 1;
  switch (kind) {
    case 'constant':
      return single ? { kind, ms: first } : undefined;
    case 'uniform':
      return second !== undefined && first <= second ? { kind, minMs: first, maxMs: second } : undefined;
    case 'exponential':
      return single ? { kind, meanMs: first } : undefined;
    case 'lognormal': {
      const sigma = single || first === 0 ? undefined : parseSigma(parts[1] ?? '', first);
      return sigma === undefined ? undefined : { kind, medianMs: first, sigma };
    }
    default:
      return undefined;
  }
}

function duration(text: string) {
  const ms = parseDuration(text);
  return ms !== undefined && ms <= LONGEST_MS ? ms : undefined;
}

/** `0.5`, or `p95=2s`. */
function parseSigma(text: string, medianMs: number): number | undefined {
  const p95 = text.startsWith('p95=') ? duration(text.slice('p95='.length)) : undefined;
  const sigma = p95 !== undefined ? lognormalSigma(medianMs, p95) : /^\d+(\.\d+)?$/.test(text) ? Number(text) : -1;
  return sigma >= 0 && sigma <= LARGEST_SIGMA ? sigma : undefined;
}

/**
 * Parses `30s:100,1m:500`: stages of a duration and the level at their end.
 * @returns undefined when the text is no such list, or a stage is longer than 24 h.
 */
export function parseStages(text: string): LoadStage[] | undefined {
  const stages = text.split(',').map((part): LoadStage | undefined => {
    const [, time = '', level = ''] = /^([^:]*):(\d+(?:\.\d+)?)$/.exec(part.trim()) ?? [];
    const ms = duration(time);
    return ms === undefined ? undefined : { ms: millis(ms), to: Number(level) };
  });
  const good = stages.filter((stage) => stage !== undefined);
  return good.length === stages.length ? good : undefined;
}
