import { formatDuration, ratio } from '../base/units.js';
import type { ReportAt } from './issues.js';
import { limitEntries, PERCENTILES } from './percentiles.js';
import type { StageFile } from './schema.js';
import type { Percentile, ResponseTimeExpectation, ResponseTimeLimits, Scenario } from './types.js';
import { checkVersions } from './versionNames.js';
import type { Path } from './yaml-text.js';

const DEFAULT_MARGIN = ratio(0.1);

type Written = NonNullable<StageFile['expect']['responseTime']>;
type WrittenVersion = Written[string] & { notSlowerThan?: string; margin?: ReturnType<typeof ratio> };

const isPercentile = (name: string): name is Percentile => name in PERCENTILES;

const limitsOf = (written: object): ResponseTimeLimits =>
  Object.fromEntries(Object.entries(written).filter(([name, ms]) => isPercentile(name) && ms !== undefined));

export function responseTimeOf(written: Written | undefined): ResponseTimeExpectation | undefined {
  if (!written) return undefined;
  const versions = Object.entries(written).filter(([name]) => !isPercentile(name)) as [string, WrittenVersion][];
  return {
    limits: limitsOf(written),
    versions: Object.fromEntries(
      versions.map(([version, of]) => [
        version,
        {
          limits: limitsOf(of),
          notSlower:
            of.notSlowerThan === undefined
              ? undefined
              : { than: of.notSlowerThan, margin: of.margin ?? DEFAULT_MARGIN },
        },
      ]),
    ),
  };
}

/** What of the response times the stages of a scenario promise something of; undefined: nothing. */
export function responseTimeWatch({ stages }: Pick<Scenario, 'stages'>):
  | {
      readonly limits: readonly number[];
      readonly versions: readonly string[];
      readonly pairs: readonly { readonly candidate: string; readonly baseline: string; readonly margin: number }[];
    }
  | undefined {
  const promises = stages.flatMap(({ expect }) => (expect.responseTime ? [expect.responseTime] : []));
  if (promises.length === 0) return undefined;
  const named = promises.flatMap(({ versions }) => Object.entries(versions));
  const limits = [...promises, ...named.map(([, of]) => of)].flatMap((of) =>
    limitEntries(of.limits).map(([, ms]) => ms),
  );
  const pairs = named.flatMap(([candidate, { notSlower }]) =>
    notSlower ? [{ candidate, baseline: notSlower.than, margin: notSlower.margin }] : [],
  );
  const key = (pair: (typeof pairs)[number]) => JSON.stringify(pair);
  return {
    limits: [...new Set(limits)].sort((a, b) => a - b),
    versions: [...new Set(named.map(([version]) => version))],
    pairs: [...new Map(pairs.map((pair) => [key(pair), pair])).values()],
  };
}

interface Surroundings {
  readonly versions: readonly string[];
  readonly watch: Scenario['watch'];
  /** Whether the client can tell the versions apart. */
  readonly marker: boolean;
  /** ms; undefined: not known, because the load has problems of its own. */
  readonly timeout: number | undefined;
}

/** Reports limits that no answer can break, comparisons without a margin, and what the client cannot see. */
export function checkResponseTime(
  expect: ResponseTimeExpectation,
  path: Path,
  { versions, watch, marker, timeout }: Surroundings,
  report: ReportAt,
): void {
  const named = Object.entries(expect.versions);
  if (named.length === 0 && limitEntries(expect.limits).length === 0)
    report(path, 'promises nothing', 'write for example {p95: 800ms} or {v2: {notSlowerThan: v1}}');
  checkLimits(expect.limits, path, timeout, report);
  for (const [version, { limits, notSlower }] of named) {
    const compared = notSlower && { than: notSlower.than, field: 'notSlowerThan' };
    checkVersions(version, compared, path, versions, report);
    checkLimits(limits, [...path, version], timeout, report);
    if (!notSlower && limitEntries(limits).length === 0)
      report([...path, version], 'promises nothing', 'write for example {p95: 800ms} or {notSlowerThan: v1}');
    if (notSlower && notSlower.margin <= 0)
      report(
        [...path, version, 'margin'],
        'found 0%; allowed is more than 0% and at most 100%',
        'that two versions are exactly alike cannot be proven; name the slowdown that is harmless, such as 10%',
      );
  }
  if (watch.client === 'off')
    report(path, 'response times are measured by the client, which watch switches off', 'set watch.client to require');
  else if (named.length > 0 && !marker)
    report(
      path,
      'promises a response time of a version, but without a marker the client cannot tell the versions apart',
      'add a marker, or promise p95 of all answers',
    );
}

function checkLimits(limits: ResponseTimeLimits, path: Path, timeout: number | undefined, report: ReportAt): void {
  for (const [name, ms] of limitEntries(limits)) {
    if (ms <= 0) report([...path, name], 'found 0; allowed are durations above 0');
    else if (timeout !== undefined && ms >= timeout)
      report(
        [...path, name],
        `the limit of ${formatDuration(ms)} is not below the load's timeout of ${formatDuration(timeout)}, so no answer could break it`,
        'raise load.timeout or lower the limit',
      );
  }
}
