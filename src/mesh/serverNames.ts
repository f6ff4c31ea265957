import { isAddress } from '../base/addresses.js';
import type { MeshRequest } from './router.js';
import { hostMatches } from './services.js';
import type { Destination, TcpService, TlsRoute } from './types.js';

export interface ConnectionRoute {
  readonly service: TcpService;
  readonly destinations: readonly Destination[];
  /** undefined: whatever the server name is. */
  readonly tls: TlsRoute | undefined;
}

/** Every way that services which share an address have for connections. */
export const routesOfServices = (services: readonly TcpService[], port: number): ConnectionRoute[] =>
  services.flatMap((service): ConnectionRoute[] => {
    const { cluster, host, destinations, tls } = service;
    const named = (tls ?? []).map((route) => ({ service, destinations: route.destinations, tls: route }));
    if (tls && !destinations) return named;
    const whole = { cluster, host, subset: '', port, weight: 100, field: '' };
    return [...named, { service, destinations: destinations ?? [whole], tls: undefined }];
  });

/** The route that knows a connection's server name best, else the first that needs none; undefined: nobody takes it. */
export function connectionRoute(
  routes: readonly ConnectionRoute[],
  { host, tls: encrypted = true }: Pick<MeshRequest, 'host' | 'tls'>,
): ConnectionRoute | undefined {
  const named = routes.flatMap(({ tls }) => tls ?? []);
  const found = tlsRouteFor(named, encrypted ? serverNameOf(host) : undefined);
  return routes.find(({ tls }) => tls === found);
}

/** What a client that dials the host says in its TLS handshake; undefined: nothing, as for an address. */
function serverNameOf(host: string): string | undefined {
  const name = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  return isAddress(name) ? undefined : name;
}

/**
 * The route of a connection as Envoy finds it: by the exact server name, else by the longest wildcard, else one for `*`, which also takes
 * connections without a name. undefined: none.
 * @param name undefined: the connection tells no server name, or is not encrypted.
 */
export function tlsRouteFor(routes: readonly TlsRoute[], name: string | undefined): TlsRoute | undefined {
  const narrow = routes.filter(({ serverNames }) => !serverNames.includes('*'));
  const exact = narrow.find(({ serverNames }) => name !== undefined && serverNames.includes(name));
  if (exact) return exact;
  let best: { readonly route: TlsRoute; readonly length: number } | undefined;
  for (const route of name === undefined ? [] : narrow) {
    for (const pattern of route.serverNames) {
      if (pattern.startsWith('*') && hostMatches(pattern, name as string) && pattern.length > (best?.length ?? 0)) {
        best = { route, length: pattern.length };
      }
    }
  }
  // Of several for every name the proxy keeps the last.
  return best?.route ?? routes.findLast(({ serverNames }) => serverNames.includes('*'));
}
