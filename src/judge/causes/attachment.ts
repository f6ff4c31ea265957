import type { KubeObject } from '../../base/kubernetes.js';
import { list } from '../words.js';
import { balancedFlow, liveFlow, seen } from './flow.js';
import type { CauseKind } from './kind.js';
import { at, type DiagnosisInput, items, namespaceOf, ofKind, service, text } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';

/** 27: a route of the Gateway API that is bound to nothing, or that cannot reach what it names. */
export const routeNotAttached: CauseKind = {
  code: 'ROUTE_NOT_ATTACHED',
  number: 27,
  title: 'the route is not attached to the Service, or a backend cannot be resolved',
  confirm: (input) => fromObjects(unattachedRoutes(input)),
  predict: (_candidate, input) => seen(liveFlow(input) ?? balancedFlow(input)),
};

/** Routes that name the Service as their parent and are not in force for its calls. */
export const unattachedRoutes = (input: DiagnosisInput): Place[] =>
  input.stage.expect.by === 'balancing'
    ? []
    : ['HTTPRoute', 'GRPCRoute'].flatMap((kind) => ofKind(input, kind).flatMap((route) => unattached(input, route)));

function unattached(input: DiagnosisInput, route: KubeObject): Place[] {
  const { service: name, namespace } = input.scenario;
  return items(route.spec?.parentRefs).flatMap((parent, index): Place[] => {
    if (at(parent, 'kind') !== 'Service' || at(parent, 'name') !== name) return [];
    const field = `spec.parentRefs[${index}]`;
    const group = text(at(parent, 'group'));
    if (group !== '') {
      const fix =
        'Write group: "": a Service belongs to the core group, and without it the reference is to a Gateway API kind that does not exist.';
      return [placeAt(input, route, `${field}.group`, { found: group ?? 'absent', expected: '""', fix })];
    }
    const home = text(at(parent, 'namespace')) ?? namespaceOf(route);
    if (home !== namespace) {
      const fix = `Write namespace: ${namespace}: there the Service is.`;
      return [placeAt(input, route, `${field}.namespace`, { found: home, expected: namespace, fix })];
    }
    const ports = items(service(input)?.spec?.ports).map((each) => at(each, 'port'));
    const port = at(parent, 'port');
    if (port !== undefined && ports.length > 0 && !ports.includes(port)) {
      const expected = list(ports.map((each) => text(each) ?? ''));
      const fix = `Write a port that the Service has (${expected}), or leave it out: the route is attached to none.`;
      return [placeAt(input, route, `${field}.port`, { found: text(port) ?? '', expected, fix })];
    }
    return refused(input, route, parent, index);
  });
}

/** What the control plane itself writes about this parent. */
function refused(input: DiagnosisInput, route: KubeObject, parent: unknown, index: number): Place[] {
  const told = items(at(route.status, 'parents')).filter(
    (each) => at(each, 'parentRef', 'name') === at(parent, 'name'),
  );
  return told.flatMap((each) =>
    items(at(each, 'conditions')).flatMap((condition): Place[] => {
      const type = text(at(condition, 'type')) ?? '';
      if (!['Accepted', 'ResolvedRefs'].includes(type) || at(condition, 'status') !== 'False') return [];
      const reason = text(at(condition, 'reason')) ?? 'no reason';
      const message = text(at(condition, 'message'));
      const fix = `The control plane refuses the route (${reason}${message ? `: ${message}` : ''}): put right what it names, and see that ${type} turns True.`;
      return [
        placeAt(input, route, `status.parents[${index}].conditions.${type}`, {
          found: `False (${reason})`,
          expected: 'True',
          fix,
        }),
      ];
    }),
  );
}
