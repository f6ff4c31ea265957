import { byLocality, byPriority } from './loads.js';
import { renderRoutes, seconds, typed } from './renderRoutes.js';
import { routesOfServices } from './serverNames.js';
import type { Cluster, Destination, Endpoint, PortConfig, ProxyConfig, TlsRoute, VirtualHost } from './types.js';

/**
 * The configuration in the shape of Envoy's admin endpoint `/config_dump?include_eds`, as a sidecar under Istio answers it:
 * listeners (TCP only), clusters, routes and endpoints; all other sections are left out.
 */
export function renderConfigDump(config: ProxyConfig): object {
  const clusters = Object.values(config.clusters);
  return {
    configs: [
      typed('admin.v3.ClustersConfigDump', {
        dynamic_active_clusters: clusters.map((cluster) => ({ cluster: renderCluster(cluster) })),
      }),
      typed('admin.v3.ListenersConfigDump', { dynamic_listeners: config.ports.flatMap(renderListeners) }),
      typed('admin.v3.RoutesConfigDump', {
        dynamic_route_configs: renderTables(config).map((table) => ({ route_config: table })),
      }),
      typed('admin.v3.EndpointsConfigDump', {
        dynamic_endpoint_configs: clusters
          .filter((cluster) => cluster.balancing !== 'original-dst')
          .map((cluster) => ({ endpoint_config: renderAssignment(cluster) })),
      }),
    ],
  };
}

const POLICIES: Readonly<Record<Cluster['balancing'], string>> = {
  'least-request': 'LEAST_REQUEST',
  'round-robin': 'ROUND_ROBIN',
  random: 'RANDOM',
  'ring-hash': 'RING_HASH',
  'original-dst': 'CLUSTER_PROVIDED',
};

const UNLIMITED = 4_294_967_295;

export function renderCluster(cluster: Cluster): object {
  const { name, balancing, limits, outlier } = cluster;
  const services = [{ host: cluster.host, name: cluster.serviceName, namespace: cluster.serviceNamespace }];
  return typed('config.cluster.v3.Cluster', {
    name,
    type: balancing === 'original-dst' ? 'ORIGINAL_DST' : 'EDS',
    ...(balancing === 'original-dst' ? {} : { eds_cluster_config: { eds_config: { ads: {} }, service_name: name } }),
    lb_policy: POLICIES[balancing],
    ...(balancing === 'ring-hash' ? { ring_hash_lb_config: { minimum_ring_size: 1024 } } : {}),
    connect_timeout: '10s',
    // When every host is out, none serves.
    common_lb_config: {
      healthy_panic_threshold: {},
      ...(cluster.endpoints.some(({ locality }) => locality) ? { locality_weighted_lb_config: {} } : {}),
    },
    circuit_breakers: {
      thresholds: [
        {
          max_connections: limits.maxConnections ?? UNLIMITED,
          max_pending_requests: limits.maxPending ?? UNLIMITED,
          max_requests: UNLIMITED,
          max_retries: UNLIMITED,
        },
      ],
    },
    ...(outlier ? { outlier_detection: renderOutliers(outlier) } : {}),
    metadata: { filter_metadata: { istio: { services, ...(cluster.subset ? { subset: cluster.subset } : {}) } } },
  });
}

const renderOutliers = (outlier: NonNullable<Cluster['outlier']>): object => ({
  consecutive_5xx: outlier.consecutive5xx,
  enforcing_consecutive_5xx: outlier.consecutive5xx > 0 ? 100 : 0,
  consecutive_gateway_failure: outlier.consecutiveGateway ?? 0,
  enforcing_consecutive_gateway_failure: outlier.consecutiveGateway ? 100 : 0,
  enforcing_success_rate: 0,
  interval: seconds(outlier.interval),
  base_ejection_time: seconds(outlier.baseEjection),
  max_ejection_percent: outlier.maxEjectionPercent,
});

function renderAssignment(cluster: Cluster): object {
  return typed('config.endpoint.v3.ClusterLoadAssignment', {
    cluster_name: cluster.name,
    endpoints: renderTiers(cluster.endpoints, renderEndpoint),
    policy: { overprovisioning_factor: 140 },
  });
}

/** Endpoints of one priority are a group, or several where their localities count. */
export const renderTiers = (endpoints: readonly Endpoint[], render: (endpoint: Endpoint) => object): object[] =>
  byPriority(endpoints, ({ priority = 0 }) => priority).flatMap((tier, priority) =>
    [...byLocality(tier)].map(([name, members]) => {
      const [region, zone, sub_zone] = name.split('/');
      const weight = members[0]?.locality?.weight;
      return {
        locality: { ...(region ? { region } : {}), ...(zone ? { zone } : {}), ...(sub_zone ? { sub_zone } : {}) },
        lb_endpoints: members.map(render),
        ...(weight === undefined ? {} : { load_balancing_weight: weight }),
        ...(priority > 0 ? { priority } : {}),
      };
    }),
  );

export const renderEndpoint = ({ ip, targetPort, ready, workload, pod, weight = 1 }: Endpoint): object => ({
  endpoint: { address: { socket_address: { address: ip, port_value: targetPort } }, health_check_config: {} },
  health_status: ready ? 'HEALTHY' : 'UNHEALTHY',
  metadata: { filter_metadata: { istio: { workload: `${workload};${pod.split('/', 1)[0]};;;Kubernetes` } } },
  load_balancing_weight: weight,
});

function renderListeners({ port, tcp }: PortConfig): object[] {
  return tcp.map((service) => {
    const address = service.domains.find((domain) => /^\d+\.\d+\.\d+\.\d+$/.test(domain)) ?? '0.0.0.0';
    const chains = routesOfServices([service], port).map(({ destinations, tls }) =>
      renderChain(destinations, service.cluster, tls),
    );
    const listener = typed('config.listener.v3.Listener', {
      name: `${address}_${port}`,
      address: { socket_address: { address, port_value: port } },
      filter_chains: chains,
    });
    return { name: `${address}_${port}`, active_state: { listener } };
  });
}

function renderChain(destinations: readonly Destination[], prefix: string, tls: TlsRoute | undefined): object {
  const [only] = destinations;
  const target =
    destinations.length === 1 && only
      ? { cluster: only.cluster }
      : { weighted_clusters: { clusters: destinations.map(({ cluster, weight }) => ({ name: cluster, weight })) } };
  const proxy = typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: prefix, ...target });
  return {
    ...(tls && !tls.serverNames.includes('*') ? { filter_chain_match: { server_names: tls.serverNames } } : {}),
    filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config: proxy }],
  };
}

/** Envoy's RouteConfiguration. */
export interface RouteTable {
  readonly name: string;
  readonly virtual_hosts: readonly {
    readonly name: string;
    readonly domains: readonly string[];
    readonly routes: readonly object[];
  }[];
}

/** Services with a declared protocol share the table of their port; a detected one has a table of its own. Gateways name theirs otherwise. */
export function renderTables({ ports, clusters, unknownHosts }: ProxyConfig): RouteTable[] {
  const prefix = unknownHosts === 'not-found' ? 'http.' : '';
  const table = (name: string, hosts: readonly VirtualHost[], domains?: string[]) => ({
    ...typed('config.route.v3.RouteConfiguration', {}),
    name,
    virtual_hosts: hosts.map((host) => ({
      name: host.name,
      domains: domains ?? host.domains,
      routes: host.routes.flatMap((route) => renderRoutes(route, host, clusters)),
      include_request_attempt_count: true,
    })),
    validate_clusters: false,
    ignore_port_in_host_matching: true,
  });
  return ports.flatMap(({ port, virtualHosts }) => {
    const shared = virtualHosts.filter((host) => !host.detected);
    const detected = virtualHosts.filter((host) => host.detected);
    return [
      ...(shared.length > 0 ? [table(`${prefix}${port}`, shared)] : []),
      ...detected.map((host) => table(host.name, [host], ['*'])),
    ];
  });
}
