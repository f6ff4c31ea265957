import { capturing } from './captured.js';
import { promisedFlow, seen } from './flow.js';
import type { CauseKind } from './kind.js';
import type { DiagnosisInput } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { type LiveRoute, liveRoutes, routedShare, routeFlow } from './routes.js';

/** 17: copies where a split is promised, or a split where copies are. */
export const mirrorNotSplit: CauseKind = {
  code: 'MIRROR_NOT_SPLIT',
  number: 17,
  title: 'requests are copied where they should be split, or the other way round',
  confirm: (input) => {
    const route = liveRoutes(input)[0];
    const elsewhere = input.stage.expect.by === 'balancing' || capturing(input) !== undefined;
    return route && !elsewhere ? fromObjects(confusions(input, route)) : [];
  },
  predict: (_candidate, input) => {
    const route = liveRoutes(input)[0];
    if (!route) return seen(promisedFlow(input));
    return seen(routeFlow(input, route));
  },
};

export const mirrorConfused = (input: DiagnosisInput, route: LiveRoute): boolean => confusions(input, route).length > 0;

export const mirrorsTo = (route: LiveRoute, version: string): boolean =>
  route.mirrors.some((mirror) => mirror.version === version);

const round = (value: number): string => String(Number(value.toFixed(4)));

/** A split where copies are promised, or copies where a split is. */
function confusions(input: DiagnosisInput, route: LiveRoute): Place[] {
  const { share = {}, mirror = {} } = input.stage.expect;
  const copied = Object.entries(share).flatMap(([version, promised]): Place[] => {
    const entry = route.mirrors.find((each) => each.version === version);
    if (!entry || promised === 0 || mirror[version] !== undefined || routedShare(route, version) > 0) return [];
    const weight = round(promised * 100);
    const fix = `Replace the mirror by a route destination ${entry.target} with weight ${weight}: copies are answered to nobody.`;
    const expected = `weight ${weight} for ${entry.target}`;
    return [placeAt(input, route.object, entry.field, { found: `mirror to ${entry.target}`, expected, fix })];
  });
  const split = Object.entries(mirror).flatMap(([version, promised]): Place[] => {
    if (promised === 0 || mirrorsTo(route, version)) return [];
    const entry = route.entries.find((each) => each.version === version && each.share > 0);
    const field = entry?.field ?? `${route.rule}.mirror`;
    const fix = entry
      ? `Send ${entry.target} copies by ${route.rule}.mirror instead of a share of the requests: users must not get its answers.`
      : `Add a mirror to ${version} with ${round(promised * 100)} %.`;
    const found = entry ? `weight ${entry.weight} for ${entry.target}` : 'absent';
    return [placeAt(input, route.object, field, { found, expected: `mirror to ${version}`, fix })];
  });
  return [...copied, ...split];
}
