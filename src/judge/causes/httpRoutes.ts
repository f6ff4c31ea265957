import type { KubeObject } from '../../base/kubernetes.js';
import { at, type DiagnosisInput, items, namespaceOf, service, text } from './objects.js';
import { destination, type LiveRoute, type MirrorEntry, type RouteEntry, type RouteRule } from './routeEntries.js';

/** An HTTPRoute that is attached to the Service itself (Gateway API for mesh). */
export function httpRoute(input: DiagnosisInput, object: KubeObject): LiveRoute | undefined {
  const parents = items(object.spec?.parentRefs);
  const index = parents.findIndex(
    (parent) =>
      at(parent, 'kind') === 'Service' &&
      at(parent, 'group') === '' &&
      at(parent, 'name') === input.scenario.service &&
      hasPort(input, at(parent, 'port')) &&
      (text(at(parent, 'namespace')) ?? namespaceOf(object)) === input.scenario.namespace,
  );
  const rules = items(object.spec?.rules);
  if (index < 0 || rules.length === 0) return undefined;
  const position = Math.max(0, rules.findIndex(acceptsPlainGet));
  const told = rules.map((rule, order) => ruleOf(input, object, rule, order));
  const { matches: _matches, ...inForce } = told[position] as (typeof told)[number];
  return {
    object,
    ...inForce,
    // The narrower match stands before the wider one, wherever it is written; of two that are alike, the first.
    others: told.flatMap((other, order) =>
      order === position ? [] : [{ ...other, before: order < position || !acceptsPlainGet(rules[order]) }],
    ),
    hostField: `spec.parentRefs[${index}].name`,
    host: input.scenario.service,
  };
}

/** Without a port the reference is to every one. */
function hasPort(input: DiagnosisInput, port: unknown): boolean {
  const ports = items(service(input)?.spec?.ports).map((each) => at(each, 'port'));
  return port === undefined || ports.length === 0 || ports.includes(port);
}

/** No condition, or one that every page fulfils. */
function acceptsPlainGet(rule: unknown): boolean {
  const matches = items(at(rule, 'matches'));
  return (
    matches.length === 0 ||
    matches.some((match) => {
      const path = at(match, 'path');
      const anyPath =
        path === undefined ||
        (at(path, 'type') !== 'Exact' && ['/', '.*', '/.*'].includes(text(at(path, 'value')) ?? '/'));
      const anyMethod = [undefined, 'GET'].includes(text(at(match, 'method')));
      return anyPath && anyMethod && items(at(match, 'headers')).length + items(at(match, 'queryParams')).length === 0;
    })
  );
}

function ruleOf(input: DiagnosisInput, object: KubeObject, rule: unknown, order: number): Omit<RouteRule, 'before'> {
  const field = `spec.rules[${order}]`;
  return {
    rule: field,
    entries: entriesOf(input, object, at(rule, 'backendRefs'), field),
    mirrors: mirrorsOf(input, object, at(rule, 'filters'), field),
    matches: items(at(rule, 'matches')),
  };
}

const target = (input: DiagnosisInput, object: KubeObject, ref: unknown) =>
  destination(input, object, { host: text(at(ref, 'name')) });

function entriesOf(input: DiagnosisInput, object: KubeObject, backendRefs: unknown, rule: string): RouteEntry[] {
  const refs = items(backendRefs);
  const weights = refs.map((ref) => Number(at(ref, 'weight') ?? 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return refs.map((ref, position) => {
    const weight = weights[position] as number;
    return {
      ...target(input, object, ref),
      share: sum === 0 ? 0 : weight / sum,
      weight: text(at(ref, 'weight')) ?? 'omitted',
      effectiveWeight: weight,
      field: `${rule}.backendRefs[${position}].weight`,
    };
  });
}

function mirrorsOf(input: DiagnosisInput, object: KubeObject, filters: unknown, rule: string): MirrorEntry[] {
  return items(filters).flatMap((filter, position) => {
    if (at(filter, 'type') !== 'RequestMirror') return [];
    const field = `${rule}.filters[${position}].requestMirror`;
    const share = Number(at(filter, 'requestMirror', 'percent') ?? 100) / 100;
    const mirrored = target(input, object, at(filter, 'requestMirror', 'backendRef'));
    return [{ ...mirrored, share, field, percentField: `${field}.percent` }];
  });
}
