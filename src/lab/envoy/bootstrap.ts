import { DISCOVERED, DISCOVERY_CLUSTER } from './discovery.js';
import { loopback, type Message } from './proto.js';

/** Statistics that are kept: Istio's, and the one that tells whether clusters wait for their endpoints. */
const KEPT: readonly Message[] = [{ prefix: 'istio.' }, { exact: 'cluster_manager.warming_clusters' }];

/** Histograms lag their counters by this much. */
const FLUSH_INTERVAL = '0.5s';

/** What the process starts with: everything else it asks for. @param node `pod.namespace`. @param discovery port of 127.0.0.1. */
export function bootstrap(node: string, workload: string, discovery: number): Message {
  return {
    node: { id: node, cluster: workload },
    admin: { address: loopback(0) },
    dynamic_resources: { lds_config: DISCOVERED, cds_config: DISCOVERED },
    static_resources: {
      clusters: [
        {
          name: DISCOVERY_CLUSTER,
          type: 'STATIC',
          connect_timeout: '10s',
          load_assignment: {
            cluster_name: DISCOVERY_CLUSTER,
            endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(discovery) } }] }],
          },
          // A question is held for each subscription.
          circuit_breakers: {
            thresholds: [{ max_connections: 100_000, max_pending_requests: 100_000, max_requests: 100_000 }],
          },
        },
      ],
    },
    stats_config: { stats_matcher: { inclusion_list: { patterns: KEPT } } },
    stats_flush_interval: FLUSH_INTERVAL,
  };
}
