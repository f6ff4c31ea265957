import { type KubeObject, namespaceOf, objectRef } from '../base/kubernetes.js';
import { gatewayRef } from './matches.js';
import { type Fields, labels, number, record, records, text, texts } from './read.js';
import { mostSpecificFor } from './subnets.js';
import type { Destination } from './types.js';
import { type RuleContext, weightedDestinations } from './virtualServiceRoutes.js';

export interface ConnectionRule {
  readonly destinations: readonly Destination[];
  /** `Kind/namespace/name` */
  readonly source: string;
  /** `spec.tcp[0]` */
  readonly field: string;
  /** None: for every address. */
  readonly subnets: readonly string[];
}

/**
 * The `tcp:` rule that takes the connections of this proxy to one address and port, of any VirtualService for the host; undefined: plain
 * balancing. Weights are drawn per connection.
 * @param objects the one that wins the host first. @param address that clients dial; undefined: not known.
 */
export function tcpRule(
  objects: readonly KubeObject[],
  address: string | undefined,
  context: RuleContext,
): ConnectionRule | undefined {
  const found: ConnectionRule[] = [];
  for (const object of objects) {
    for (const [index, fields] of records(object.spec?.tcp).entries()) {
      const field = `spec.tcp[${index}]`;
      const destinations = weightedDestinations({ fields, object, field }, context);
      if (destinations.length === 0) continue;
      const rule = { destinations, source: objectRef(object), field };
      const matches = records(fields.match);
      const applying = matches.filter((match) => appliesToConnections(match, object, context));
      const open = applying.findIndex((match) => texts(match.destinationSubnets).length === 0);
      if (matches.length === 0 || open >= 0) {
        // It takes every address: no later rule is reached.
        return mostSpecificFor(address, [...found, { ...rule, subnets: [] }])[0];
      }
      const subnets = applying.flatMap((match) => texts(match.destinationSubnets));
      if (subnets.length > 0) found.push({ ...rule, subnets });
    }
  }
  return mostSpecificFor(address, found)[0];
}

/** Whether a match of a `tcp` or `tls` rule is meant for this proxy and port, subnets and server names aside. */
export function appliesToConnections(match: Fields, object: KubeObject, context: RuleContext): boolean {
  const gateways = texts(match.gateways).map((name) => gatewayRef(name, namespaceOf(object)));
  const port = number(match.port);
  const source = text(match.sourceNamespace);
  return (
    (gateways.length === 0 || gateways.some((name) => context.gateways.includes(name))) &&
    (!port || port === context.port) &&
    (!source || source === context.caller.namespace) &&
    Object.entries(labels(record(match.sourceLabels))).every(([key, value]) => context.caller.labels[key] === value)
  );
}
