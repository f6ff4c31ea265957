import type { GraphOptions } from '../options.js';
import type { Row } from '../prometheus.js';
import { type End, isOk, nodeId, UNKNOWN } from './nodes.js';

/** Labels that every row must carry; Kiali leaves out a row that lacks one. */
const REQUIRED = [
  'source_workload_namespace',
  'source_workload',
  'source_canonical_service',
  'source_canonical_revision',
  'destination_service_namespace',
  'destination_service_name',
  'destination_workload_namespace',
  'destination_workload',
  'destination_canonical_service',
  'destination_canonical_revision',
] as const;

const IP_ADDRESS = /^\d+\.\d+\.\d+\.\d+(:\d+)?$/;
const EGRESS_HOST = 'istio-egressgateway.istio-system.svc.cluster.local';

/** The two ends of the requests that one row counts. */
export interface Hop {
  readonly source: End;
  readonly dest: End;
  /** True when a service node stands between them. */
  readonly inject: boolean;
}

/**
 * Reads the ends from a row's labels, with Kiali's repairs and its refusal of half-known telemetry.
 * @returns undefined for a row that Kiali skips.
 */
export function readHop({ labels }: Row, options: GraphOptions): Hop | undefined {
  if (labels.destination_service === undefined || !complete(labels)) return undefined;
  const source = sourceEnd(labels);
  if (isBadSource(source, labels.source_cluster !== undefined)) return undefined;
  const dest = repaired(destEnd(labels), source, labels.destination_service);
  if (isBadDest(dest, labels.destination_service, labels.destination_cluster !== undefined)) return undefined;
  return withInjection(source, dest, options);
}

/** As readHop, but believing every row: the security query does not group by `destination_service`. */
export function readTrustedHop({ labels }: Row, options: GraphOptions): Hop | undefined {
  return complete(labels) ? withInjection(sourceEnd(labels), destEnd(labels), options) : undefined;
}

function complete(labels: Row['labels']): boolean {
  return REQUIRED.every((name) => labels[name] !== undefined);
}

function sourceEnd(labels: Row['labels']): End {
  const namespace = labels.source_workload_namespace ?? '';
  return {
    cluster: labels.source_cluster ?? UNKNOWN,
    serviceNamespace: namespace,
    service: '',
    workloadNamespace: namespace,
    workload: labels.source_workload ?? '',
    app: labels.source_canonical_service ?? '',
    version: labels.source_canonical_revision ?? '',
  };
}

function destEnd(labels: Row['labels']): End {
  return {
    cluster: labels.destination_cluster ?? UNKNOWN,
    serviceNamespace: labels.destination_service_namespace ?? '',
    service: labels.destination_service_name ?? '',
    workloadNamespace: labels.destination_workload_namespace ?? '',
    workload: labels.destination_workload ?? '',
    app: labels.destination_canonical_service ?? '',
    version: labels.destination_canonical_revision ?? '',
  };
}

/** Egress gateways get their own workload; an unknown cluster of a known service is taken for the caller's. */
function repaired(dest: End, source: End, host: string): End {
  if (host === EGRESS_HOST && host === dest.service) {
    const name = 'istio-egressgateway';
    const namespace = 'istio-system';
    return {
      cluster: source.cluster,
      serviceNamespace: namespace,
      service: name,
      workloadNamespace: namespace,
      workload: name,
      app: name,
      version: 'latest',
    };
  }
  const adopt = !isOk(dest.cluster) && isOk(source.cluster) && isOk(dest.serviceNamespace);
  return adopt ? { ...dest, cluster: source.cluster } : dest;
}

function isBadSource(source: End, clusterGiven: boolean): boolean {
  if (!isOk(source.workloadNamespace)) return false;
  return (!isOk(source.workload) && !isOk(source.app)) || (clusterGiven && !isOk(source.cluster));
}

function isBadDest(dest: End, host: string, clusterGiven: boolean): boolean {
  const bareAddress = !isOk(dest.workload) && host === dest.service && IP_ADDRESS.test(host);
  return bareAddress || (isOk(dest.serviceNamespace) && clusterGiven && !isOk(dest.cluster));
}

function withInjection(source: End, dest: End, options: GraphOptions): Hop | undefined {
  const wanted = options.injectServiceNodes && isOk(dest.service) && dest.service !== 'PassthroughCluster';
  if (!wanted) return { source, dest, inject: false };
  const node = nodeId(dest, options.graphType);
  return node && { source, dest, inject: node.nodeType !== 'service' };
}
