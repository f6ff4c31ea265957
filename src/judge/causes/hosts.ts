import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import { list } from '../words.js';
import { unattachedRoutes } from './attachment.js';
import { callerIsGateway } from './callers.js';
import { promisedFlow, seen, seenUnrouted } from './flow.js';
import { hostsNotCalled } from './gatewayHosts.js';
import { callerGatewayName } from './gateways.js';
import type { CauseKind } from './kind.js';
import {
  type DiagnosisInput,
  items,
  labels,
  namespaceOf,
  neededVersions,
  ofKind,
  placeOf,
  service,
  text,
  versionKeys,
} from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { type LiveRoute, liveRoutes, routeFlow } from './routes.js';
import { callerGateways, hostIndex, isFollowed, sendsHere, serviceHost } from './rules.js';

/** 34: a stage by balancing, and a route that still draws by weights. */
export const routeLeftOver: CauseKind = {
  code: 'ROUTE_LEFT_OVER',
  number: 34,
  title: 'a route of another name is still in force',
  confirm: (input) => fromObjects(leftOver(input)),
  predict: (_candidate, input) => {
    const route = liveRoutes(input)[0];
    return seen(route ? routeFlow(input, route) : promisedFlow(input));
  },
};

/** 37: no route object for the host at all. */
export const routeMissing: CauseKind = {
  code: 'ROUTE_MISSING',
  number: 37,
  title: 'no route exists for the host, so proxies balance over all ready pods',
  confirm: (input) => {
    const other = astray(input).length > 0 || unattachedRoutes(input).length > 0;
    return unrouted(input) && !other ? fromObjects(absent(input)) : [];
  },
  predict: (_candidate, input) => seenUnrouted(input),
};

/** 2: a route for another host than the one that is called. */
export const routeHostDiffers: CauseKind = {
  code: 'ROUTE_HOST_DIFFERS',
  number: 2,
  title: 'the route is for another host than the one that is called',
  confirm: (input) => [
    ...fromObjects(astray(input).flatMap(({ object, named }) => (named ? [] : [otherHost(input, object)]))),
    ...hostsNotCalled(input),
  ],
  predict: (_candidate, input) => seenUnrouted(input),
};

/** 3: a route that the proxies on the way of the calls do not follow. */
export const routeGatewayDiffers: CauseKind = {
  code: 'ROUTE_GATEWAY_DIFFERS',
  number: 3,
  title: 'the route is for another gateway than the one the calls pass',
  confirm: (input) =>
    fromObjects(
      astray(input).flatMap(({ object, named }) =>
        named && !isFollowed(input, object) ? [otherGateway(input, object)] : [],
      ),
    ),
  predict: (_candidate, input) => seenUnrouted(input),
};

const unrouted = (input: DiagnosisInput): boolean =>
  service(input) !== undefined && input.stage.expect.by !== 'balancing' && liveRoutes(input).length === 0;

interface Astray {
  readonly object: KubeObject;
  /** Its hosts hold the Service. */
  readonly named: boolean;
}

/** Without a route in force: VirtualServices that this stage applies, or that send to the Service, and yet do not route its calls. */
function astray(input: DiagnosisInput): Astray[] {
  // A gateway of the Gateway API alone follows no VirtualService.
  if (!unrouted(input) || (callerIsGateway(input) && callerGateways(input).length === 0)) return [];
  const { scenario, stage } = input;
  const applied = stage.apply.flatMap(({ object: { kind, metadata } }) =>
    kind === 'VirtualService' ? [`${metadata.namespace ?? scenario.namespace}/${metadata.name}`] : [],
  );
  return ofKind(input, 'VirtualService')
    .filter((object) => applied.includes(`${namespaceOf(object)}/${object.metadata.name}`) || sendsHere(input, object))
    .map((object) => ({
      object,
      named: hostIndex(input, object) >= 0,
    }));
}

const hostsOf = (object: KubeObject): string[] => items(object.spec?.hosts).map((each) => text(each) ?? '');

function otherHost(input: DiagnosisInput, object: KubeObject): Place {
  const { namespace, service: name } = input.scenario;
  const expected = namespaceOf(object) === namespace ? name : serviceHost(input);
  const fix = `Write ${expected}: the host as written is no name of Service/${namespace}/${name}, so the route never applies.`;
  return placeAt(input, object, 'spec.hosts[0]', { found: list(hostsOf(object)) || 'absent', expected, fix });
}

function otherGateway(input: DiagnosisInput, object: KubeObject): Place {
  const found = list(items(object.spec?.gateways).map((each) => text(each) ?? ''));
  const [gateway] = callerGateways(input);
  const expected = gateway ?? 'mesh';
  const fix = `Add "${expected}" to the gateways: without it the ${gateway ? 'gateway that the calls pass ignores' : 'sidecars ignore'} this route.`;
  return placeAt(input, object, 'spec.gateways', { found: found || 'absent', expected, fix });
}

const placed = (input: DiagnosisInput, object: KubeObject, field: string): { place?: string } => {
  const place = placeOf(input, object, field) ?? placeOf(input, object, 'metadata.name');
  return place ? { place } : {};
};

/** Stages by balancing want no route at all. */
function leftOver(input: DiagnosisInput): Place[] {
  if (input.stage.expect.by !== 'balancing') return [];
  return liveRoutes(input).flatMap((route): Place[] => {
    if (callerIsGateway(input) && leadsToAll(input, route)) return [];
    const { kind, metadata } = route.object;
    const deleted = input.stage.delete.filter((each) => each.kind === kind).map((each) => `${each.kind}/${each.name}`);
    const instead = deleted.length > 0 ? ` The stage deletes ${list(deleted)}, which is another object.` : '';
    return [
      {
        object: objectRef(route.object),
        field: route.hostField,
        found: route.host,
        expected: 'no route for this host',
        fix: `Delete it: kubectl delete ${kind.toLowerCase()} ${metadata.name} -n ${namespaceOf(route.object)}.${instead}`,
        ...placed(input, route.object, route.hostField),
      },
    ];
  });
}

/** Without a route that leads to the Service as a whole a gateway would not know it. */
const leadsToAll = (input: DiagnosisInput, { entries }: LiveRoute): boolean =>
  entries.every(
    ({ share, subset, target }) =>
      share === 0 || (subset === undefined && target.split('.')[0] === input.scenario.service),
  );

function absent(input: DiagnosisInput): Place[] {
  const { stage, scenario } = input;
  const shares = Object.values(stage.expect.share ?? {});
  const split =
    shares.some((share) => share > 0 && share < 1) || Object.values(stage.expect.mirror ?? {}).some((m) => m > 0);
  if (split) {
    const parent = callerGateways(input).length === 0 ? callerGatewayName(input) : undefined;
    return [
      {
        object: `${parent === undefined ? 'VirtualService' : 'HTTPRoute'}/${scenario.namespace}/${scenario.service}`,
        field: parent === undefined ? 'spec.hosts' : 'spec.parentRefs',
        found: 'absent',
        expected: parent ?? scenario.service,
        fix: `Apply a route for ${scenario.service}: without one ${callerIsGateway(input) ? 'the gateway answers 404' : 'the proxies balance over all ready pods of the Service'}.`,
      },
    ];
  }
  const target = service(input);
  return target ? selectorOpen(input, target) : [];
}

/** "0 %" without a route holds only as long as the Service does not select the version. */
function selectorOpen(input: DiagnosisInput, target: KubeObject): Place[] {
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
      object: objectRef(target),
      field: `spec.selector.${key}`,
      found: 'absent',
      expected: scenario.versions[keep]?.[key] ?? keep,
      fix: `No route exists and the Service selects ${list(unwanted.map(([version]) => version))} too: pin the selector, or apply a route.`,
      ...placed(input, target, 'spec.selector'),
    },
  ];
}
