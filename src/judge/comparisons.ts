import { limitEntries, PERCENTILES } from '../scenario/percentiles.js';
import type { ResponseTimeLimits, Scenario, Stage } from '../scenario/types.js';
import type { CheckDraft } from './types.js';

/** Checks of versions against versions, and of response times. */

export function errorRatioDrafts(scenario: Scenario, stage: Stage): CheckDraft[] {
  return Object.entries(stage.expect.errors?.notWorse ?? {}).map(([version, { than, ratio }]): CheckDraft => {
    const expected = { ratio, than, absence: stage.precision.absence };
    const base = { name: `errors:${version}`, vantagePoint: 'source', version, required: true, expected } as const;
    if (scenario.watch.source !== 'off') return { ...base, rule: 'ratio' };
    const reason = 'Errors are decided at the source proxy, but the scenario does not watch it.';
    return { ...base, rule: 'none', why: { verdict: 'no-data', reason } };
  });
}

export function responseTimeDrafts(scenario: Scenario, stage: Stage): CheckDraft[] {
  const promised = stage.expect.responseTime;
  if (!promised) return [];
  const drafts = [
    ...limitDrafts(undefined, promised.limits),
    ...Object.entries(promised.versions).flatMap(([version, { limits, notSlower }]) => [
      ...limitDrafts(version, limits),
      ...(notSlower ? [pairsDraft(version, notSlower)] : []),
    ]),
  ];
  return drafts.map((draft): CheckDraft => {
    const reason = blind(scenario, draft.version);
    if (reason === undefined) return draft;
    return { ...draft, rule: 'none', required: false, why: { verdict: 'not-applicable', reason } };
  });
}

function blind(scenario: Scenario, version: string | undefined): string | undefined {
  if (scenario.watch.client === 'off')
    return 'Response times are measured by the client, and here others send the load.';
  if (version !== undefined && !scenario.marker)
    return 'The scenario has no marker, so the client cannot tell the versions apart.';
  return undefined;
}

const limitDrafts = (version: string | undefined, limits: ResponseTimeLimits): CheckDraft[] =>
  limitEntries(limits).map(([percentile, limitMs]) => ({
    name: `responseTime:${version === undefined ? '' : `${version}:`}${percentile}`,
    vantagePoint: 'client',
    version,
    rule: 'limit',
    required: true,
    // Rounded, so that a journal shows 0.05 and not what 1 - 0.95 leaves.
    expected: { percentile, limitMs, max: Number((1 - PERCENTILES[percentile]).toFixed(6)) },
  }));

const pairsDraft = (
  version: string,
  { than, margin }: { readonly than: string; readonly margin: number },
): CheckDraft => ({
  name: `responseTime:${version}`,
  vantagePoint: 'client',
  version,
  rule: 'pairs',
  required: true,
  expected: { than, margin, max: 0.5 },
});
