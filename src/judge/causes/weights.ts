import { objectRef } from '../../base/kubernetes.js';
import type { Cause } from '../types.js';
import { list } from '../words.js';
import { type DiagnosisInput, manifestsOf, placeOf } from './objects.js';
import { type LiveRoute, liveRoutes, type RouteEntry, routedShare } from './routes.js';

/** Weights and mirrors in force that are not those promised. */
export function weightCauses(input: DiagnosisInput): Cause[] {
  const route = liveRoutes(input)[0];
  if (!route || input.stage.expect.by === 'balancing') return [];
  const confused = mirrorNotSplit(input, route);
  return confused.length > 0 ? confused : [...weightDiffers(input, route), ...mirrorPercentDiffers(input, route)];
}

/** Shares are compared to the last digit a weight can express. */
const SAME = 1e-6;

function weightDiffers(input: DiagnosisInput, route: LiveRoute): Cause[] {
  const share = input.stage.expect.share ?? {};
  const wrong = Object.entries(share).filter(
    ([version, promised]) => Math.abs(routedShare(route, version) - promised) > SAME,
  );
  // Two named versions are one promise: the released one (last) tells it.
  const told = wrong.length > 1 ? wrong.filter(([version]) => version === lastOf(input, wrong)) : wrong;
  return told.flatMap(([version, promised]) => {
    const entry = route.entries.find((each) => each.version === version);
    if (promised > 0 && mirrorsTo(route, version)) return [];
    return [entry ? wrongWeight(input, route, entry, promised) : missingEntry(input, route, version, promised)];
  });
}

function lastOf(input: DiagnosisInput, wrong: readonly (readonly [string, number])[]): string | undefined {
  return Object.keys(input.scenario.versions).findLast((version) => wrong.some(([name]) => name === version));
}

const mirrorsTo = (route: LiveRoute, version: string) => route.mirrors.some((mirror) => mirror.version === version);

function wrongWeight(input: DiagnosisInput, route: LiveRoute, entry: RouteEntry, promised: number): Cause {
  const expected = weightFor(route, entry, promised);
  const found = route.entries.length === 1 && entry.weight === 'omitted' ? '100' : entry.weight;
  const others = route.entries.filter((each) => each !== entry);
  const wanted = [
    ...(others.length === 1 && others[0] ? [`${others[0].target} to ${round(100 - promised * 100)}`] : []),
    `${entry.target} to ${round(promised * 100)}`,
  ];
  return {
    code: 'WEIGHT_DIFFERS',
    object: objectRef(route.object),
    field: entry.field,
    found,
    expected,
    fix: `Set the ${wanted.length > 1 ? 'weights of' : 'weight of'} ${list(wanted)}${overwritten(input, route, entry.field, expected)}.`,
    ...place(input, route, entry.field),
  };
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

function missingEntry(input: DiagnosisInput, route: LiveRoute, version: string, promised: number): Cause {
  const field = route.entries[0]?.field.replace(/\[\d+\]\.weight$/, '') ?? `${route.rule}.route`;
  return {
    code: 'WEIGHT_DIFFERS',
    object: objectRef(route.object),
    field,
    found: list(route.entries.map((entry) => `${entry.target} ${round(entry.share * 100)}`)) || 'no destination',
    expected: `${version} ${round(promised * 100)}`,
    fix: `Add a destination for ${version} with weight ${round(promised * 100)}.`,
    ...place(input, route, field),
  };
}

/** A split where copies are promised, or copies where a split is. */
function mirrorNotSplit(input: DiagnosisInput, route: LiveRoute): Cause[] {
  const { share = {}, mirror = {} } = input.stage.expect;
  const object = objectRef(route.object);
  const copied = Object.entries(share).flatMap(([version, promised]): Cause[] => {
    const entry = route.mirrors.find((each) => each.version === version);
    if (!entry || promised === 0 || mirror[version] !== undefined || routedShare(route, version) > 0) return [];
    const weight = round(promised * 100);
    const fix = `Replace the mirror by a route destination ${entry.target} with weight ${weight}: copies are answered to nobody.`;
    const expected = `weight ${weight} for ${entry.target}`;
    return [
      {
        code: 'MIRROR_NOT_SPLIT',
        object,
        field: entry.field,
        found: `mirror to ${entry.target}`,
        expected,
        fix,
        ...place(input, route, entry.field),
      },
    ];
  });
  const split = Object.entries(mirror).flatMap(([version, promised]): Cause[] => {
    if (promised === 0 || mirrorsTo(route, version)) return [];
    const entry = route.entries.find((each) => each.version === version && each.share > 0);
    const field = entry?.field ?? `${route.rule}.mirror`;
    const fix = entry
      ? `Send ${entry.target} copies by ${route.rule}.mirror instead of a share of the requests: users must not get its answers.`
      : `Add a mirror to ${version} with ${round(promised * 100)} %.`;
    const found = entry ? `weight ${entry.weight} for ${entry.target}` : 'absent';
    return [
      {
        code: 'MIRROR_NOT_SPLIT',
        object,
        field,
        found,
        expected: `mirror to ${version}`,
        fix,
        ...place(input, route, field),
      },
    ];
  });
  return [...copied, ...split];
}

function mirrorPercentDiffers(input: DiagnosisInput, route: LiveRoute): Cause[] {
  return Object.entries(input.stage.expect.mirror ?? {}).flatMap(([version, promised]): Cause[] => {
    const entry = route.mirrors.find((each) => each.version === version);
    if (!entry || Math.abs(entry.share - promised) <= SAME) return [];
    const field = entry.percentField;
    return [
      {
        code: 'WEIGHT_DIFFERS',
        object: objectRef(route.object),
        field,
        found: round(entry.share * 100),
        expected: round(promised * 100),
        fix: `Set the mirror's percentage to ${round(promised * 100)}.`,
        ...place(input, route, field),
      },
    ];
  });
}

function place(input: DiagnosisInput, route: LiveRoute, field: string): { place?: string } {
  const found = placeOf(input, route.object, field);
  return found ? { place: found } : {};
}
