import type { KubeObject } from '../base/kubernetes.js';
import type { TableContext } from './context.js';
import { routePrecedes } from './gatewayApi.js';
import { type Alias, hostMatches, type Service, type ServicePort, serviceDomains } from './services.js';
import type { MeshSettings } from './settings.js';
import { type HostOwners, hostsOf, precedes } from './virtualServices.js';

/** A host of a ServiceEntry that names no address. */
export const hasNoAddress = ({ entry }: Service): boolean => entry !== undefined && entry.addresses.length === 0;

export interface Entry {
  readonly service: Service;
  readonly port: ServicePort;
}

const NOTHING: readonly never[] = [];

type Stranger = readonly [host: string, claims: readonly KubeObject[]];

/**
 * Hosts of VirtualServices that are no Service of this port that may be called, with the VirtualServices that name them. Port 80 takes them
 * all; any other port only those of a VirtualService that also names an HTTP Service of that port.
 */
export function strangersOn(port: number, entries: readonly Entry[], context: TableContext): Stranger[] {
  const { owners } = context;
  if (!entries.some(sharesListener)) return [];
  const http = entries.filter((entry) => entry.port.protocol !== 'tcp');
  const aliases = aliasesOn(port, context).map(({ fqdn }) => fqdn);
  const hosts = [...http.map(({ service }) => service.fqdn), ...aliases];
  const here = port === 80 ? undefined : new Set(hosts.flatMap((fqdn) => owners.services.get(fqdn) ?? NOTHING));
  if (here?.size === 0) return [];
  const registered = new Set([...entries.map(({ service }) => service.fqdn), ...aliases]);
  return [...owners.others, ...withoutPort(registered, owners)].flatMap(([host, claims]): Stranger[] => {
    const selected = here ? claims.filter((object) => here.has(object)) : claims;
    return selected.length === 0 || isDialledElsewhere(host, entries) ? [] : [[host, selected]];
  });
}

/** ExternalNames with such an HTTP port that routes may name: they are Services to them. */
export const aliasesOn = (port: number, { scope }: TableContext): Alias[] =>
  [...scope.aliasHosts.values()].filter(({ ports }) =>
    ports.some((each) => each.port === port && each.protocol !== 'tcp'),
  );

/** A Service without this port is a host like any other there; so is a wildcard for such Services alone. */
function withoutPort(registered: ReadonlySet<string>, { services }: HostOwners): Stranger[] {
  const found = new Map<string, KubeObject[]>();
  const covers = (pattern: string) => [...registered].some((fqdn) => hostMatches(pattern, fqdn));
  for (const [fqdn, claims] of services) {
    if (registered.has(fqdn)) continue;
    for (const object of claims) {
      for (const host of hostsOf(object)) {
        if (host.includes('*') ? !hostMatches(host, fqdn) || covers(host) : host !== fqdn) continue;
        const known = found.get(host);
        if (!known) found.set(host, [object]);
        else if (!known.includes(object)) known.push(object);
      }
    }
  }
  return [...found];
}

/** Of a detected protocol every address has a listener of its own, and only a host without any needs the one for all addresses. */
const sharesListener = ({ service, port }: Entry): boolean =>
  port.protocol === 'http' || (port.protocol === 'detect' && hasNoAddress(service));

/** A name of a Service whose address has a listener of its own on this port: its connections never reach the shared table. */
const isDialledElsewhere = (host: string, entries: readonly Entry[]): boolean =>
  entries.some(
    ({ service, port }) =>
      port.protocol !== 'http' &&
      (service.clusterIp !== undefined || service.headless) &&
      serviceDomains(service, '').includes(host),
  );

/**
 * Names such as `shop.demo` that both a Service and a VirtualService for that very name claim: the object that comes first takes it, and a
 * Service without routes of its own comes last.
 * @param winner whose routes the Service has, a VirtualService or a route of the Gateway API; undefined: nobody's.
 * @param stranger VirtualService whose routes the name has otherwise.
 */
export function keepsName(
  { fqdn }: Service,
  winner: KubeObject | undefined,
  stranger: KubeObject,
  namespace: string,
  { exportTo }: MeshSettings,
): boolean {
  if (!winner) return false;
  const defaults = exportTo.virtualServices;
  return winner.kind === 'VirtualService'
    ? precedes(winner, stranger, namespace, defaults)
    : routePrecedes(winner, stranger, fqdn, namespace, defaults);
}
