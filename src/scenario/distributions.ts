import { formatDuration } from '../base/units.js';
import type { ReportAt } from './issues.js';
import type { Path } from './yaml-text.js';

/** Reports a distribution of more or less than one kind, and bounds that are the wrong way round. */
export function checkDistribution(
  written: { uniform?: readonly [number, number] | undefined; [kind: string]: unknown },
  path: Path,
  report: ReportAt,
): void {
  const kinds = Object.keys(written).filter((key) => written[key] !== undefined);
  if (kinds.length !== 1)
    report(path, `names ${kinds.length === 0 ? 'no distribution' : kinds.join(' and ')}; exactly one is needed`);
  const [low, high] = written.uniform ?? [0, 0];
  if (low > high)
    report(
      [...path, 'uniform'],
      `runs from ${formatDuration(low)} down to ${formatDuration(high)}`,
      'write the smaller one first',
    );
}
