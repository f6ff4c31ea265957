import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import { list } from '../words.js';
import { callerGatewayName, callerKubernetesGateway, refusedAtGateway, servedAtGateway } from './gateways.js';
import { leadsHere } from './httpRoutes.js';
import { at, type DiagnosisInput, items, namespaceOf, text } from './objects.js';
import { type Place, placeAt } from './place.js';
import { refusedByStatus } from './routeStatus.js';

/** Why a route that leads to the Service is not followed by the gateway of the Gateway API that calls; empty: it is. */
export function unattachedToGateway(input: DiagnosisInput, route: KubeObject): Place[] {
  const wanted = callerGatewayName(input);
  if (wanted === undefined || !items(route.spec?.rules).some((rule) => leadsHere(input, route, rule))) return [];
  if (servedAtGateway(input, route).length > 0) return [];
  const parents = items(route.spec?.parentRefs).map((parent, index) => ({
    parent,
    field: `spec.parentRefs[${index}]`,
    index,
  }));
  const gateways = parents.filter(({ parent }) => (text(at(parent, 'kind')) ?? 'Gateway') === 'Gateway');
  const named = gateways.filter(
    ({ parent }) =>
      at(parent, 'name') === wanted &&
      (text(at(parent, 'namespace')) ?? namespaceOf(route)) === input.scenario.namespace,
  );
  const [first] = gateways;
  if (named.length === 0) return first ? [otherGateway(input, route, first, wanted)] : [];
  const gateway = callerKubernetesGateway(input);
  if (!gateway) {
    const fix = `Apply Gateway ${wanted}, or allow to read it: the gateway that the calls pass was made for it, and without it has no listener.`;
    return named.map(({ field }) =>
      placeAt(input, route, `${field}.name`, { found: wanted, expected: 'a Gateway that is there', fix }),
    );
  }
  return named.flatMap((reference) => unlistened(input, route, gateway, reference));
}

interface Reference {
  readonly parent: unknown;
  readonly field: string;
  readonly index: number;
}

function otherGateway(input: DiagnosisInput, route: KubeObject, { parent, field }: Reference, wanted: string): Place {
  const { namespace } = input.scenario;
  const same = at(parent, 'name') === wanted;
  const found = text(at(parent, same ? 'namespace' : 'name')) ?? (same ? namespaceOf(route) : 'absent');
  const expected = same ? namespace : wanted;
  const fix = `Name Gateway ${wanted} of namespace ${namespace} as a parent: the calls pass that gateway, which ignores this route.`;
  return placeAt(input, route, `${field}.${same ? 'namespace' : 'name'}`, { found, expected, fix });
}

/** It names the gateway, and none of its listeners takes it. */
function unlistened(input: DiagnosisInput, route: KubeObject, gateway: KubeObject, reference: Reference): Place[] {
  const { parent, field, index } = reference;
  const listeners = items(gateway.spec?.listeners);
  const of = (name: string) => listeners.map((listener) => text(at(listener, name)) ?? '');
  for (const [key, name] of [
    ['sectionName', 'name'],
    ['port', 'port'],
  ] as const) {
    const found = text(at(parent, key));
    if (found === undefined || of(name).includes(found)) continue;
    const expected = list(of(name)) || 'a listener';
    const fix = `Write one of the listeners of ${objectRef(gateway)} (${expected}), or leave it out: the route is attached to none.`;
    return [placeAt(input, route, `${field}.${key}`, { found, expected, fix })];
  }
  const refusals = refusedAtGateway(input, route);
  const told =
    refusals.find((each) => each.field === field) ?? refusals.find((each) => each.field === 'spec.hostnames');
  if (!told) return refusedByStatus(input, route, parent, index);
  if (told.field === 'spec.hostnames') {
    const expected = list(of('hostname'));
    const found = list(items(route.spec?.hostnames).map((host) => text(host) ?? ''));
    return [
      placeAt(input, route, told.field, {
        found,
        expected,
        fix: `${told.message} Write a hostname within ${expected}.`,
      }),
    ];
  }
  const found = namespaceOf(route);
  const fix = `${told.message} Let the listener take routes of namespace ${found}, or move the route.`;
  return [placeAt(input, route, field, { found, expected: 'a namespace that the listener takes', fix })];
}
