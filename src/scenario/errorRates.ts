import { formatPercent } from '../base/units.js';
import type { ReportAt } from './issues.js';
import type { StageFile } from './schema.js';
import type { ErrorExpectation, Scenario } from './types.js';
import { checkVersions } from './versionNames.js';
import type { Path } from './yaml-text.js';

type Written = NonNullable<StageFile['expect']['errors']>;

export function errorsOf(written: Written | undefined): ErrorExpectation | undefined {
  if (!written) return undefined;
  const { max, ...versions } = written as Pick<Written, 'max'> &
    Record<string, { notWorseThan: string; ratio?: number }>;
  const notWorse = Object.entries(versions).map(([version, { notWorseThan: than, ratio = 1 }]) => [
    version,
    { than, ratio },
  ]);
  return { max, ...(notWorse.length > 0 ? { notWorse: Object.fromEntries(notWorse) } : {}) };
}

/** Reports maxima that no number of requests proves, comparisons of unknown versions, and a source proxy that is not watched. */
export function checkErrors(
  { max, notWorse = {} }: ErrorExpectation,
  path: Path,
  versions: readonly string[],
  watch: Scenario['watch'],
  report: ReportAt,
): void {
  if (max === undefined && Object.keys(notWorse).length === 0)
    report(path, 'promises nothing', 'write for example {max: 0.5%} or {v2: {notWorseThan: v1}}');
  if (max !== undefined && (max <= 0 || max > 0.5)) {
    report(
      [...path, 'max'],
      `found ${formatPercent(max, 4)}; allowed is more than 0% and at most 50%`,
      'no number of requests proves 0 %; name the most that is harmless, such as 0.5%',
    );
  }
  for (const [version, { than }] of Object.entries(notWorse))
    checkVersions(version, { than, field: 'notWorseThan' }, path, versions, report);
  if (watch.source === 'off') {
    report(path, 'errors are judged at the source proxy, which watch switches off', 'set watch.source to require');
  }
}
