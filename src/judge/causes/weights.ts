import { list } from '../words.js';
import { unresolvedBackends } from './backends.js';
import { capturing } from './captured.js';
import { promisedFlow, seen } from './flow.js';
import type { CauseKind } from './kind.js';
import { mirrorConfused, mirrorsTo } from './mirrors.js';
import { type DiagnosisInput, manifestsOf } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { type LiveRoute, liveRoutes, type RouteEntry, routedShare, routeFlow } from './routes.js';

/** 33: other weights are written than those promised. */
export const weightDiffers: CauseKind = {
  code: 'WEIGHT_DIFFERS',
  number: 33,
  title: 'the weights in force are not those promised',
  confirm: (input) => {
    const route = routeByWeights(input);
    if (!route) return [];
    return fromObjects([...(misread(route) ? [] : wrongWeights(input, route)), ...mirrorPercentDiffers(input, route)]);
  },
  predict: (_candidate, input) => seenByWeights(input),
};

/** 15: the mesh makes other shares of the weights than a reader would. */
export const weightNormalised: CauseKind = {
  code: 'WEIGHT_NORMALISED',
  number: 15,
  title: 'the mesh divides weights by their sum, and an omitted weight is none',
  confirm: (input) => {
    const route = routeByWeights(input);
    return route && misread(route) ? fromObjects(wrongWeights(input, route)) : [];
  },
  predict: (_candidate, input) => seenByWeights(input),
};

/** The route in force, where its weights are what is wrong, if anything: nobody else's route, no confused mirror, no earlier match. */
function routeByWeights(input: DiagnosisInput): LiveRoute | undefined {
  const route = liveRoutes(input)[0];
  if (!route || input.stage.expect.by === 'balancing') return undefined;
  return mirrorConfused(input, route) || capturing(input) ? undefined : route;
}

const seenByWeights = (input: DiagnosisInput) => {
  const route = liveRoutes(input)[0];
  return seen(route ? routeFlow(input, route) : promisedFlow(input));
};

/** Weights that do not say their shares in per cent, or that are not written. */
function misread({ object, entries }: LiveRoute): boolean {
  const omitted = entries.some(({ weight }) => weight === 'omitted');
  if (entries.length < 2) return !omitted && entries.some(({ weight }) => weight !== '100');
  const sum = entries.reduce((total, { effectiveWeight }) => total + effectiveWeight, 0);
  return omitted || (object.kind === 'VirtualService' && sum !== 100);
}

/** Shares are compared to the last digit a weight can express. */
const SAME = 1e-6;

function wrongWeights(input: DiagnosisInput, route: LiveRoute): Place[] {
  const share = input.stage.expect.share ?? {};
  const wrong = Object.entries(share).filter(
    ([version, promised]) => Math.abs(routedShare(route, version) - promised) > SAME,
  );
  // Two named versions are one promise: the released one (last) tells it.
  const told = wrong.length > 1 ? wrong.filter(([version]) => version === lastOf(input, wrong)) : wrong;
  return told.flatMap(([version, promised]) => {
    const entry = route.entries.find((each) => each.version === version);
    if (promised > 0 && mirrorsTo(route, version)) return [];
    if (entry) return [wrongWeight(input, route, entry, promised)];
    // A backend that is no Service may be meant for it.
    return unresolvedBackends(input).length > 0 ? [] : [missingEntry(input, route, version, promised)];
  });
}

function lastOf(input: DiagnosisInput, wrong: readonly (readonly [string, number])[]): string | undefined {
  return Object.keys(input.scenario.versions).findLast((version) => wrong.some(([name]) => name === version));
}

function wrongWeight(input: DiagnosisInput, route: LiveRoute, entry: RouteEntry, promised: number): Place {
  const expected = weightFor(route, entry, promised);
  const found = route.entries.length === 1 && entry.weight === 'omitted' ? '100' : entry.weight;
  const others = route.entries.filter((each) => each !== entry);
  const wanted = [
    ...(others.length === 1 && others[0] ? [`${others[0].target} to ${round(100 - promised * 100)}`] : []),
    `${entry.target} to ${round(promised * 100)}`,
  ];
  return placeAt(input, route.object, entry.field, {
    found,
    expected,
    fix: `Set the ${wanted.length > 1 ? 'weights of' : 'weight of'} ${list(wanted)}${overwritten(input, route, entry.field, expected)}.`,
  });
}

/** The number to write: per cent where the weights make 100, else the weight that gives the share beside the others. */
function weightFor(route: LiveRoute, entry: RouteEntry, promised: number): string {
  const total = route.entries.reduce((sum, each) => sum + each.effectiveWeight, 0);
  const beside = ((total - entry.effectiveWeight) * promised) / (1 - promised);
  const fits = total !== 100 && promised < 1 && beside > 0 && Math.abs(beside - Math.round(beside)) < SAME;
  return round(fits ? beside : promised * 100);
}

const round = (value: number): string => String(Number(value.toFixed(4)));

/** Says so when the manifest is right and something else changed the object after it was applied. */
function overwritten(input: DiagnosisInput, route: LiveRoute, field: string, expected: string): string {
  const manifest = manifestsOf(input, route.object)[0];
  if (!manifest) return '';
  const written = field
    .split(/[.[\]]+/)
    .reduce<unknown>(
      (here, step) =>
        step === '' || typeof here !== 'object' || here === null ? here : (here as Record<string, unknown>)[step],
      manifest.object,
    );
  return String(written) === expected
    ? '; the manifest says so, but something changed the object after it was applied (see metadata.managedFields)'
    : '';
}

function missingEntry(input: DiagnosisInput, route: LiveRoute, version: string, promised: number): Place {
  const field = route.entries[0]?.field.replace(/\[\d+\]\.weight$/, '') ?? `${route.rule}.route`;
  return placeAt(input, route.object, field, {
    found: list(route.entries.map((entry) => `${entry.target} ${round(entry.share * 100)}`)) || 'no destination',
    expected: `${version} ${round(promised * 100)}`,
    fix: `Add a destination for ${version} with weight ${round(promised * 100)}.`,
  });
}

function mirrorPercentDiffers(input: DiagnosisInput, route: LiveRoute): Place[] {
  return Object.entries(input.stage.expect.mirror ?? {}).flatMap(([version, promised]): Place[] => {
    const entry = route.mirrors.find((each) => each.version === version);
    if (!entry || Math.abs(entry.share - promised) <= SAME) return [];
    const field = entry.percentField;
    return [
      placeAt(input, route.object, field, {
        found: round(entry.share * 100),
        expected: round(promised * 100),
        fix: `Set the mirror's percentage to ${round(promised * 100)}.`,
      }),
    ];
  });
}
