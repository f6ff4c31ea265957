import { expandHost } from '../../base/kubernetes.js';
import { hostMatches } from '../../mesh/services.js';
import { attributed, goodObservation } from '../tallies.js';
import { list } from '../words.js';
import { callerIsGateway } from './callers.js';
import { ALPHA } from './evidence.js';
import type { Candidate } from './kind.js';
import { type DiagnosisInput, items, namespaceOf, text } from './objects.js';
import { placeAt } from './place.js';
import { liveRoutes } from './routes.js';

/** So many calls do not get lost by chance. */
const ENOUGH = 20;

/** The route in force at a gateway names hosts, and none of many calls came through: they name another one. */
export function hostsNotCalled(input: DiagnosisInput): Candidate[] {
  const [route] = liveRoutes(input);
  if (!route || !callerIsGateway(input) || !noneCame(input)) return [];
  const key = route.object.kind === 'VirtualService' ? 'hosts' : 'hostnames';
  const hosts = items(route.object.spec?.[key]).map((host) => expandHost(text(host) ?? '', namespaceOf(route.object)));
  if (hosts.length === 0 || hosts.includes('*') || loadNames(input, hosts)) return [];
  const place = placeAt(input, route.object, `spec.${key}`, {
    found: list(hosts),
    expected: 'the host that the calls name',
    fix: `Add the host that the calls name, or write one of these in the URI list (/path Host: ${hosts[0]}): the gateway answers 404 to others.`,
  });
  return [{ ...place, confirmedBy: 'counts', lnEvidence: -Math.log(ALPHA) }];
}

function noneCame({ observations }: DiagnosisInput): boolean {
  const client = goodObservation(observations, 'client')?.counts;
  const source = goodObservation(observations, 'source')?.counts;
  if (!client || !source || client.sent < ENOUGH) return false;
  return attributed(client) + attributed(source) + source.unknown.total === 0;
}

/** Does every request of the load name one of the hosts? */
const loadNames = ({ scenario }: DiagnosisInput, hosts: readonly string[]): boolean =>
  scenario.load.uris.every(({ headers }) =>
    Object.entries(headers).some(
      ([name, value]) => name.toLowerCase() === 'host' && hosts.some((host) => hostMatches(host, value)),
    ),
  );
