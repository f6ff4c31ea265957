import type { Observation, WindowCounts } from '../observe/types.js';
import { markerMatches } from '../scenario/markers.js';
import type { Marker, Scenario, WatchedPoint } from '../scenario/types.js';
import type { DarkTally } from './dark.js';
import type { MirrorTally } from './mirror.js';
import type { CheckResult, Look } from './types.js';

export type GoodObservation = Extract<Observation, { status: 'ok' }>;

/** What a vantage point said at a look; undefined when it was not asked. */
export function observationOf(look: Look, point: WatchedPoint): Observation | undefined {
  return look.observations.find((observation) => observation.vantagePoint === point);
}

export function goodObservation(look: Look, point: WatchedPoint): GoodObservation | undefined {
  const observation = observationOf(look, point);
  return observation?.status === 'ok' ? observation : undefined;
}

/** Requests of a version; 0 when the vantage point does not know it. */
export const versionTotal = (counts: WindowCounts, version: string): number => counts.versions[version]?.total ?? 0;
export const versionFailed = (counts: WindowCounts, version: string): number => counts.versions[version]?.failed ?? 0;

/** Requests that some version of the scenario answered. */
export function attributed(counts: WindowCounts): number {
  return Object.values(counts.versions).reduce((sum, version) => sum + version.total, 0);
}

export interface Tally {
  readonly count: number;
  readonly total: number;
}

/**
 * Requests of a version among those that any version answered. When none was answered at all, the requests that reached no version count as
 * requests that this version did not get: a share is promised of the calls, and silence must not hide that nobody keeps it.
 */
export function shareTally(counts: WindowCounts, version: string): Tally {
  const total = attributed(counts);
  return total > 0 ? { count: versionTotal(counts, version), total } : { count: 0, total: counts.unknown.total };
}

/** Failed calls among all calls of the service, those that reached no version included. */
export function errorTally(counts: WindowCounts): Tally {
  const failed = Object.values(counts.versions).reduce((sum, version) => sum + version.failed, 0);
  return { count: failed + counts.unknown.failed, total: attributed(counts) + counts.unknown.total };
}

/**
 * Strata of the dark rule. At the client every marker URI is one (a route can send one path elsewhere); proxies have no path label, so all
 * their requests are one.
 * @param share 0: requests of the version are astray; 1: requests of every other version are.
 */
export function darkTally(
  scenario: Scenario,
  counts: WindowCounts,
  point: WatchedPoint,
  version: string,
  share: number,
): DarkTally {
  const astray = (mine: number, total: number) => (share === 0 ? mine : total - mine);
  if (point === 'client' && scenario.marker) {
    const strata = markerStrata(scenario.marker, counts, version).map(({ name, mine, total }) => ({
      name,
      total,
      count: astray(mine, total),
    }));
    if (strata.length > 0) return { strata };
  }
  const total = attributed(counts);
  return { strata: [{ name: '', total, count: astray(versionTotal(counts, version), total) }] };
}

/** Answers by marker URI; a URI that the list names several times is one. */
function markerStrata(marker: Marker, counts: WindowCounts, version: string) {
  const strata = new Map<string, { name: string; mine: number; total: number }>();
  for (const { uri, versions } of counts.byUri) {
    const total = Object.values(versions).reduce((sum, count) => sum + count, 0);
    if (total === 0 && !markerMatches(marker.uri, uri.replace(/^[A-Z]+ /, ''))) continue;
    const stratum = strata.get(uri) ?? { name: uri, mine: 0, total: 0 };
    stratum.mine += versions[version] ?? 0;
    stratum.total += total;
    strata.set(uri, stratum);
  }
  return [...strata.values()];
}

/** Mirror copies of a version; undefined until both proxies have been read. */
export function mirrorTally(look: Look, version: string): MirrorTally | undefined {
  const source = goodObservation(look, 'source');
  const destination = goodObservation(look, 'destination');
  if (!source || !destination) return undefined;
  return {
    copies: versionTotal(destination.counts, version) - versionTotal(source.counts, version),
    primaries: attributed(source.counts),
  };
}

/**
 * Answers that took longer than a limit, or pairs of answers in which the version's is the longer one; undefined when they were not counted.
 * @param subject the check's name after `responseTime:`.
 */
export function responseTimeTally(
  { responseTimes }: WindowCounts,
  subject: string,
  { percentile, limitMs, than, margin }: CheckResult['expected'],
): Tally | undefined {
  const [first = ''] = subject.split(':');
  if (percentile) {
    const answers = first === percentile ? responseTimes?.all : responseTimes?.versions[first];
    const count = answers?.over[String(limitMs)];
    return answers && count !== undefined ? { count, total: answers.total } : undefined;
  }
  const pair = responseTimes?.pairs.find(
    (each) => each.candidate === first && each.baseline === than && each.margin === margin,
  );
  return pair && { count: pair.slower, total: pair.total };
}
