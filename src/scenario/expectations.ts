import { formatPercent } from '../base/units.js';
import { checkErrors, errorsOf } from './errorRates.js';
import type { ReportAt } from './issues.js';
import { didYouMean, show } from './nearest.js';
import { responseTimeOf } from './responseTimes.js';
import type { StageFile } from './schema.js';
import type { Expectation, Precision, ResponseTimeExpectation, Scenario } from './types.js';
import type { Path } from './yaml-text.js';

/** The checked value of a stage's `expect`; `by` is taken out of the shares. */
export function expectationOf(expect: StageFile['expect']): Expectation {
  const { by, ...share } = expect.share ?? {};
  return {
    share: expect.share === undefined ? undefined : (share as NonNullable<Expectation['share']>),
    by: by ?? 'weight',
    mirror: expect.mirror,
    errors: errorsOf(expect.errors),
    ...(expect.responseTime ? { responseTime: responseTimeOf(expect.responseTime) as ResponseTimeExpectation } : {}),
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
    expect.responseTime,
  ];
  if (!claims.some(Boolean)) {
    report(
      path,
      'promises nothing; needed is at least one of share, mirror, errors, responseTime',
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
  reportSilentVersions(expect, path, report);
  if (expect.errors) checkErrors(expect.errors, [...path, 'errors'], versions, watch, report);
}

/** A version that is promised no request cannot be compared. */
function reportSilentVersions({ share, errors, responseTime }: Expectation, path: Path, report: ReportAt): void {
  const gets = (version: string) =>
    share?.[version] !== 0 && !Object.entries(share ?? {}).some(([other, part]) => other !== version && part === 1);
  const claims = [
    ...Object.entries(errors?.notWorse ?? {}).map(([version, { than }]) => ['errors', version, than] as const),
    ...Object.entries(responseTime?.versions ?? {}).map(
      ([version, { notSlower }]) => ['responseTime', version, notSlower?.than ?? version] as const,
    ),
  ];
  for (const [field, version, than] of claims) {
    const silent = [version, than].find((name) => !gets(name));
    if (silent !== undefined)
      report(
        [...path, field, version],
        `${silent} is promised no request here, so nothing of it can be measured`,
        'promise it in a stage in which both versions answer',
      );
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
