import { markerMatches, mixInMarkerUris } from '../scenario/markers.js';
import type { ClosedModel, OpenModel, Scenario } from '../scenario/types.js';
import { levelsOf, lowestLevel, meanThinkTimeMs, partAsksFor, partsOf } from '../scenario/workload.js';

/** Assumed time of one answer, ms: a page of an idle application. */
const ASSUMED_ANSWER_MS = 20;

/** Pages per second that the scenario's load asks for. Of a load that changes its level the lowest, since any stage may fall into it. */
export function assumedPages({ load: { model } }: Scenario): number {
  return partsOf(model).reduce((sum, part) => sum + pagesPerSecond(part.model), 0);
}

function pagesPerSecond(model: ClosedModel | OpenModel): number {
  const level = lowestLevel(levelsOf(model));
  return model.kind === 'open' ? level : (level * 1000) / (meanThinkTimeMs(model.thinkTime) + ASSUMED_ANSWER_MS);
}

/** Pages per second for each target that tells the version; without a marker for every target. */
export function judgedPages(scenario: Scenario): ReadonlyMap<string, number> {
  const { marker } = scenario;
  const { entries } = mixInMarkerUris(scenario);
  const pages = new Map<string, number>();
  for (const part of partsOf(scenario.load.model)) {
    const own = entries.filter((entry) => partAsksFor(part, entry));
    const perWeight = pagesPerSecond(part.model) / own.reduce((sum, { weight = 1 }) => sum + weight, 0);
    for (const { target, weight = 1 } of own) {
      if (marker && !markerMatches(marker.uri, target)) continue;
      pages.set(target, (pages.get(target) ?? 0) + weight * perWeight);
    }
  }
  return pages;
}

/** Smallest part of the marker requests that one marker URI gets: every one must be certified. */
export function rarestMarker(scenario: Scenario): number {
  const pages = [...judgedPages(scenario).values()];
  return pages.length === 0 ? 1 : Math.min(...pages) / pages.reduce((sum, each) => sum + each, 0);
}
