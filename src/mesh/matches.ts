import { type Fields, isRecord, labels, number, record, records, text, texts } from './read.js';
import type { Caller, Route, RouteMatch, StringMatch } from './types.js';

/** Where a rule is compiled for: the proxy, the port it listens on, and `mesh` or the gateway's `namespace/name`. */
export interface Place {
  readonly caller: Caller;
  readonly port: number;
  readonly gateways: readonly string[];
}

/** Istio's StringMatch; `{}` and the regex `*` mean presence. undefined: the field is absent. */
function stringMatch(value: unknown, ignoreCase = false): StringMatch | undefined {
  if (!isRecord(value)) return undefined;
  const fold = ignoreCase ? { ignoreCase: true } : {};
  for (const kind of ['exact', 'prefix', 'regex'] as const) {
    const expected = text(value[kind]);
    if (expected === undefined) continue;
    // Envoy's case switch is for exact and prefix only; a regex brings its own flags.
    if (kind === 'regex') return expected === '*' ? { kind: 'present', value: '' } : { kind, value: expected };
    return { kind, value: expected, ...fold };
  }
  return { kind: 'present', value: '' };
}

/**
 * sourceLabels, sourceNamespace, gateways and port choose rules per proxy and never look at a request. Istio asks for the source only
 * where no gateways are written.
 */
function appliesTo(match: Fields, place: Place, ruleNamespace: string): boolean {
  const port = number(match.port);
  if (port !== undefined && port !== 0 && port !== place.port) return false;
  const gateways = texts(match.gateways).map((name) => gatewayRef(name, ruleNamespace));
  if (gateways.length > 0) return gateways.some((name) => place.gateways.includes(name));
  const namespace = text(match.sourceNamespace);
  if (namespace && namespace !== place.caller.namespace) return false;
  return Object.entries(labels(match.sourceLabels)).every(([key, value]) => place.caller.labels[key] === value);
}

/** `name` belongs to the rule's namespace, `namespace/name` and `mesh` are taken as they are. */
export const gatewayRef = (name: string, namespace: string): string =>
  name === 'mesh' || name.includes('/') ? name : `${namespace}/${name}`;

function routeMatch(match: Fields): RouteMatch {
  const path = stringMatch(match.uri, match.ignoreUriCase === true);
  const method = stringMatch(match.method);
  const authority = stringMatch(match.authority);
  const scheme = stringMatch(match.scheme);
  return {
    ...(path && path.kind !== 'present' ? { path } : {}),
    ...(method ? { method } : {}),
    ...(authority ? { authority } : {}),
    ...(scheme ? { scheme } : {}),
    headers: [...headerMatches(match.headers, false), ...headerMatches(match.withoutHeaders, true)],
    query: Object.entries(record(match.queryParams)).map(([name, value]) => ({
      name,
      match: stringMatch(value) ?? { kind: 'present', value: '' },
    })),
  };
}

const headerMatches = (value: unknown, invert: boolean): RouteMatch['headers'] =>
  Object.entries(record(value)).map(([name, condition]) => ({
    name: name.toLowerCase(),
    match: stringMatch(condition) ?? { kind: 'present', value: '' },
    invert,
  }));

/** Istio stops compiling a host's routes after such a match: nothing can pass it. */
export function isCatchAll(match: RouteMatch): boolean {
  if (match.method || match.authority || match.scheme || match.headers.length > 0 || match.query.length > 0)
    return false;
  if (!match.path) return true;
  return match.path.kind === 'regex'
    ? match.path.value === '.*'
    : match.path.value === '/' && match.path.kind !== 'exact';
}

/** The order of routes that were merged from several objects at a gateway. */
export function catchAllLast(routes: readonly Route[]): Route[] {
  const last = (route: Route): boolean => route.matches.length === 0 || route.matches.some(isCatchAll);
  return [...routes.filter((route) => !last(route)), ...routes.filter(last)];
}

/** The match entries of a rule that remain for this proxy; undefined: none does and the rule drops out. */
export function applicableMatches(
  rule: Fields,
  place: Place,
  ruleNamespace: string,
): { readonly index: number; readonly match: RouteMatch }[] | undefined {
  const entries = records(rule.match);
  if (entries.length === 0) return [];
  const kept = entries
    .map((entry, index) => ({ entry, index }))
    .filter(({ entry }) => appliesTo(entry, place, ruleNamespace))
    .map(({ entry, index }) => ({ index, match: routeMatch(entry) }));
  return kept.length > 0 ? kept : undefined;
}
