import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { records, texts } from './read.js';
import { mostSpecificFor } from './subnets.js';
import { appliesToConnections } from './tcpRoutes.js';
import type { TlsRoute } from './types.js';
import { type RuleContext, weightedDestinations } from './virtualServiceRoutes.js';

/**
 * The `tls:` rules of all VirtualServices for a host that apply to this proxy and port, by server name; undefined: none applies, and every
 * connection is balanced plainly. Weights are drawn per connection.
 * @param objects the one that wins the host first. @param address that clients dial; undefined: not known.
 */
export function tlsRoutes(
  objects: readonly KubeObject[],
  address: string | undefined,
  context: RuleContext,
): TlsRoute[] | undefined {
  const found: (TlsRoute & { readonly subnets: readonly string[] })[] = [];
  const seen = new Set<string>();
  let subnets: readonly string[] = [];
  for (const object of objects) {
    for (const [index, fields] of records(object.spec?.tls).entries()) {
      const field = `spec.tls[${index}]`;
      const destinations = weightedDestinations({ fields, object, field }, context);
      if (destinations.length === 0) continue;
      for (const [position, match] of records(fields.match).entries()) {
        if (!appliesToConnections(match, object, context)) continue;
        const written = texts(match.destinationSubnets);
        // Once written, Istio keeps them for every later match of the Service.
        if (written.length > 0) subnets = written;
        const serverNames = texts(match.sniHosts).map((name) => name.toLowerCase());
        const key = `${serverNames}|${written}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const place = { source: objectRef(object), field: `${field}.match[${position}]` };
        found.push({ serverNames, subnets, destinations, ...place });
      }
    }
  }
  return found.length === 0 ? undefined : mostSpecificFor(address, found).map(({ subnets: _, ...route }) => route);
}
