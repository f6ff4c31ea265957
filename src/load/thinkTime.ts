import type { Random } from '../base/random.js';
import { type Millis, millis, parseDuration } from '../base/units.js';
import type { ThinkTime } from '../scenario/types.js';

/** One pause between an answer and the same user's next request, in ms. */
export function drawThinkTime(think: ThinkTime, random: Random): Millis {
  if (think.kind === 'constant') return think.ms;
  return millis(think.minMs + (think.maxMs - think.minMs) * random());
}

/** The longest pause that can be drawn, in ms: the span over which users start. */
export function longestThinkTime(think: ThinkTime): Millis {
  return think.kind === 'constant' ? think.ms : think.maxMs;
}

/**
 * Parses `0`, `100ms` (always that), `100ms..2s` and `uniform:100ms,2s` (uniform between the two).
 * @returns undefined when the text is none of these or the bounds are the wrong way round.
 */
export function parseThinkTime(text: string): ThinkTime | undefined {
  const bounds = text.startsWith('uniform:') ? text.slice('uniform:'.length).split(',') : text.split('..');
  const durations = bounds.map(parseDuration);
  const [low, high] = durations;
  if (durations.length === 1 && low !== undefined && !text.startsWith('uniform:')) return { kind: 'constant', ms: low };
  if (durations.length !== 2 || low === undefined || high === undefined || low > high) return undefined;
  return { kind: 'uniform', minMs: low, maxMs: high };
}
