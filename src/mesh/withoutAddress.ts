import type { KubeObject } from '../base/kubernetes.js';
import type { TableContext } from './context.js';
import type { Inventory } from './inventory.js';
import { perObject } from './memo.js';
import { serviceRef } from './services.js';
import { type Entry, hasNoAddress } from './strangers.js';

/** What becomes of connections to addresses of a port that no host has for itself. */
export interface EveryAddress {
  /** Of the hosts without an address the one that they go to, whichever is called: the oldest ServiceEntry's. undefined: there is none. */
  readonly taker: Entry | undefined;
  /** Other hosts read HTTP there, so that it gets what is not HTTP. */
  readonly besideHttp: boolean;
}

export function everyAddress(entries: readonly Entry[], { snapshot }: Inventory): EveryAddress {
  const wanting = entries.filter(wantsEveryAddress);
  const [first] = wanting;
  if (!first) return { taker: undefined, besideHttp: false };
  const ages = agesOf(snapshot.serviceEntries);
  const age = ({ service: { namespace, name } }: Entry): number => ages.get(`${namespace}/${name}`) ?? 0;
  return {
    taker: wanting.reduce((oldest, entry) => (age(entry) < age(oldest) ? entry : oldest), first),
    besideHttp: entries.some(
      ({ port, service }) => port.protocol === 'http' || (port.protocol === 'detect' && hasNoAddress(service)),
    ),
  };
}

/** Hosts of TCP, or of a detected protocol, that only the listener for all addresses can serve. */
export const wantsEveryAddress = ({ service, port }: Entry): boolean =>
  hasNoAddress(service) && service.entry?.subnets.length === 0 && !port.tls && port.protocol !== 'http';

/** Places in the order of age. */
const agesOf = perObject(
  (serviceEntries: readonly KubeObject[]): ReadonlyMap<string, number> =>
    new Map(serviceEntries.map(({ metadata: { namespace = 'default', name } }, at) => [`${namespace}/${name}`, at])),
);

export function warnOfTaker({ service, port }: Entry, taker: Entry, context: TableContext): void {
  const message = `On port ${port.port} ${taker.service.fqdn} (${serviceRef(taker.service)}) has no address either and is older, so connections to ${service.fqdn} go there; give ${service.fqdn} addresses.`;
  context.warn({ ...conflict(service), message });
}

export function warnOfHttp({ service, port }: Entry, context: TableContext): void {
  const message = `Port ${port.port} is HTTP for other hosts, so HTTP requests to ${service.fqdn}, which has no address, are not routed as TCP, and connections to any host of the port that are not HTTP come to it; give it addresses.`;
  context.warn({ ...conflict(service), message });
}

const conflict = (service: Entry['service']) => ({
  code: 'PORT_CONFLICT',
  object: serviceRef(service),
  field: 'spec.addresses',
});
