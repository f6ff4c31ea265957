import { type AppliedRule, type Subset, trafficPolicy, tuning } from './destinationRules.js';
import type { Inventory } from './inventory.js';
import { clusterName, type Service, type ServicePort } from './services.js';
import type { Caller, Cluster } from './types.js';

/** The clusters of one Service: one per port, and one more per port and subset. */
export function clustersOf(
  service: Service,
  rule: AppliedRule | undefined,
  inventory: Inventory,
  caller: Pick<Caller, 'gateway'>,
): Cluster[] {
  return service.ports.flatMap((port) => [
    cluster(service, port, rule, undefined, inventory, caller),
    ...(rule?.subsets ?? []).map((subset) => cluster(service, port, rule, subset, inventory, caller)),
  ]);
}

function cluster(
  service: Service,
  port: ServicePort,
  rule: AppliedRule | undefined,
  subset: Subset | undefined,
  inventory: Inventory,
  { gateway }: Pick<Caller, 'gateway'>,
): Cluster {
  const tuned = tuning(trafficPolicy(rule, subset, port.port));
  // A headless Service has no address to balance behind: the dialled pod answers, subset or not. At a gateway nobody has dialled anything.
  const dialled = !gateway && (service.headless || service.entry?.dialled);
  const balancing = dialled ? 'original-dst' : tuned.balancing;
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
    endpoints: gateway && service.entry?.dialled ? [] : inventory.endpoints(service, port, labels),
  };
}
