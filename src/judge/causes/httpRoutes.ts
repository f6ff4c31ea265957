import type { KubeObject } from '../../base/kubernetes.js';
import { callerIsGateway } from './callers.js';
import { callerGatewayName, isBackend, servedAtGateway } from './gateways.js';
import { at, type DiagnosisInput, items, namespaceOf, service, text } from './objects.js';
import { destination, type LiveRoute, type MirrorEntry, type RouteEntry, type RouteRule } from './routeEntries.js';

/** An HTTPRoute that routes the calls: attached to the Service itself (Gateway API for mesh), or to the gateway that calls. */
export function httpRoute(input: DiagnosisInput, object: KubeObject): LiveRoute | undefined {
  const gateway = callerIsGateway(input);
  const bound = gateway ? boundToGateway(input, object) : boundToService(input, object);
  if (!bound) return undefined;
  const rules = items(object.spec?.rules);
  // A gateway's route leads to other Services too.
  const ours = rules.flatMap((rule, order) => (!gateway || leadsHere(input, object, rule) ? [order] : []));
  const position = ours.find((order) => acceptsPlainGet(rules[order])) ?? ours[0];
  if (position === undefined) return undefined;
  const { matches: _matches, ...inForce } = ruleOf(input, object, rules[position], position);
  return {
    object,
    ...inForce,
    // The narrower match stands before the wider one, wherever it is written; of two that are alike, the first.
    others: ours.flatMap((order) =>
      order === position
        ? []
        : [
            {
              ...ruleOf(input, object, rules[order], order),
              before: order < position || !acceptsPlainGet(rules[order]),
            },
          ],
    ),
    ...bound,
  };
}

type Bound = Pick<LiveRoute, 'hostField' | 'host'>;

function boundToService(input: DiagnosisInput, object: KubeObject): Bound | undefined {
  const index = items(object.spec?.parentRefs).findIndex(
    (parent) =>
      at(parent, 'kind') === 'Service' &&
      at(parent, 'group') === '' &&
      at(parent, 'name') === input.scenario.service &&
      hasPort(input, at(parent, 'port')) &&
      (text(at(parent, 'namespace')) ?? namespaceOf(object)) === input.scenario.namespace,
  );
  return index < 0 ? undefined : { hostField: `spec.parentRefs[${index}].name`, host: input.scenario.service };
}

function boundToGateway(input: DiagnosisInput, object: KubeObject): Bound | undefined {
  if (servedAtGateway(input, object).length === 0) return undefined;
  const host = text(at(object.spec, 'hostnames', 0));
  if (host !== undefined) return { hostField: 'spec.hostnames[0]', host };
  return { hostField: 'spec.parentRefs', host: callerGatewayName(input) ?? '' };
}

/** Does a rule send anything to the Service or its versions? */
export const leadsHere = (input: DiagnosisInput, object: KubeObject, rule: unknown): boolean =>
  items(at(rule, 'backendRefs')).some((ref) => isBackend(input, object, ref));

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

function target(input: DiagnosisInput, object: KubeObject, ref: unknown) {
  const [name = '', namespace] = [text(at(ref, 'name')), text(at(ref, 'namespace'))];
  return destination(input, object, { host: namespace === undefined ? name : `${name}.${namespace}` });
}

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
