import type { ResponseTimeLimits, Stage } from '../scenario/types.js';
import { milliseconds, percent, percentNumber, span } from './format.js';

/** What a stage promises, in one line: `v2 10 ± 3 %, errors at most 0.5 %`. */
export function expectationText(stage: Stage): string {
  const { expect, precision } = stage;
  const parts: string[] = [];
  for (const [version, share] of Object.entries(expect.share ?? {})) {
    parts.push(
      share === 0
        ? `${version} none (below ${percent(precision.absence)})`
        : share === 1
          ? `${version} all (above ${percent(1 - precision.absence)})`
          : `${version} ${percentNumber(share)} ± ${percent(precision.margin)}`,
    );
  }
  for (const [version, share] of Object.entries(expect.mirror ?? {}))
    parts.push(`${percent(share)} copied to ${version}`);
  const { errors, responseTime } = expect;
  if (errors?.max !== undefined) parts.push(`errors at most ${percent(errors.max)}`);
  for (const [version, { than, ratio }] of Object.entries(errors?.notWorse ?? {}))
    parts.push(`${version} fails at most ${ratio === 1 ? 'as often' : `${ratio} times as often`} as ${than}`);
  if (responseTime) parts.push(...limitTexts('', responseTime.limits));
  for (const [version, { limits, notSlower }] of Object.entries(responseTime?.versions ?? {})) {
    parts.push(...limitTexts(`${version} `, limits));
    if (notSlower) parts.push(`${version} at most ${percent(notSlower.margin)} slower than ${notSlower.than}`);
  }
  if (expect.by === 'balancing' && expect.share) parts.push('by balancing');
  if (stage.soak) parts.push(`no drift within ${span(stage.soak)}`);
  return parts.join(', ');
}

const limitTexts = (subject: string, limits: ResponseTimeLimits): string[] =>
  Object.entries(limits).map(([name, ms]) => `${subject}${name} at most ${milliseconds(ms)}`);
