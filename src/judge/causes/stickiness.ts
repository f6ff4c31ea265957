import type { KubeObject } from '../../base/kubernetes.js';
import { attributed, goodObservation, shareTally } from '../tallies.js';
import type { Cause } from '../types.js';
import { amount, counted, list, percent } from '../words.js';
import { causeAt, readyEndpoints, surelyAbove, surelyBelow } from './evidence.js';
import { at, type DiagnosisInput, items, labels, namespaceOf, ofKind, service, text } from './objects.js';
import { policiesOf } from './policies.js';
import { cookieOf, liveRoutes } from './routes.js';
import { hostMatches, isFollowed, serviceHost } from './rules.js';

/** A version's share at the callers' proxies against the promise: more, less, or not told. */
function deviation(input: DiagnosisInput, version: string): 'more' | 'less' | undefined {
  const promised = promisedShare(input, version);
  const counts =
    goodObservation(input.observations, 'source')?.counts ?? goodObservation(input.observations, 'client')?.counts;
  if (promised === undefined || !counts) return undefined;
  const { count, total } = shareTally(counts, version);
  if (surelyAbove(count, total, promised)) return 'more';
  return surelyBelow(count, total, promised) ? 'less' : undefined;
}

/** What is promised to a version, or left to it as the only one that is not named. */
function promisedShare({ scenario, stage }: DiagnosisInput, version: string): number | undefined {
  const share = stage.expect.share ?? {};
  const unnamed = Object.keys(scenario.versions).filter((each) => share[each] === undefined);
  if (unnamed.length !== 1 || unnamed[0] !== version) return share[version];
  return 1 - Object.values(share).reduce((sum, each) => sum + each, 0);
}

/** A rule on the cookie header before the weights; it only matters when the version that it leads to gets more than promised. */
export function cookieKeeps(input: DiagnosisInput): Cause[] {
  const route = liveRoutes(input)[0];
  if (!route) return [];
  return route.others.flatMap(({ before, rule, matches, entries }): Cause[] => {
    const match = matches.findIndex((each) => cookieOf(each) !== undefined);
    const taking = entries.filter(({ share }) => share > 0);
    const version = taking.length === 1 ? taking[0]?.version : undefined;
    if (!before || match < 0 || version === undefined) return [];
    const grows = deviation(input, version) === 'more';
    const others = Object.keys(input.scenario.versions).filter((each) => each !== version);
    if (!grows && !others.some((each) => deviation(input, each) === 'less')) return [];
    const virtualService = route.object.kind === 'VirtualService';
    const condition = labels(cookieOf(matches[match]));
    const pattern = virtualService ? Object.values(condition).join(', ') : (condition.value ?? '');
    return [
      causeAt(
        input,
        route.object,
        `${rule}.${virtualService ? `match[${match}].headers.cookie` : `matches[${match}].headers`}`,
        {
          code: 'COOKIE_KEEPS_VERSION',
          found: `requests whose cookie matches ${pattern} go to ${version}`,
          expected: 'every request is drawn by the weights',
          fix: `Judge the share with clients that keep no cookies, or drop the rule: who has once got ${version} stays there, so its share grows with every new client.`,
        },
      ),
    ];
  });
}

/** From so many requests on, one pod with all of them is no chance. */
const ENOUGH = 50;
const NEARLY_ALL = 0.9;

/** A hash, or the Service's session affinity, that keeps requests at one pod. */
export function hashKeeps(input: DiagnosisInput): Cause[] {
  const kept = keptAtOnePod(input) ?? keptAtOneVersion(input) ?? keptByEachProxy(input);
  if (kept === undefined) return [];
  const expected = 'requests spread over the pods';
  const policy = policiesOf(input).find(({ value }) => at(value, 'loadBalancer', 'consistentHash') !== undefined);
  if (policy) {
    const field = `${policy.field}.loadBalancer.consistentHash`;
    const hashed = Object.keys(at(policy.value, 'loadBalancer', 'consistentHash') as object).join(', ');
    const fix =
      'Hash by something in which the requests of the load differ, send from more clients, or drop consistentHash.';
    return [causeAt(input, policy.rule, field, { code: 'HASH_KEEPS_POD', found: `${hashed}; ${kept}`, expected, fix })];
  }
  const target = service(input);
  if (!target || text(target.spec?.sessionAffinity) !== 'ClientIP') return [];
  const fix = 'Set sessionAffinity to None: kube-proxy keeps all connections of a client address at one pod.';
  return [
    causeAt(input, target, 'spec.sessionAffinity', {
      code: 'HASH_KEEPS_POD',
      found: `ClientIP; ${kept}`,
      expected,
      fix,
    }),
  ];
}

function keptAtOnePod(input: DiagnosisInput): string | undefined {
  const proxies = input.evidence?.destination?.proxies ?? {};
  for (const version of Object.keys(input.scenario.versions)) {
    const served = readyEndpoints(input, version).map(({ name }) => ({ name, count: proxies[name]?.[version] ?? 0 }));
    const total = served.reduce((sum, { count }) => sum + count, 0);
    const most = served.find(({ count }) => count > NEARLY_ALL * total);
    if (served.length > 1 && total >= ENOUGH && most)
      return `${most.name} got ${amount(most.count)} of ${amount(total)} requests to ${version}`;
  }
  return undefined;
}

/** Where pods of all versions are balanced over, a kept pod is a kept version. */
function keptAtOneVersion(input: DiagnosisInput): string | undefined {
  if (input.stage.expect.by !== 'balancing' && liveRoutes(input).length > 0) return undefined;
  const counts =
    goodObservation(input.observations, 'source')?.counts ?? goodObservation(input.observations, 'destination')?.counts;
  if (!counts) return undefined;
  const versions = Object.keys(input.scenario.versions).filter((version) => deviation(input, version) === 'more');
  const told = versions.map(
    (version) => `${version} got ${percent((counts.versions[version]?.total ?? 0) / attributed(counts))}`,
  );
  return told.length > 0 ? list(told) : undefined;
}

/** Several callers, each of which a hash keeps at a version: together they may make any share, even the promised one. */
function keptByEachProxy(input: DiagnosisInput): string | undefined {
  if (input.stage.expect.by !== 'balancing' && liveRoutes(input).length > 0) return undefined;
  const proxies = (goodObservation(input.observations, 'source')?.proxies ?? []).flatMap(({ name, versions }) => {
    const total = Object.values(versions).reduce((sum, count) => sum + count, 0);
    return total >= ENOUGH ? [{ name, versions, total }] : [];
  });
  const kept = proxies.flatMap(({ name, versions, total }) => {
    const [most] = Object.entries(versions).filter(([, count]) => count > NEARLY_ALL * total);
    return most ? [{ name, version: most[0] }] : [];
  });
  const different = new Set(kept.map(({ version }) => version)).size > 1;
  if (kept.length < proxies.length || !different) return undefined;
  return list(kept.map(({ name, version }) => `${name} sends to ${version} alone`));
}

/** A route that is drawn once for a connection, and connections where requests should be counted. */
export function routeByConnection(input: DiagnosisInput): Cause[] {
  const source = goodObservation(input.observations, 'source');
  const connections = Object.values(source?.connections ?? {}).reduce((sum, count) => sum + count, 0);
  const requests = source ? attributed(source.counts) : 0;
  const wrong = Object.keys(input.scenario.versions).some((version) => deviation(input, version) !== undefined);
  // Connections that were open before the window count in none of its series, and requests of the time before the route may count in it.
  const drawnForConnections = input.assessment.granularity.unit === 'connection';
  if (!drawnForConnections && (connections === 0 || (requests > 0 && !wrong))) return [];
  return routesOfConnections(input).map(({ object, field, destinations }) =>
    causeAt(input, object, field, {
      code: 'ROUTE_BY_CONNECTION',
      found: `${counted(destinations, 'destinations')}, drawn once for each ${connections < 2 ? 'connection' : `of ${counted(connections, 'connections')}`}`,
      expected: 'spec.http, drawn for each request',
      fix: 'Route the port as HTTP (name or appProtocol of the Service port, spec.http in the VirtualService), or promise shares of connections and send from many.',
    }),
  );
}

/** Weighted routes of TCP or TLS for the Service. */
export function routesOfConnections(input: DiagnosisInput) {
  const objects = ofKind(input, 'VirtualService').filter(
    (object) => isFollowed(input, object) && namesHost(input, object),
  );
  return objects.flatMap((object) =>
    (['tcp', 'tls'] as const).flatMap((kind) =>
      items(object.spec?.[kind]).flatMap((rule, index) => {
        const destinations = items(at(rule, 'route')).length;
        return destinations > 1 ? [{ object, field: `spec.${kind}[${index}].route`, destinations }] : [];
      }),
    ),
  );
}

const namesHost = (input: DiagnosisInput, object: KubeObject): boolean =>
  items(object.spec?.hosts).some((host) => hostMatches(text(host) ?? '', namespaceOf(object), serviceHost(input)));
