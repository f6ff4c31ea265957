const SOURCE = [
  'source_cluster',
  'source_workload_namespace',
  'source_workload',
  'source_canonical_service',
  'source_canonical_revision',
];
const DESTINATION = [
  'destination_cluster',
  'destination_service_namespace',
  'destination_service',
  'destination_service_name',
  'destination_workload_namespace',
  'destination_workload',
  'destination_canonical_service',
  'destination_canonical_revision',
];
const BY_ENDS = [...SOURCE, ...DESTINATION].join(',');
const BY_RESPONSE = `${BY_ENDS},request_protocol,response_code,grpc_response_status,response_flags`;
const BY_PRINCIPALS = [
  ...SOURCE,
  'source_principal',
  ...DESTINATION.filter((label) => label !== 'destination_service'),
  'destination_principal',
  'connection_security_policy',
].join(',');

/** One metric's three questions about a namespace: unserved requests into it, what it receives, what it sends. */
export interface TrafficQueries {
  readonly metric: string;
  readonly queries: readonly string[];
}

interface Window {
  readonly namespace: string;
  readonly seconds: number;
}

/** Kiali 1.89's texts to the letter: a Prometheus that refuses one of them would stop the real Kiali too. */
function trafficQueries(metric: string, by: string, waypoint: boolean, window: Window, idle: boolean): TrafficQueries {
  const { namespace, seconds } = window;
  const reporter = (side: string) => (waypoint ? `reporter=~"${side}|waypoint"` : `reporter="${side}"`);
  const selectors = [
    `${reporter('source')},source_workload_namespace!="${namespace}",destination_workload_namespace="unknown",destination_workload="unknown",destination_service=~"^.+\\\\.${namespace}\\\\..+$"`,
    `${reporter('destination')},destination_workload_namespace="${namespace}"`,
    `${reporter('source')},source_workload_namespace="${namespace}"`,
  ];
  const condition = idle ? '' : '> 0';
  return {
    metric,
    queries: selectors.map((selector) => `sum(rate(${metric}{${selector}} [${seconds}s])) by (${by}) ${condition}`),
  };
}

export interface RateChoice {
  readonly http: string;
  readonly grpc: string;
  readonly tcp: string;
}

/** All queries for a namespace's nodes and edges, in the order in which their rows count: destination before source. */
export function namespaceQueries(window: Window, rates: RateChoice, includeIdleEdges: boolean): TrafficQueries[] {
  const found: TrafficQueries[] = [];
  if (rates.http === 'requests' || rates.grpc === 'requests') {
    found.push(trafficQueries('istio_requests_total', BY_RESPONSE, true, window, includeIdleEdges));
  }
  for (const metric of grpcMessageMetrics(rates.grpc))
    found.push(trafficQueries(metric, BY_ENDS, true, window, includeIdleEdges));
  for (const metric of tcpMetrics(rates.tcp)) {
    found.push(trafficQueries(metric, `${BY_ENDS},response_flags`, false, window, includeIdleEdges));
  }
  return found;
}

function grpcMessageMetrics(rate: string): string[] {
  const sent = 'istio_request_messages_total';
  const received = 'istio_response_messages_total';
  return { sent: [sent], received: [received], total: [sent, received] }[rate] ?? [];
}

/** The names are the wrong way round in the telemetry itself (istio/istio#32399). */
function tcpMetrics(rate: string): string[] {
  const sent = 'istio_tcp_received_bytes_total';
  const received = 'istio_tcp_sent_bytes_total';
  return { sent: [sent], received: [received], total: [sent, received] }[rate] ?? [];
}

/** @param quantile undefined: the average. */
export function responseTimeQueries({ namespace, seconds }: Window, quantile: number | undefined): string[] {
  const by = `${BY_ENDS},request_protocol`;
  const selectors = [
    `reporter=~"destination|waypoint",destination_service_namespace="${namespace}"`,
    `reporter=~"source|waypoint",source_workload_namespace="${namespace}"`,
  ];
  const metric = 'istio_request_duration_milliseconds';
  return selectors.map((selector) => {
    const sum = (suffix: string, labels: string) =>
      `sum(rate(${metric}_${suffix}{${selector}}[${seconds}s])) by (${labels})`;
    if (quantile === undefined) return `${sum('sum', by)} / ${sum('count', by)} > 0`;
    return `histogram_quantile(${quantile.toFixed(2)}, ${sum('bucket', `le,${by}`)}) > 0`;
  });
}

export function throughputQueries({ namespace, seconds }: Window, type: 'request' | 'response'): string[] {
  const reporter = type === 'request' ? 'source|waypoint' : 'destination|waypoint';
  return fromOutsideAndInside(namespace).map(
    (selector) =>
      `sum(rate(istio_${type}_bytes_sum{reporter=~"${reporter}",${selector}}[${seconds}s])) by (${BY_ENDS}) > 0`,
  );
}

export function securityQueries({ namespace, seconds }: Window, rates: RateChoice): string[] {
  const metrics: [metric: string, reporter: string][] = [];
  if (rates.grpc === 'requests' || rates.http === 'requests')
    metrics.push(['istio_requests_total', '=~"destination|waypoint"']);
  for (const metric of grpcMessageMetrics(rates.grpc)) metrics.push([metric, '=~"destination|waypoint"']);
  // Here the TCP names are taken at their word.
  const sent = rates.tcp === 'sent' || rates.tcp === 'total';
  const received = rates.tcp === 'received' || rates.tcp === 'total';
  if (sent) metrics.push(['istio_tcp_sent_bytes_total', '="destination"']);
  if (received) metrics.push(['istio_tcp_received_bytes_total', '="destination"']);
  if (metrics.length === 0) return [];
  return fromOutsideAndInside(namespace).map((selector) =>
    metrics
      .map(
        ([metric, reporter]) =>
          `(sum(rate(${metric}{reporter${reporter},${selector}}[${seconds}s])) by (${BY_PRINCIPALS}) > 0)`,
      )
      .join(' OR '),
  );
}

function fromOutsideAndInside(namespace: string): string[] {
  return [
    `source_workload_namespace!="${namespace}",destination_service_namespace="${namespace}"`,
    `source_workload_namespace="${namespace}"`,
  ];
}
