import type { KubeObject } from '../base/kubernetes.js';
import { gatewayRef } from './matches.js';
import { labels, number, record, records, text, texts } from './read.js';
import type { Destination } from './types.js';
import { type RuleContext, weightedDestinations } from './virtualServiceRoutes.js';

/** The first `tcp:` rule that applies to this proxy and port; undefined: plain balancing. Weights are drawn per connection. */
export function tcpDestinations(object: KubeObject | undefined, context: RuleContext): Destination[] | undefined {
  if (!object) return undefined;
  const namespace = object.metadata.namespace ?? 'default';
  for (const [index, fields] of records(object.spec?.tcp).entries()) {
    const matches = records(fields.match);
    const applies = (match: (typeof matches)[number]): boolean => {
      const gateways = texts(match.gateways).map((name) => gatewayRef(name, namespace));
      const port = number(match.port);
      const source = text(match.sourceNamespace);
      return (
        (gateways.length === 0 || gateways.some((name) => context.gateways.includes(name))) &&
        (port === undefined || port === context.port) &&
        (!source || source === context.caller.namespace) &&
        Object.entries(labels(record(match.sourceLabels))).every(([key, value]) => context.caller.labels[key] === value)
      );
    };
    if (matches.length > 0 && !matches.some(applies)) continue;
    const destinations = weightedDestinations({ fields, object, field: `spec.tcp[${index}]` }, context);
    if (destinations.length > 0) return destinations;
  }
  return undefined;
}
