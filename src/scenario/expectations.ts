import { formatPercent } from '../base/units.js';
import type { ReportAt } from './issues.js';
import { didYouMean, show } from './nearest.js';
import type { StageFile } from './schema.js';
import type { Expectation, Precision, Scenario } from './types.js';
import type { Path } from './yaml-text.js';

/** The checked value of a stage's `expect`; `by` is taken out of the shares. */
export function expectationOf(expect: StageFile['expect']): Expectation {
  const { by, ...share } = expect.share ?? {};
  return {
    share: expect.share === undefined ? undefined : (share as NonNullable<Expectation['share']>),
    by: by ?? 'weight',
    mirror: expect.mirror,
    errors: expect.errors,
  };
}

/**
 * Reports where an expectation cannot be judged: unknown versions, shares that no traffic can have, margins that swallow the claim,
 * claims at vantage points that are switched off.
 */
export function checkExpectation(
  expect: Expectation,
  path: Path,
  versions: readonly string[],
  precision: Precision,
  watch: Scenario['watch'],
  report: ReportAt,
): void {
  const claims = [
    expect.share && Object.keys(expect.share).length > 0,
    expect.mirror && Object.keys(expect.mirror).length > 0,
    expect.errors,
  ];
  if (!claims.some(Boolean)) {
    report(
      path,
      'promises nothing; needed is at least one of share, mirror, errors',
      'write for example share: {v2: 0%}',
    );
    return;
  }
  for (const field of ['share', 'mirror'] as const) {
    for (const name of Object.keys(expect[field] ?? {})) {
      if (versions.includes(name)) continue;
      report(
        [...path, field, name],
        `unknown version ${show(name)}; the versions are ${versions.join(', ')}`,
        didYouMean(name, versions),
        'key',
      );
    }
  }
  if (expect.share) checkShares(expect.share, [...path, 'share'], versions, precision, report);
  if (expect.mirror && watch.destination === 'off') {
    report(
      [...path, 'mirror'],
      'mirror copies are seen by the destination proxy only, which watch switches off',
      'set watch.destination to account or require',
    );
  }
  if (expect.errors) {
    const { max } = expect.errors;
    const field: Path = [...path, 'errors', 'max'];
    if (max <= 0 || max > 0.5) {
      report(
        field,
        `found ${formatPercent(max, 4)}; allowed is more than 0% and at most 50%`,
        'no number of requests proves 0 %; name the most that is harmless, such as 0.5%',
      );
    }
    if (watch.source === 'off') {
      report(
        [...path, 'errors'],
        'errors are judged at the source proxy, which watch switches off',
        'set watch.source to require',
      );
    }
  }
}

function checkShares(
  shares: NonNullable<Expectation['share']>,
  path: Path,
  versions: readonly string[],
  precision: Precision,
  report: ReportAt,
): void {
  const known = Object.entries(shares).filter(([name]) => versions.includes(name));
  const sum = known.reduce((total, [, share]) => total + share, 0);
  const close = Math.abs(sum - 1) < 1e-9;
  if (sum > 1 && !close) {
    report(path, `the shares sum to ${formatPercent(sum, 4)}; all requests are 100 %`);
  } else if (known.length === versions.length && !close) {
    report(
      path,
      `the shares of all versions sum to ${formatPercent(sum, 4)}; they must be 100 %`,
      'leave one version out, it takes the rest',
    );
  }
  for (const [name, share] of known) {
    const edge = share > 0 && share < 1 ? Math.min(share, 1 - share) : undefined;
    if (edge === undefined || precision.margin < edge) continue;
    const other = share <= 0.5 ? '0 %' : '100 %';
    report(
      [...path, name],
      `the margin of ${formatPercent(precision.margin, 4)} makes ${other} as good as the promised ${formatPercent(share, 4)}`,
      `set precision.margin of this stage below ${formatPercent(edge, 4)}, for example to ${formatPercent(edge / 3, 2)}`,
    );
  }
}
