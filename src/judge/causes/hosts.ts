import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import type { Cause } from '../types.js';
import { list } from '../words.js';
import {
  type DiagnosisInput,
  find,
  items,
  labels,
  manifestsOf,
  namespaceOf,
  neededVersions,
  ofKind,
  placeOf,
  service,
  text,
  versionKeys,
} from './objects.js';
import { hostMatches, inMesh, liveRoutes, serviceHost } from './routes.js';

/** Route objects that are in the way, and route objects that are not there. */
export function hostCauses(input: DiagnosisInput): Cause[] {
  const left = routeLeftOver(input);
  return left.length > 0 ? left : routeMissing(input);
}

const placed = (input: DiagnosisInput, object: KubeObject, field: string): { place?: string } => {
  const place = placeOf(input, object, field) ?? placeOf(input, object, 'metadata.name');
  return place ? { place } : {};
};

/**
 * Stages by balancing want no route at all. Elsewhere a route is left over when it beats the one that this stage applies for the host: in the
 * mesh one VirtualService wins whole, the older one.
 */
function routeLeftOver(input: DiagnosisInput): Cause[] {
  const routes = liveRoutes(input);
  const balancing = input.stage.expect.by === 'balancing';
  const applied = routes.filter((route) =>
    manifestsOf(input, route.object).some((each) => input.stage.apply.includes(each)),
  );
  const [winner] = routes;
  const inTheWay = balancing ? routes : winner && applied.length > 0 && !applied.includes(winner) ? [winner] : [];
  return inTheWay.map((route): Cause => {
    const { kind, metadata } = route.object;
    const deleted = input.stage.delete.filter((each) => each.kind === kind).map((each) => `${each.kind}/${each.name}`);
    const instead = deleted.length > 0 ? ` The stage deletes ${list(deleted)}, which is another object.` : '';
    const beaten = balancing
      ? ''
      : ` It is in force instead of ${list(applied.map((each) => objectRef(each.object)))}.`;
    return {
      code: 'ROUTE_LEFT_OVER',
      object: objectRef(route.object),
      field: route.hostField,
      found: route.host,
      expected: 'no route for this host',
      fix: `Delete it: kubectl delete ${kind.toLowerCase()} ${metadata.name} -n ${namespaceOf(route.object)}.${instead}${beaten}`,
      ...placed(input, route.object, route.hostField),
    };
  });
}

function routeMissing(input: DiagnosisInput): Cause[] {
  const { stage, scenario } = input;
  const target = service(input);
  if (!target || stage.expect.by === 'balancing' || liveRoutes(input).length > 0) return [];
  const misplaced = appliedElsewhere(input);
  if (misplaced.length > 0) return misplaced;
  const shares = Object.values(stage.expect.share ?? {});
  const split =
    shares.some((share) => share > 0 && share < 1) || Object.values(stage.expect.mirror ?? {}).some((m) => m > 0);
  if (split) {
    return [
      {
        code: 'ROUTE_MISSING',
        object: `VirtualService/${scenario.namespace}/${scenario.service}`,
        field: 'spec.hosts',
        found: 'absent',
        expected: scenario.service,
        fix: `Apply a route for ${scenario.service}: without one the proxies balance over all ready pods of the Service.`,
      },
    ];
  }
  return selectorOpen(input, target);
}

/** The stage's own route exists, but its hosts, gateways or namespace keep it from applying to these calls. */
function appliedElsewhere(input: DiagnosisInput): Cause[] {
  const { scenario } = input;
  return input.stage.apply
    .filter(({ object }) => object.kind === 'VirtualService')
    .flatMap((manifest): Cause[] => {
      const { object } = manifest;
      const live = find(input, object.kind, object.metadata.namespace ?? scenario.namespace, object.metadata.name);
      if (!live) return [];
      const hosts = items(live.spec?.hosts).map((each) => text(each) ?? '');
      const names = hosts.some((host) => hostMatches(host, namespaceOf(live), serviceHost(input)));
      if (names && inMesh(live)) return [];
      const base = { code: 'ROUTE_MISSING', object: objectRef(live) } as const;
      if (names) {
        const found = list(items(live.spec?.gateways).map((each) => text(each) ?? ''));
        const fix = 'Add "mesh" to the gateways: without it the sidecars ignore this route.';
        return [
          { ...base, field: 'spec.gateways', found, expected: 'mesh', fix, ...placed(input, live, 'spec.gateways') },
        ];
      }
      const expected = namespaceOf(live) === scenario.namespace ? scenario.service : serviceHost(input);
      const fix = `Write ${expected}: the host as written is no name of Service/${scenario.namespace}/${scenario.service}, so the route never applies.`;
      return [
        { ...base, field: 'spec.hosts[0]', found: list(hosts), expected, fix, ...placed(input, live, 'spec.hosts[0]') },
      ];
    });
}

/** "0 %" without a route holds only as long as the Service does not select the version. */
function selectorOpen(input: DiagnosisInput, target: KubeObject): Cause[] {
  const { scenario, stage } = input;
  const key = versionKeys(scenario)[0];
  const selector = labels(target.spec?.selector);
  const unwanted = Object.entries(stage.expect.share ?? {}).filter(([, share]) => share === 0);
  if (key === undefined || unwanted.length === 0 || versionKeys(scenario).some((each) => each in selector)) return [];
  const pods = ofKind(input, 'Pod').map((pod) => labels(pod.metadata.labels));
  const reachable = unwanted.some(([version]) =>
    pods.some((each) =>
      Object.entries({ ...selector, ...scenario.versions[version] }).every(([k, v]) => each[k] === v),
    ),
  );
  if (!reachable) return [];
  const keep = neededVersions(stage)[0] ?? Object.keys(scenario.versions)[0] ?? '';
  return [
    {
      code: 'ROUTE_MISSING',
      object: objectRef(target),
      field: `spec.selector.${key}`,
      found: 'absent',
      expected: scenario.versions[keep]?.[key] ?? keep,
      fix: `No route exists and the Service selects ${list(unwanted.map(([version]) => version))} too: pin the selector, or apply a route.`,
      ...placed(input, target, 'spec.selector'),
    },
  ];
}
