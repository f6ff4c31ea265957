import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import { list } from '../words.js';
import { arrivesNameless } from './callers.js';
import { passedBy } from './counted.js';
import { ALPHA } from './evidence.js';
import { balancedFlow, liveFlow, seen } from './flow.js';
import type { CauseKind } from './kind.js';
import { at, type DiagnosisInput, items, namespaceOf, ofKind, text } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { liveRoutes } from './routes.js';
import { destinationRules, hostIndex, hostMatches, isFollowed, serviceHost, subsetsOf, visible } from './rules.js';
import { type CallerSidecar, callerSidecar } from './sidecars.js';

/** 28: a rule, or the Service itself, that the caller's proxies are not told of. */
export const ruleHidden: CauseKind = {
  code: 'RULE_HIDDEN',
  number: 28,
  title: 'the caller is not told of the route, its subsets or the Service',
  confirm: (input) => fromObjects([...hiddenRoutes(input), ...hiddenRules(input), ...hiddenService(input)]),
  predict: ({ field }, input) => {
    if (field !== SIDECAR_FIELD) return seen(liveFlow(input) ?? balancedFlow(input));
    // What passes through is counted for no Service, and the pods do not learn whose it is.
    return passedBy(input);
  },
};

const SIDECAR_FIELD = 'spec.egress';
const ROUTES_FIELD = 'spec.egress[0].hosts';

const exported = (object: KubeObject): string => list(items(object.spec?.exportTo).map((each) => text(each) ?? ''));

/** With no other route in force. */
function hiddenRoutes(input: DiagnosisInput): Place[] {
  const { namespace } = input.scenario;
  if (input.stage.expect.by === 'balancing' || liveRoutes(input).length > 0) return [];
  return ofKind(input, 'VirtualService')
    .filter((object) => isFollowed(input, object) && hostIndex(input, object) >= 0)
    .flatMap((object) => {
      const sidecar = callerSidecar(input);
      if (sidecar?.knowsService && !sidecar.knows(object)) return [beyondEgress(input, sidecar, object)];
      if (visible(object, input)) return [];
      return [
        placeAt(input, object, 'spec.exportTo', {
          found: exported(object),
          expected: namespaceOf(object) === namespace ? '.' : namespace,
          fix: `Export it to namespace ${namespace}, or drop exportTo: proxies of callers there do not get this route.`,
        }),
      ];
    });
}

/** The caller knows the Service, and not the route for it. */
const beyondEgress = (input: DiagnosisInput, { object, hosts }: CallerSidecar, route: KubeObject): Place =>
  placeAt(input, object, ROUTES_FIELD, {
    found: list(hosts) || 'none',
    expected: `${namespaceOf(route)}/*`,
    fix: `Add ${namespaceOf(route)}/* to the egress hosts: as they are, the caller's proxies know the Service and not ${objectRef(route)}, which routes it.`,
  });

/** DestinationRules that define a subset of the route in force, and that do not count for the caller. */
export function hiddenRules(input: DiagnosisInput): Place[] {
  const [route] = liveRoutes(input);
  if (!route) return [];
  const known = new Set(subsetsOf(input).map(({ name }) => name));
  const lacking = [...route.entries, ...route.mirrors].flatMap(({ subset, share }) =>
    subset !== undefined && share > 0 && !known.has(subset) ? [subset] : [],
  );
  if (lacking.length === 0) return [];
  const inForce = destinationRules(input);
  return ofKind(input, 'DestinationRule').flatMap((rule): Place[] => {
    const own = items(rule.spec?.subsets).map((each) => text(at(each, 'name')) ?? '');
    const host = text(rule.spec?.host) ?? '';
    if (inForce.includes(rule) || !hostMatches(host, namespaceOf(rule), serviceHost(input))) return [];
    if (!own.some((name) => lacking.includes(name))) return [];
    const { namespace } = input.scenario;
    if (!visible(rule, input)) {
      const fix = `Export it to namespace ${namespace}, or drop exportTo: the caller does not know its subsets, so requests to ${list(lacking)} answer 503.`;
      const expected = namespaceOf(rule) === namespace ? '.' : namespace;
      return [placeAt(input, rule, 'spec.exportTo', { found: exported(rule), expected, fix })];
    }
    const [first] = inForce;
    const why = first
      ? `${first.kind}/${namespaceOf(first)}/${first.metadata.name} is used alone`
      : `rules of other namespaces than ${namespace} and istio-system are not looked at`;
    const fix = `Define subset ${list(lacking)} in the rule that counts: ${why}, so requests to it answer 503.`;
    return first
      ? [placeAt(input, first, 'spec.subsets', { found: list([...known]) || 'none', expected: list(lacking), fix })]
      : [placeAt(input, rule, 'metadata.namespace', { found: namespaceOf(rule), expected: namespace, fix })];
  });
}

/** The Sidecar that governs the caller's pods names neither the Service nor its namespace among its egress hosts. */
function hiddenService(input: DiagnosisInput): Place[] {
  const sidecar = callerSidecar(input);
  if (!sidecar || sidecar.knowsService) return [];
  const { namespace } = input.scenario;
  const wanted = `${namespace}/${serviceHost(input)}`;
  const fix = `Add ${wanted} to the egress hosts: as they are, the caller's proxies know neither the Service nor its routes, and connections pass through.`;
  const place = placeAt(input, sidecar.object, SIDECAR_FIELD, {
    found: list(sidecar.hosts) || 'none',
    expected: wanted,
    fix,
  });
  return [arrivesNameless(input) ? { ...place, lnEvidence: -Math.log(ALPHA) } : place];
}
