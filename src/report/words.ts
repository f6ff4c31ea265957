import type { Stage } from '../scenario/types.js';
import { percent, percentNumber } from './format.js';

/** What a stage promises, in one line: `v2 10 ± 3 %, errors at most 0.5 %`. */
export function expectationText({ expect, precision }: Stage): string {
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
  if (expect.errors) parts.push(`errors at most ${percent(expect.errors.max)}`);
  if (expect.by === 'balancing' && expect.share) parts.push('by balancing');
  return parts.join(', ');
}
