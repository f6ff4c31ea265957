import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { compileProxyConfig } from '../../mesh/compile.js';
import { atEach, meanOf, type PlacedCallers, placesOf } from '../../mesh/places.js';
import { predictShare } from '../../mesh/predict.js';
import type { MeshRequest } from '../../mesh/router.js';
import { attributed, goodObservation } from '../tallies.js';
import { callerIsGateway, callerPods, hasSidecar } from './callers.js';
import { requestOf } from './gateways.js';
import type { Flow, Prediction } from './kind.js';
import { at, type DiagnosisInput, isReady, items, labels, namespaceOf, ofKind, service, text } from './objects.js';
import { liveRoutes } from './routes.js';
import { serviceHost } from './rules.js';

const versionsOf = ({ scenario }: DiagnosisInput): readonly string[] => Object.keys(scenario.versions);

const sum = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((all, part) => all + part, 0);

/** What the stage promises; what it leaves to versions that it does not name is split as it was observed. */
export function promisedFlow(input: DiagnosisInput): Flow {
  const { share = {}, mirror = {} } = input.stage.expect;
  const rest = Math.max(0, 1 - sum(share));
  const unnamed = versionsOf(input).filter((version) => share[version] === undefined);
  const counts = (['source', 'client', 'destination'] as const)
    .map((point) => goodObservation(input.observations, point)?.counts)
    .find((each) => each !== undefined && attributed(each) > 0);
  const weights = Object.fromEntries(unnamed.map((each) => [each, (counts?.versions[each]?.total ?? 0) + 0.5]));
  const all = sum(weights);
  const filled = unnamed.map((version) => [version, (rest * (weights[version] ?? 0)) / all] as const);
  return { share: { ...Object.fromEntries(filled), ...share }, lost: {}, copies: mirror };
}

/** No route: what the ready pods of the Service get when they are balanced over. */
export function balancedFlow(input: DiagnosisInput): Flow {
  const selector = labels(service(input)?.spec?.selector);
  const ready = ofKind(input, 'Pod').filter(
    (pod) =>
      namespaceOf(pod) === input.scenario.namespace &&
      Object.keys(selector).length > 0 &&
      labelsMatch(selector, pod.metadata.labels) &&
      isReady(pod),
  );
  if (ready.length === 0) return { share: {}, lost: { '503 UH': 1 }, copies: {} };
  const share: Record<string, number> = {};
  for (const pod of ready) {
    const version = versionOf(input, labels(pod.metadata.labels));
    share[version] = (share[version] ?? 0) + 1 / ready.length;
  }
  return { share, lost: {}, copies: {} };
}

const versionOf = ({ scenario }: DiagnosisInput, own: Record<string, string>): string =>
  Object.entries(scenario.versions).find(([, wanted]) => labelsMatch({ ...wanted }, own))?.[0] ?? 'unknown';

/** What is seen where no route is in force: pods are balanced over; a gateway answers 404 itself, which it counts for no Service. */
export function seenUnrouted(input: DiagnosisInput): Prediction {
  if (!callerIsGateway(input)) return seen(balancedFlow(input));
  const nothing = { share: {}, silent: true };
  return { points: { client: { share: {} }, source: nothing, destination: nothing } };
}

/** The promise with the calls and copies of a version lost on their way. */
export function losing(flow: Flow, version: string, how: string): Flow {
  const part = flow.share[version] ?? 0;
  const { [version]: _gone, ...copies } = flow.copies;
  return {
    share: { ...flow.share, [version]: 0 },
    lost: part > 0 ? { ...flow.lost, [how]: (flow.lost[how] ?? 0) + part } : flow.lost,
    copies,
  };
}

interface Live {
  readonly flow: Flow;
  readonly protocol: string;
  /** Position among the Service's ports. */
  readonly port: number;
}

const compiled = new WeakMap<DiagnosisInput, { readonly live: Live | undefined }>();

function liveOf(input: DiagnosisInput): Live | undefined {
  const known = compiled.get(input);
  if (known) return known.live;
  const live = compileLive(input);
  compiled.set(input, { live });
  return live;
}

/**
 * What the mesh makes of the live objects for a plain GET of the caller: with all mistakes that they hold at once. undefined where nobody
 * compiles them (Linkerd, no Service, no objects of the caller).
 */
export const liveFlow = (input: DiagnosisInput): Flow | undefined => liveOf(input)?.flow;

/** The same if no proxy preferred the pods that are near to it. */
export const flowWithoutZones = (input: DiagnosisInput): Flow | undefined => compileLive(input, false)?.flow;

/** Where no port is routed as HTTP, the position of the first one that is TCP. */
export function tcpPortOf(input: DiagnosisInput): number | undefined {
  const live = liveOf(input);
  return live?.protocol === 'tcp' ? live.port : undefined;
}

function compileLive(input: DiagnosisInput, zones = true): Live | undefined {
  const { scenario, objects } = input;
  const { from, namespace } = scenario;
  const target = service(input);
  if (!target || scenario.mesh === 'linkerd' || from === undefined) return undefined;
  const gateway = callerIsGateway(input);
  const requests = gateway ? requestsOfGateway(input) : requestsOfSidecar(input, target);
  if (requests.length === 0) return undefined;
  const pods = callerPods(input, from);
  const [first] = pods;
  // Without addresses the mesh would have no endpoint, which says nothing about the cluster.
  const addressed = ofKind(input, 'Pod').some((pod) => text(at(pod.status, 'podIP')) !== undefined);
  if (!first || !addressed) return undefined;
  const sidecar = pods.some(hasSidecar);
  const caller = { workload: from, namespace, labels: labels(first.metadata.labels), gateway, sidecar };
  const places: PlacedCallers = zones ? placesOf(objects, caller, pods) : [{ caller, pods: pods.length }];
  const compiledAt = atEach(places, (one) => ({ pods: one.pods, config: compileProxyConfig(objects, one.caller) }));
  const known = (own: Readonly<Record<string, string>>) => {
    const version = versionOf(input, { ...own });
    return version === 'unknown' ? undefined : version;
  };
  const told = requests.map(({ request, port }): Live => {
    const predictions = atEach(compiledAt, ({ config, ...one }) => ({
      ...one,
      prediction: predictShare(config, request, known),
    }));
    const { share, failed, mirrored, protocol } = meanOf(predictions);
    const { lost: _lost, ...copies } = mirrored;
    return { flow: { share, lost: failed, copies }, protocol, port };
  });
  // Which port is called is not known: most likely one that routes apply to.
  return told.find(({ protocol }) => protocol === 'http') ?? told[0];
}

interface Asked {
  readonly request: MeshRequest;
  /** Position among the Service's ports. */
  readonly port: number;
}

/** A plain GET of each port. */
const requestsOfSidecar = (input: DiagnosisInput, target: KubeObject): Asked[] =>
  items(target.spec?.ports).flatMap((each, index) => {
    const port = at(each, 'port');
    const host = serviceHost(input);
    return typeof port === 'number'
      ? [{ request: { port, host, method: 'GET', path: '/', headers: {} }, port: index }]
      : [];
  });

/** What hosts a gateway is called by nobody knows; any that an HTTPRoute names do the same. */
function requestsOfGateway(input: DiagnosisInput): Asked[] {
  const route = liveRoutes(input)[0];
  // Services of other namespaces are not read.
  const whole = route?.entries.every(({ target }) => !target.includes('.'));
  const request = route?.object.kind === 'HTTPRoute' && whole ? requestOf(input, route) : undefined;
  return request ? [{ request, port: 0 }] : [];
}

/** What the vantage points see of a flow. @param failed version -> part of its own calls that fail, where that is part of the prediction. */
export function seen(flow: Flow, failed?: Readonly<Record<string, number>>): Prediction {
  const { share, lost, copies } = flow;
  const answered = Object.entries(share).map(([version, part]) => [version, part * (1 - (failed?.[version] ?? 0))]);
  const arrived = new Map(Object.entries(share));
  for (const [version, part] of Object.entries(copies))
    arrived.set(version, (arrived.get(version) ?? 0) + part * sum(share));
  return {
    points: {
      client: { share: scaled(Object.fromEntries(answered)) },
      source: { share, lost, ...(failed ? { failed } : {}) },
      destination: { share: scaled(Object.fromEntries(arrived)) },
    },
  };
}

function scaled(parts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const all = sum(parts);
  return all === 0 ? {} : Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part / all]));
}
