import { METRIC_NAME, makeLabels } from '../../src/lab/prometheus/labels.js';
import type { Storage } from '../../src/lab/prometheus/storage.js';

/** A request stream between two workloads as Istio's proxies count it. */
export interface Stream {
  readonly reporter: 'source' | 'destination';
  readonly from: string;
  /** Workload, such as `api-v2`; undefined when no endpoint was reached. */
  readonly to?: string;
  readonly service: string;
  /** Requests per second. */
  readonly rate: number;
  readonly code?: string;
  readonly flags?: string;
  readonly namespace?: string;
  readonly fromNamespace?: string;
}

const NAMED = /^(.*?)-?(v\d+)?$/;

function appOf(workload: string): { app: string; version: string } {
  const [, app = '', version = 'latest'] = NAMED.exec(workload) ?? [];
  return { app, version };
}

/** The labels of `istio_requests_total` for the stream, as facts of Istio's telemetry state them. */
export function requestLabels(stream: Stream): Record<string, string> {
  const {
    reporter,
    from,
    to,
    service,
    code = '200',
    flags = '-',
    namespace = 'pitstop',
    fromNamespace = namespace,
  } = stream;
  const source = appOf(from);
  const dest = to === undefined ? { app: 'unknown', version: 'latest' } : appOf(to);
  return {
    reporter,
    source_workload: from,
    source_workload_namespace: from === 'unknown' ? 'unknown' : fromNamespace,
    source_canonical_service: source.app,
    source_canonical_revision: source.version,
    source_cluster: from === 'unknown' ? 'unknown' : 'Kubernetes',
    source_principal: from === 'unknown' ? 'unknown' : `spiffe://cluster.local/ns/${fromNamespace}/sa/${source.app}`,
    destination_workload: to ?? 'unknown',
    destination_workload_namespace: to === undefined ? 'unknown' : namespace,
    destination_canonical_service: dest.app,
    destination_canonical_revision: dest.version,
    destination_principal: to === undefined ? 'unknown' : `spiffe://cluster.local/ns/${namespace}/sa/${dest.app}`,
    destination_service: `${service}.${namespace}.svc.cluster.local`,
    destination_service_name: service,
    destination_service_namespace: namespace,
    destination_cluster: to === undefined ? 'unknown' : 'Kubernetes',
    request_protocol: 'http',
    response_code: code,
    response_flags: flags,
    connection_security_policy: reporter === 'source' ? 'unknown' : 'mutual_tls',
  };
}

/** Both proxies of one hop. */
export function bothSides(stream: Omit<Stream, 'reporter'>): Stream[] {
  return [
    { ...stream, reporter: 'destination' },
    { ...stream, reporter: 'source' },
  ];
}

/** Writes counters that grow at a constant rate from well before `endMs`, so that every rate() is exact. */
export function feedCounter(
  storage: Storage,
  name: string,
  labels: Record<string, string>,
  rate: number,
  endMs: number,
  intervalMs = 15_000,
): void {
  const series = storage.open(makeLabels([...Object.entries(labels), [METRIC_NAME, name]]));
  for (let at = endMs - 20 * intervalMs; at <= endMs; at += intervalMs) {
    storage.append(series, at, 10_000 + (rate * (at - endMs + 20 * intervalMs)) / 1000);
  }
}

export function feedStreams(storage: Storage, streams: readonly Stream[], endMs: number): void {
  for (const stream of streams) feedCounter(storage, 'istio_requests_total', requestLabels(stream), stream.rate, endMs);
}
