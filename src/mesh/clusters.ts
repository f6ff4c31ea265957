import { type AppliedRule, type Subset, trafficPolicy, tuning } from './destinationRules.js';
import type { Inventory } from './inventory.js';
import { clusterName, type Service, type ServicePort } from './services.js';
import type { Cluster } from './types.js';

/** The clusters of one Service: one per port, and one more per port and subset. */
export function clustersOf(service: Service, rule: AppliedRule | undefined, inventory: Inventory): Cluster[] {
  return service.ports.flatMap((port) => [
    cluster(service, port, rule, undefined, inventory),
    ...(rule?.subsets ?? []).map((subset) => cluster(service, port, rule, subset, inventory)),
  ]);
}

function cluster(
  service: Service,
  port: ServicePort,
  rule: AppliedRule | undefined,
  subset: Subset | undefined,
  inventory: Inventory,
): Cluster {
  const tuned = tuning(trafficPolicy(rule, subset, port.port));
  // A headless Service has no address to balance behind: the dialled pod answers, subset or not.
  const balancing = service.headless || service.entry?.dialled ? 'original-dst' : tuned.balancing;
  const labels = balancing === 'original-dst' ? {} : (subset?.labels ?? {});
  return {
    name: clusterName(port.port, subset?.name ?? '', service.fqdn),
    host: service.fqdn,
    serviceName: service.name,
    serviceNamespace: service.namespace,
    port: port.port,
    subset: subset?.name ?? '',
    protocol: port.protocol === 'tcp' ? 'tcp' : 'http',
    ...tuned,
    balancing,
    endpoints: inventory.endpoints(service, port, labels),
  };
}
