import type { KubeObject } from '../../base/kubernetes.js';
import { goodObservation } from '../tallies.js';
import { list } from '../words.js';
import { ALPHA } from './evidence.js';
import { balancedFlow, liveFlow, seen } from './flow.js';
import type { CauseKind } from './kind.js';
import { at, type DiagnosisInput, items, namespaceOf, ofKind, text } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { liveRoutes } from './routes.js';
import { destinationRules, hostIndex, hostMatches, isFollowed, serviceHost, subsetsOf, visible } from './rules.js';

/** 28: a rule, or the Service itself, that the caller's proxies are not told of. */
export const ruleHidden: CauseKind = {
  code: 'RULE_HIDDEN',
  number: 28,
  title: 'the caller is not told of the route, its subsets or the Service',
  confirm: (input) => fromObjects([...hiddenRoutes(input), ...hiddenRules(input), ...hiddenService(input)]),
  predict: ({ field }, input) => {
    const { points } = seen(liveFlow(input) ?? balancedFlow(input));
    if (field !== SIDECAR_FIELD) return { points };
    // What passes through is counted for no Service, and the pods do not learn whose it is.
    return { points: { ...points, source: { share: {}, silent: true }, destination: { share: {}, silent: true } } };
  },
};

const SIDECAR_FIELD = 'spec.egress';
/** So many requests of nobody are no probe. */
const NAMELESS = 20;

const exported = (object: KubeObject): string => list(items(object.spec?.exportTo).map((each) => text(each) ?? ''));

/** With no other route in force. */
function hiddenRoutes(input: DiagnosisInput): Place[] {
  const { namespace } = input.scenario;
  if (input.stage.expect.by === 'balancing' || liveRoutes(input).length > 0) return [];
  return ofKind(input, 'VirtualService')
    .filter((object) => isFollowed(input, object) && !visible(object, input))
    .filter((object) => hostIndex(input, object) >= 0)
    .map((object) =>
      placeAt(input, object, 'spec.exportTo', {
        found: exported(object),
        expected: namespaceOf(object) === namespace ? '.' : namespace,
        fix: `Export it to namespace ${namespace}, or drop exportTo: proxies of callers there do not get this route.`,
      }),
    );
}

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

/** The Sidecar that the caller's pods get: its egress hosts name neither the Service nor its namespace. */
function hiddenService(input: DiagnosisInput): Place[] {
  const { namespace, mesh } = input.scenario;
  if (mesh === 'linkerd') return [];
  return ofKind(input, 'Sidecar').flatMap((object): Place[] => {
    if (namespaceOf(object) !== namespace && namespaceOf(object) !== 'istio-system') return [];
    if (items(at(object.spec, 'egress')).length === 0) return [];
    const hosts = items(object.spec?.egress).flatMap((each) =>
      items(at(each, 'hosts')).map((host) => text(host) ?? ''),
    );
    if (hosts.some((host) => allows(host, object, input))) return [];
    const fix = `Add ./${input.scenario.service} to the egress hosts: as they are, the caller's proxies know neither the Service nor its routes, and connections pass through.`;
    const place = placeAt(input, object, SIDECAR_FIELD, {
      found: list(hosts) || 'none',
      expected: `./${input.scenario.service}`,
      fix,
    });
    const nameless = goodObservation(input.observations, 'destination')?.counts.foreign['unknown.unknown'] ?? 0;
    return [nameless >= NAMELESS ? { ...place, lnEvidence: -Math.log(ALPHA) } : place];
  });
}

/** `namespace/host`, with `*`, `.` and `~` (nothing) for the namespace. */
function allows(entry: string, sidecar: KubeObject, input: DiagnosisInput): boolean {
  const [scope = '', host = ''] = entry.split('/');
  const inScope =
    scope === '*' ||
    scope === input.scenario.namespace ||
    (scope === '.' && namespaceOf(sidecar) === input.scenario.namespace);
  return inScope && hostMatches(host, input.scenario.namespace, serviceHost(input));
}
