import { type AppliedRule, type Subset, trafficPolicy, tuning } from './destinationRules.js';
import type { Inventory } from './inventory.js';
import { type ProxyLocation, placed, placePolicy } from './nearness.js';
import { clusterName, type Service, type ServicePort } from './services.js';
import type { Caller, Cluster } from './types.js';

/**
 * The clusters of one Service: one per port, and one more per port and subset.
 * @param place where the proxy stands.
 */
export function clustersOf(
  service: Service,
  rule: AppliedRule | undefined,
  inventory: Inventory,
  caller: Pick<Caller, 'gateway'>,
  place: ProxyLocation,
): Cluster[] {
  return service.ports.flatMap((port) => [
    cluster(service, port, rule, undefined, inventory, caller, place),
    ...(rule?.subsets ?? []).map((subset) => cluster(service, port, rule, subset, inventory, caller, place)),
  ]);
}

function cluster(
  service: Service,
  port: ServicePort,
  rule: AppliedRule | undefined,
  subset: Subset | undefined,
  inventory: Inventory,
  { gateway }: Pick<Caller, 'gateway'>,
  place: ProxyLocation,
): Cluster {
  const policy = trafficPolicy(rule, subset, port.port);
  const tuned = tuning(policy);
  // A headless Service has no address to balance behind: the dialled pod answers, subset or not. At a gateway nobody has dialled anything.
  const dialled = !gateway && (service.headless || service.entry?.dialled);
  const balancing = dialled ? 'original-dst' : tuned.balancing;
  const labels = balancing === 'original-dst' ? {} : (subset?.labels ?? {});
  const endpoints = gateway && service.entry?.dialled ? [] : inventory.endpoints(service, port, labels);
  const nearness =
    balancing === 'original-dst'
      ? undefined
      : placePolicy(policy, inventory.settings.localityLoadBalancing, service.trafficDistribution);
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
    endpoints: nearness ? placed(endpoints, nearness, place) : endpoints,
  };
}
