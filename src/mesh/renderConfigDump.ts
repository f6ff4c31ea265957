import type {
  Cluster,
  Destination,
  Endpoint,
  HeaderChange,
  PortConfig,
  ProxyConfig,
  RetryPolicy,
  Route,
  RouteMatch,
  StringMatch,
  VirtualHost,
} from './types.js';

const TYPE = 'type.googleapis.com/envoy';
const typed = (name: string, fields: object): object => ({ '@type': `${TYPE}.${name}`, ...fields });

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
      typed('admin.v3.RoutesConfigDump', { dynamic_route_configs: config.ports.flatMap(renderTables) }),
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

function renderCluster(cluster: Cluster): object {
  const { name, balancing, limits, outlier } = cluster;
  const services = [{ host: cluster.host, name: cluster.serviceName, namespace: cluster.serviceNamespace }];
  return typed('config.cluster.v3.Cluster', {
    name,
    type: balancing === 'original-dst' ? 'ORIGINAL_DST' : 'EDS',
    ...(balancing === 'original-dst' ? {} : { eds_cluster_config: { eds_config: { ads: {} }, service_name: name } }),
    lb_policy: POLICIES[balancing],
    circuit_breakers: {
      thresholds: [
        {
          max_connections: limits.maxConnections ?? 4_294_967_295,
          max_pending_requests: limits.maxPending ?? 4_294_967_295,
        },
      ],
    },
    ...(outlier
      ? {
          outlier_detection: {
            consecutive_5xx: outlier.consecutive5xx,
            interval: seconds(outlier.interval),
            base_ejection_time: seconds(outlier.baseEjection),
            max_ejection_percent: outlier.maxEjectionPercent,
          },
        }
      : {}),
    metadata: { filter_metadata: { istio: { services, ...(cluster.subset ? { subset: cluster.subset } : {}) } } },
  });
}

function renderAssignment(cluster: Cluster): object {
  return typed('config.endpoint.v3.ClusterLoadAssignment', {
    cluster_name: cluster.name,
    endpoints:
      cluster.endpoints.length > 0 ? [{ locality: {}, lb_endpoints: cluster.endpoints.map(renderEndpoint) }] : [],
    policy: { overprovisioning_factor: 140 },
  });
}

const renderEndpoint = ({ ip, targetPort, ready, workload, pod }: Endpoint): object => ({
  endpoint: { address: { socket_address: { address: ip, port_value: targetPort } }, health_check_config: {} },
  health_status: ready ? 'HEALTHY' : 'UNHEALTHY',
  metadata: { filter_metadata: { istio: { workload: `${workload};${pod.split('/', 1)[0]};;;Kubernetes` } } },
  load_balancing_weight: 1,
});

function renderListeners({ port, tcp }: PortConfig): object[] {
  return tcp.map((service) => {
    const address = service.domains.find((domain) => /^\d+\.\d+\.\d+\.\d+$/.test(domain)) ?? '0.0.0.0';
    const target = service.destinations
      ? {
          weighted_clusters: {
            clusters: service.destinations.map(({ cluster, weight }) => ({ name: cluster, weight })),
          },
        }
      : { cluster: service.cluster };
    const proxy = typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      stat_prefix: service.cluster,
      ...target,
    });
    const listener = typed('config.listener.v3.Listener', {
      name: `${address}_${port}`,
      address: { socket_address: { address, port_value: port } },
      filter_chains: [{ filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config: proxy }] }],
    });
    return { name: `${address}_${port}`, active_state: { listener } };
  });
}

/** Services with a declared protocol share the table of their port; a detected one has a table of its own. */
function renderTables({ port, virtualHosts }: PortConfig): object[] {
  const table = (name: string, hosts: readonly VirtualHost[], domains?: string[]): object => ({
    route_config: typed('config.route.v3.RouteConfiguration', {
      name,
      virtual_hosts: hosts.map((host) => ({
        name: host.name,
        domains: domains ?? host.domains,
        routes: host.routes.flatMap((route) => renderRoutes(route, host)),
        include_request_attempt_count: true,
      })),
      validate_clusters: false,
      ignore_port_in_host_matching: true,
    }),
  });
  const shared = virtualHosts.filter((host) => !host.detected);
  const detected = virtualHosts.filter((host) => host.detected);
  return [
    ...(shared.length > 0 ? [table(String(port), shared)] : []),
    ...detected.map((host) => table(host.name, [host], ['*'])),
  ];
}

function renderRoutes(route: Route, host: VirtualHost): object[] {
  const matches = route.matches.length > 0 ? route.matches : [{ headers: [], query: [] }];
  const fault = renderFault(route);
  return matches.map((match) => ({
    name: route.name,
    match: renderMatch(match),
    ...renderAction(route),
    ...(host.source ? { metadata: { filter_metadata: { istio: { config: sourcePath(host.source) } } } } : {}),
    ...headerChanges(route.requestHeaders, 'request'),
    ...headerChanges(route.responseHeaders, 'response'),
    ...(fault ? { typed_per_filter_config: { 'envoy.filters.http.fault': fault } } : {}),
  }));
}

const sourcePath = (source: string): string => {
  const [kind = '', namespace = '', name = ''] = source.split('/');
  const plural = kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  return `/apis/networking.istio.io/v1/namespaces/${namespace}/${plural}/${name}`;
};

const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(6))}s`;

const STATUS_NAMES: Readonly<Record<number, string>> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
};

function renderAction(route: Route): object {
  const { action } = route;
  if (action.kind === 'direct') {
    return { direct_response: { status: action.status, body: { inline_string: action.body } } };
  }
  if (action.kind === 'redirect') {
    return {
      redirect: {
        ...(action.scheme ? { scheme_redirect: action.scheme } : {}),
        ...(action.authority ? { host_redirect: action.authority } : {}),
        ...(action.port ? { port_redirect: action.port } : {}),
        ...(action.uri ? { path_redirect: action.uri } : {}),
        ...(action.prefix === undefined ? {} : { prefix_rewrite: action.prefix }),
        response_code: STATUS_NAMES[action.status] ?? 'MOVED_PERMANENTLY',
      },
    };
  }
  const [only, ...others] = action.destinations;
  return {
    route: {
      ...(only && others.length === 0
        ? { cluster: only.cluster }
        : { weighted_clusters: { clusters: action.destinations.map(renderWeighted) } }),
      timeout: seconds(route.timeout ?? 0),
      ...(route.retries.attempts > 0 ? { retry_policy: renderRetries(route.retries) } : {}),
      ...(route.mirrors.length > 0
        ? {
            request_mirror_policies: route.mirrors.map(({ cluster, share }) => ({
              cluster,
              runtime_fraction: { default_value: millionths(share) },
              disable_shadow_host_suffix_append: true,
            })),
          }
        : {}),
      ...(route.rewrite?.uri ? { prefix_rewrite: route.rewrite.uri } : {}),
      ...(route.rewrite?.authority ? { host_rewrite_literal: route.rewrite.authority } : {}),
    },
  };
}

const renderWeighted = ({ cluster, weight, requestHeaders, responseHeaders }: Destination): object => ({
  name: cluster,
  weight,
  ...(requestHeaders ? headerChanges(requestHeaders, 'request') : {}),
  ...(responseHeaders ? headerChanges(responseHeaders, 'response') : {}),
});

const renderRetries = ({ attempts, retryOn, statusCodes, perTryTimeout }: RetryPolicy): object => ({
  retry_on: retryOn.join(','),
  num_retries: attempts,
  ...(perTryTimeout === undefined ? {} : { per_try_timeout: seconds(perTryTimeout) }),
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: typed('extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}),
    },
  ],
  host_selection_retry_max_attempts: '5',
  ...(statusCodes.length > 0 ? { retriable_status_codes: statusCodes } : {}),
});

const millionths = (share: number): object => ({ numerator: Math.round(share * 1_000_000), denominator: 'MILLION' });

function renderFault({ fault: { delay, abort } }: Route): object | undefined {
  if (!delay && !abort) return undefined;
  return typed('extensions.filters.http.fault.v3.HTTPFault', {
    ...(delay ? { delay: { fixed_delay: seconds(delay.duration), percentage: millionths(delay.share) } } : {}),
    ...(abort ? { abort: { http_status: abort.status, percentage: millionths(abort.share) } } : {}),
  });
}

function headerChanges(change: HeaderChange, side: 'request' | 'response'): object {
  const entries = [
    ...Object.entries(change.set).map(([key, value]) => ({
      header: { key, value },
      append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
    })),
    ...Object.entries(change.add).map(([key, value]) => ({ header: { key, value } })),
  ];
  return {
    ...(entries.length > 0 ? { [`${side}_headers_to_add`]: entries } : {}),
    ...(change.remove.length > 0 ? { [`${side}_headers_to_remove`]: change.remove } : {}),
  };
}

function renderMatch({ path, method, authority, scheme, headers, query }: RouteMatch): object {
  const conditions = [
    ...(method ? [renderCondition(':method', method)] : []),
    ...(authority ? [renderCondition(':authority', authority)] : []),
    ...(scheme ? [renderCondition(':scheme', scheme)] : []),
    ...headers.map(({ name, match, invert }) => ({
      ...renderCondition(name, match),
      ...(invert ? { invert_match: true } : {}),
      ...(invert && match.kind !== 'present' ? { treat_missing_header_as_empty: true } : {}),
    })),
  ];
  return {
    ...renderPath(path),
    ...(conditions.length > 0 ? { headers: conditions } : {}),
    ...(query.length > 0 ? { query_parameters: query.map(({ name, match }) => renderCondition(name, match)) } : {}),
  };
}

function renderPath(path: StringMatch | undefined): object {
  if (!path) return { prefix: '/' };
  const fold = path.ignoreCase ? { case_sensitive: false } : {};
  switch (path.kind) {
    case 'exact':
      return { path: path.value, ...fold };
    case 'prefix':
      return { prefix: path.value, ...fold };
    case 'segment-prefix':
      return { path_separated_prefix: path.value, ...fold };
    case 'regex':
      return { safe_regex: { regex: path.value } };
    case 'present':
      return { prefix: '/' };
  }
}

function renderCondition(name: string, match: StringMatch): object {
  if (match.kind === 'present') return { name, present_match: true };
  if (match.kind === 'regex') return { name, string_match: { safe_regex: { regex: match.value } } };
  return { name, string_match: { [match.kind]: match.value } };
}
