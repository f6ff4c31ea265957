import type { KubeObject } from '../../base/kubernetes.js';
import { httpRoute } from './httpRoutes.js';
import type { Flow } from './kind.js';
import { at, type DiagnosisInput, items, ofKind, text } from './objects.js';
import { destination, type LiveRoute, type MirrorEntry, type RouteEntry, type RouteRule } from './routeEntries.js';
import { byAge, hostIndex, isFollowed, visibility, visible } from './rules.js';
import { callerSidecar } from './sidecars.js';

export type { LiveRoute, RouteEntry, RouteRule } from './routeEntries.js';

/**
 * Route objects of the service, the one in force first. In the mesh one VirtualService wins whole: exported to the caller's namespace only
 * before public, then the oldest, then by name and namespace.
 */
export function liveRoutes(input: DiagnosisInput): LiveRoute[] {
  const sidecar = callerSidecar(input);
  const virtualServices = ofKind(input, 'VirtualService')
    .filter((object) => isFollowed(input, object) && visible(object, input) && (sidecar?.knows(object) ?? true))
    .sort((a, b) => visibility(a) - visibility(b) || byAge(a, b))
    .flatMap((object) => virtualServiceRoute(input, object) ?? []);
  const httpRoutes = [...ofKind(input, 'HTTPRoute')].sort(byAge).flatMap((object) => httpRoute(input, object) ?? []);
  return [...httpRoutes, ...virtualServices];
}

function virtualServiceRoute(input: DiagnosisInput, object: KubeObject): LiveRoute | undefined {
  const hosts = items(object.spec?.hosts).map((each) => text(each) ?? '');
  const index = hostIndex(input, object);
  const rules = items(object.spec?.http);
  if (index < 0 || rules.length === 0) return undefined;
  const position = Math.max(0, rules.findIndex(acceptsPlainGet));
  const rule = `spec.http[${position}]`;
  const told = rules.map((each, order) => ruleOf(input, object, each, `spec.http[${order}]`, order < position));
  const { entries, mirrors } = told[position] as RouteRule;
  const others = told.filter((_, order) => order !== position);
  return { object, rule, entries, mirrors, others, hostField: `spec.hosts[${index}]`, host: hosts[index] as string };
}

const ruleOf = (
  input: DiagnosisInput,
  object: KubeObject,
  rule: unknown,
  field: string,
  before: boolean,
): RouteRule => ({
  rule: field,
  entries: virtualServiceEntries(input, object, at(rule, 'route'), field),
  mirrors: virtualServiceMirrors(input, object, rule, field),
  before,
  matches: items(at(rule, 'match')),
});

/** No condition, or none but a method or a path that a GET of any page fulfils. */
function acceptsPlainGet(rule: unknown): boolean {
  const matches = items(at(rule, 'match'));
  return (
    matches.length === 0 ||
    matches.some((match) => {
      if (typeof match !== 'object' || match === null) return false;
      return Object.entries(match).every(([key, condition]) => {
        if (key === 'name' || key === 'ignoreUriCase') return true;
        if (key === 'method')
          return at(condition, 'exact') === 'GET' || /GET|\.\*/.test(text(at(condition, 'regex')) ?? '');
        return key === 'uri' && (at(condition, 'prefix') === '/' || at(condition, 'regex') === '.*');
      });
    })
  );
}

function virtualServiceEntries(input: DiagnosisInput, object: KubeObject, route: unknown, rule: string): RouteEntry[] {
  const entries = items(route);
  const weights = entries.map((entry) => (entries.length === 1 ? 100 : Number(at(entry, 'weight') ?? 0)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return entries.map((entry, index) => {
    const weight = weights[index] as number;
    return {
      ...destination(input, object, at(entry, 'destination')),
      share: sum === 0 ? 0 : weight / sum,
      weight: text(at(entry, 'weight')) ?? 'omitted',
      effectiveWeight: weight,
      field: `${rule}.route[${index}].weight`,
    };
  });
}

function virtualServiceMirrors(input: DiagnosisInput, object: KubeObject, rule: unknown, field: string): MirrorEntry[] {
  const percent = (value: unknown) => (value === undefined ? 1 : Number(at(value, 'value') ?? 0) / 100);
  const single = at(rule, 'mirror');
  if (single !== undefined) {
    const share = percent(at(rule, 'mirrorPercentage') ?? at(rule, 'mirror_percentage'));
    const percentField = `${field}.mirrorPercentage.value`;
    return [{ ...destination(input, object, single), share, field: `${field}.mirror`, percentField }];
  }
  return items(at(rule, 'mirrors')).map((each, index) => ({
    ...destination(input, object, at(each, 'destination')),
    share: percent(at(each, 'percentage')),
    field: `${field}.mirrors[${index}]`,
    percentField: `${field}.mirrors[${index}].percentage.value`,
  }));
}

/** The condition on the cookie header in a match of a VirtualService or an HTTPRoute. */
export function cookieOf(match: unknown): unknown {
  const headers = at(match, 'headers');
  const named = items(headers).find((each) => text(at(each, 'name'))?.toLowerCase() === 'cookie');
  if (named !== undefined || typeof headers !== 'object' || headers === null) return named;
  return Object.entries(headers).find(([name]) => name.toLowerCase() === 'cookie')?.[1];
}

/** What the weights and mirrors of a route say, whoever may answer. */
export function routeFlow({ scenario }: DiagnosisInput, route: Pick<LiveRoute, 'entries' | 'mirrors'>): Flow {
  const versions = Object.keys(scenario.versions);
  const share = Object.fromEntries(versions.map((version) => [version, routedShare(route, version)]));
  const copies = Object.fromEntries(
    route.mirrors.flatMap(({ version, share: each }) => (version === undefined ? [] : [[version, each]])),
  );
  return { share, lost: {}, copies };
}

/** Share that a version gets by the weights of a route. */
export const routedShare = (route: Pick<LiveRoute, 'entries'>, version: string): number =>
  route.entries.filter((entry) => entry.version === version).reduce((sum, entry) => sum + entry.share, 0);
