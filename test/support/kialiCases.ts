import { fileURLToPath } from 'node:url';
import { Store } from '../../src/lab/control/store.js';
import { Storage } from '../../src/lab/prometheus/storage.js';
import { bothSides, feedCounter, feedStreams, requestLabels, type Stream } from './telemetry.js';

/** Whole seconds since the epoch at which the graphs are asked for. */
const GRAPH_SECONDS = 1_760_000_000;
const CREATED = '2020-01-01T00:00:00Z';

/** A namespace with versions, services and Istio objects as Pitstop's stages have them. */
export function pitstopStore(): Store {
  const store = new Store();
  const put = (
    resource: string,
    kind: string,
    apiVersion: string,
    name: string,
    rest: object,
    namespace?: string,
    labels = {},
  ) =>
    store.put(resource, {
      apiVersion,
      kind,
      metadata: { name, ...(namespace ? { namespace } : {}), labels, creationTimestamp: CREATED },
      ...rest,
    });
  for (const name of ['pitstop', 'istio-system', 'other'])
    put('namespaces', 'Namespace', 'v1', name, {}, undefined, { 'kubernetes.io/metadata.name': name });
  for (const [app, version, replicas, injected] of [
    ['webapp', 'v1', 1, true],
    ['customers', 'v1', 2, true],
    ['customers', 'v2', 1, true],
    ['vehicles', 'v1', 1, true],
    ['workshop', 'v1', 0, true],
    ['logserver', 'v1', 1, false],
    ['idle', 'v1', 1, true],
  ] as const) {
    const name = `${app}-${version}`;
    const labels = { app, version, tier: 'backend' };
    const selector = { matchLabels: { app, version } };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'image' }] } };
    const status = { replicas, availableReplicas: replicas, readyReplicas: replicas, observedGeneration: 1 };
    const deployment = put(
      'deployments.apps',
      'Deployment',
      'apps/v1',
      name,
      { spec: { replicas, selector, template }, status },
      'pitstop',
      { app },
    );
    const set = store.put('replicasets.apps', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-55`,
        namespace: 'pitstop',
        labels,
        creationTimestamp: CREATED,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: deployment.metadata.uid ?? '', controller: true },
        ],
      },
      spec: { replicas, selector, template },
      status,
    });
    for (let index = 0; index < replicas; index++) {
      store.put('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `${name}-55-${index}`,
          namespace: 'pitstop',
          labels,
          creationTimestamp: CREATED,
          annotations: injected
            ? { 'sidecar.istio.io/status': '{"containers":["istio-proxy"],"initContainers":["istio-init"]}' }
            : {},
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'ReplicaSet',
              name: `${name}-55`,
              uid: set.metadata.uid ?? '',
              controller: true,
            },
          ],
        },
        spec: {
          containers: [
            { name: 'main', image: 'image' },
            ...(injected ? [{ name: 'istio-proxy', image: 'proxy' }] : []),
          ],
        },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      });
    }
  }
  for (const app of ['webapp', 'customers', 'vehicles', 'workshop', 'unused']) {
    put(
      'services',
      'Service',
      'v1',
      app,
      { spec: { selector: { app }, ports: [{ name: 'http', port: 80 }] } },
      'pitstop',
      { app, part: 'of-pitstop' },
    );
  }
  const istio = 'networking.istio.io/v1';
  put(
    'virtualservices.networking.istio.io',
    'VirtualService',
    istio,
    'customers',
    {
      spec: {
        hosts: ['customers'],
        http: [
          {
            match: [{ method: { exact: 'GET' } }],
            route: [
              { destination: { host: 'customers', subset: 'v1' }, weight: 90 },
              { destination: { host: 'customers', subset: 'v2' }, weight: 10 },
            ],
            mirror: { host: 'customers', subset: 'v2' },
          },
          { route: [{ destination: { host: 'customers', subset: 'v1' } }], timeout: '3s' },
        ],
      },
    },
    'pitstop',
  );
  put(
    'virtualservices.networking.istio.io',
    'VirtualService',
    istio,
    'vehicles',
    {
      spec: {
        hosts: ['vehicles'],
        http: [
          {
            fault: { abort: { httpStatus: 500, percentage: { value: 25 } } },
            route: [{ destination: { host: 'vehicles.pitstop.svc.cluster.local' } }],
          },
        ],
      },
    },
    'pitstop',
  );
  put(
    'destinationrules.networking.istio.io',
    'DestinationRule',
    istio,
    'customers',
    {
      spec: {
        host: 'customers',
        subsets: [
          { name: 'v1', labels: { version: 'v1' } },
          { name: 'v2', labels: { version: 'v2' }, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 3 } } },
        ],
      },
    },
    'pitstop',
  );
  put(
    'destinationrules.networking.istio.io',
    'DestinationRule',
    istio,
    'vehicles',
    {
      spec: { host: 'vehicles', trafficPolicy: { connectionPool: { tcp: { maxConnections: 5 } } } },
    },
    'pitstop',
  );
  return store;
}

/** Traffic with everything that Kiali treats apart. */
const PITSTOP_STREAMS: readonly Stream[] = [
  ...bothSides({ from: 'webapp-v1', to: 'customers-v1', service: 'customers', rate: 9 }),
  ...bothSides({ from: 'webapp-v1', to: 'customers-v2', service: 'customers', rate: 0.9 }),
  ...bothSides({ from: 'webapp-v1', to: 'customers-v2', service: 'customers', rate: 0.1, code: '503' }),
  { reporter: 'destination', from: 'webapp-v1', to: 'customers-v2', service: 'customers', rate: 3.25 },
  ...bothSides({ from: 'webapp-v1', to: 'vehicles-v1', service: 'vehicles', rate: 7.5 }),
  { reporter: 'source', from: 'webapp-v1', service: 'vehicles', rate: 2.5, code: '500', flags: 'FI' },
  { reporter: 'source', from: 'webapp-v1', service: 'customers', rate: 0.004, code: '503', flags: 'UH' },
  { reporter: 'source', from: 'webapp-v1', to: 'workshop-v1', service: 'workshop', rate: 5, code: '0', flags: 'DC' },
  { reporter: 'destination', from: 'webapp-v1', to: 'workshop-v1', service: 'workshop', rate: 1, code: '302' },
  { reporter: 'destination', from: 'unknown', to: 'webapp-v1', service: 'webapp', rate: 25, code: '200' },
  { reporter: 'destination', from: 'unknown', to: 'webapp-v1', service: 'webapp', rate: 0.0625, code: '404' },
  ...bothSides({ from: 'shop-v1', fromNamespace: 'other', to: 'customers-v1', service: 'customers', rate: 1.125 }),
  {
    reporter: 'source',
    from: 'shop-v1',
    fromNamespace: 'other',
    service: 'customers',
    rate: 0.5,
    code: '503',
    flags: 'UH',
  },
];

/** The streams with their histograms, and a TCP connection to a database outside the mesh. */
export function pitstopSamples(): Storage {
  const storage = new Storage();
  const endMs = GRAPH_SECONDS * 1000;
  feedStreams(storage, PITSTOP_STREAMS, endMs);
  for (const [index, stream] of PITSTOP_STREAMS.entries()) {
    const labels = requestLabels(stream);
    for (const [le, share] of [
      ['5', 0.1],
      ['25', 0.6],
      ['100', 0.97],
      ['+Inf', 1],
    ] as const) {
      feedCounter(storage, 'istio_request_duration_milliseconds_bucket', { ...labels, le }, stream.rate * share, endMs);
    }
    feedCounter(storage, 'istio_request_duration_milliseconds_sum', labels, stream.rate * (17 + index), endMs);
    feedCounter(storage, 'istio_request_duration_milliseconds_count', labels, stream.rate, endMs);
    feedCounter(storage, 'istio_response_bytes_sum', labels, stream.rate * 740.5, endMs);
    feedCounter(storage, 'istio_request_bytes_sum', labels, stream.rate * 210, endMs);
  }
  for (const reporter of ['source', 'destination'] as const) {
    const stream = { from: 'customers-v1', to: 'sqlserver-v1', service: 'sqlserver', rate: 0, reporter };
    const { response_code: _code, ...labels } = requestLabels(stream);
    const tcp = { ...labels, request_protocol: 'tcp' };
    feedCounter(storage, 'istio_tcp_received_bytes_total', tcp, 1234.5, endMs);
    feedCounter(storage, 'istio_tcp_sent_bytes_total', tcp, 98_765, endMs);
  }
  const outside = requestLabels({ reporter: 'source', from: 'webapp-v1', service: 'example', rate: 0 });
  const passthrough = {
    ...outside,
    destination_service: 'www.example.com',
    destination_service_name: 'PassthroughCluster',
    destination_service_namespace: 'unknown',
  };
  feedCounter(storage, 'istio_requests_total', passthrough, 0.75, endMs);
  return storage;
}

/** Parameters of graph requests, all of which the real Kiali answers as the lab does. */
export const GRAPH_REQUESTS: readonly Record<string, string>[] = [
  { graphType: 'versionedApp', injectServiceNodes: 'true' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', appenders: '' },
  { graphType: 'versionedApp', injectServiceNodes: 'false' },
  { graphType: 'app', injectServiceNodes: 'true' },
  { graphType: 'app' },
  { graphType: 'workload', injectServiceNodes: 'true' },
  { graphType: 'workload' },
  {},
  { graphType: 'service' },
  { graphType: 'service', appenders: 'istio,idleNode' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', namespaces: 'pitstop,other' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', namespaces: 'other' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', boxBy: 'cluster,namespace', namespaces: 'pitstop,other' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', includeIdleEdges: 'true' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', responseTime: 'avg', appenders: 'responseTime' },
  {
    graphType: 'versionedApp',
    injectServiceNodes: 'true',
    responseTime: '50',
    throughputType: 'request',
    appenders: 'responseTime,throughput',
  },
  { graphType: 'versionedApp', injectServiceNodes: 'true', rateHttp: 'none' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', rateTcp: 'none' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', rateTcp: 'total' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', rateTcp: 'received', rateGrpc: 'total' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', appenders: 'labeler,istio,meshCheck,deadNode' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', duration: '120s', appenders: 'securityPolicy' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', queryTime: String(GRAPH_SECONDS - 7), duration: '45s' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', queryTime: String(GRAPH_SECONDS + 3_000) },
  { namespaces: '' },
  { namespaces: 'nowhere' },
  { graphType: 'pie' },
  { duration: '1x' },
  { configVendor: 'common' },
  { appenders: 'magic' },
  { boxBy: 'shape' },
  { includeIdleEdges: 'maybe' },
  { injectServiceNodes: '2' },
  { queryTime: 'noon' },
  { rateHttp: 'sent' },
  { rateGrpc: 'x' },
  { rateTcp: 'requests' },
  { responseTime: '42' },
  { throughputType: 'both' },
  { telemetryVendor: 'linkerd' },
  { unknown: 'key', graphType: 'app' },
  { queryTime: '1000' },
];

export const goldenFile = fileURLToPath(new URL('../lab/kiali/kiali-1.89.golden', import.meta.url));

export function graphPath(parameters: Record<string, string>): string {
  const query = new URLSearchParams({
    namespaces: 'pitstop',
    duration: '60s',
    queryTime: String(GRAPH_SECONDS),
    ...parameters,
  });
  return `/api/namespaces/graph?${query}`;
}

const health = (parameters: Record<string, string>): string =>
  `/api/clusters/health?${new URLSearchParams(parameters)}`;
const asked = { namespaces: 'pitstop', queryTime: String(GRAPH_SECONDS) };

/** The API server adds namespaces of its own to those of the store. */
const ALL_NAMESPACES = health({ queryTime: asked.queryTime });

/** Requests for health, all of which the real Kiali answers as the lab does. */
export const HEALTH_PATHS: readonly string[] = [
  ...['app', 'service', 'workload'].map((type) => health({ ...asked, type, rateInterval: '60s' })),
  ...['1x', '5', 's5', '1s1m', '1h30m', '0'].map((rateInterval) => health({ ...asked, rateInterval })),
  ALL_NAMESPACES,
  health({ namespaces: 'pitstop,other', queryTime: '1000' }),
  health({ type: 'pie' }),
  health({ namespaces: 'nowhere' }),
  health({ namespaces: 'pitstop', clusterName: 'other' }),
];

/** Those whose answers by the real Kiali are kept: one JSON document a line. */
export const GOLDEN_PATHS: readonly string[] = [
  ...GRAPH_REQUESTS.filter((_, index) => [0, 2, 3, 5, 8, 10, 13, 18, 20].includes(index) || index >= 24).map(graphPath),
  ...HEALTH_PATHS.filter((path) => path !== ALL_NAMESPACES),
];
