import type { KubeObject } from '../../base/kubernetes.js';
import { list } from '../words.js';
import { unresolvedBackends } from './backends.js';
import { callerIsGateway } from './callers.js';
import { liveFlow, seen, seenUnrouted } from './flow.js';
import { unattachedToGateway } from './gatewayAttachment.js';
import type { CauseKind } from './kind.js';
import { at, type DiagnosisInput, items, namespaceOf, ofKind, service, text } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { refusedByStatus } from './routeStatus.js';

/** 27: a route of the Gateway API that is bound to nothing, or that cannot reach what it names. */
export const routeNotAttached: CauseKind = {
  code: 'ROUTE_NOT_ATTACHED',
  number: 27,
  title: 'the route is attached to nothing that the calls pass, or a backend cannot be resolved',
  confirm: (input) => {
    const backends = unresolvedBackends(input);
    // The status says no more than the objects do.
    const told = unattachedRoutes(input).filter(({ field }) => backends.length === 0 || !field.startsWith('status.'));
    return fromObjects([...told, ...backends]);
  },
  predict: (_candidate, input) => {
    const live = liveFlow(input);
    return live ? seen(live) : seenUnrouted(input);
  },
};

/** Routes that are meant for the calls of the Service, by their parent or at a gateway by where they lead, and are not in force for them. */
export const unattachedRoutes = (input: DiagnosisInput): Place[] =>
  input.stage.expect.by === 'balancing'
    ? []
    : ['HTTPRoute', 'GRPCRoute'].flatMap((kind) =>
        ofKind(input, kind).flatMap((route) =>
          callerIsGateway(input) ? unattachedToGateway(input, route) : unattached(input, route),
        ),
      );

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
    return refusedByStatus(input, route, parent, index);
  });
}
