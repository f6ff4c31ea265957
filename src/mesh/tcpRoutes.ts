import type { KubeObject } from '../base/kubernetes.js';
import { gatewayRef } from './matches.js';
import { type Fields, labels, number, record, records, text, texts } from './read.js';
import type { Destination } from './types.js';
import { type RuleContext, weightedDestinations } from './virtualServiceRoutes.js';

/**
 * The first `tcp:` rule that applies to this proxy and port, of any VirtualService for the host; undefined: plain balancing. Weights are
 * drawn per connection.
 * @param objects the one that wins the host first.
 */
export function tcpDestinations(objects: readonly KubeObject[], context: RuleContext): Destination[] | undefined {
  for (const object of objects) {
    for (const [index, fields] of records(object.spec?.tcp).entries()) {
      const matches = records(fields.match);
      if (matches.length > 0 && !matches.some((match) => applies(match, object, context))) continue;
      const destinations = weightedDestinations({ fields, object, field: `spec.tcp[${index}]` }, context);
      if (destinations.length > 0) return destinations;
    }
  }
  return undefined;
}

function applies(match: Fields, object: KubeObject, context: RuleContext): boolean {
  const gateways = texts(match.gateways).map((name) => gatewayRef(name, object.metadata.namespace ?? 'default'));
  const port = number(match.port);
  const source = text(match.sourceNamespace);
  return (
    (gateways.length === 0 || gateways.some((name) => context.gateways.includes(name))) &&
    (port === undefined || port === context.port) &&
    (!source || source === context.caller.namespace) &&
    Object.entries(labels(record(match.sourceLabels))).every(([key, value]) => context.caller.labels[key] === value)
  );
}
