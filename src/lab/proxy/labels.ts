import type { Identity } from '../control/identity.js';
import type { DestinationService } from '../control/inboundPorts.js';

export interface SeriesFacts {
  readonly reporter: 'source' | 'destination';
  readonly source: Identity;
  readonly destination: Identity;
  readonly service: DestinationService;
  readonly protocol: 'http' | 'grpc' | 'tcp';
  /** undefined for TCP, which has neither code nor gRPC status. */
  readonly code?: number;
  readonly flags: string;
  readonly security: 'mutual_tls' | 'none' | 'unknown';
}

/** Istio's standard labels in the order in which its proxies emit them. */
function standardLabels(facts: SeriesFacts): [name: string, value: string][] {
  const { source, destination, service } = facts;
  return [
    ['reporter', facts.reporter],
    ['source_workload', source.workload],
    ['source_canonical_service', source.canonicalService],
    ['source_canonical_revision', source.canonicalRevision],
    ['source_workload_namespace', source.namespace],
    ['source_principal', source.principal],
    ['source_app', source.app],
    ['source_version', source.version],
    ['source_cluster', source.cluster],
    ['destination_workload', destination.workload],
    ['destination_workload_namespace', destination.namespace],
    ['destination_principal', destination.principal],
    ['destination_app', destination.app],
    ['destination_version', destination.version],
    ['destination_service', service.host],
    ['destination_canonical_service', destination.canonicalService],
    ['destination_canonical_revision', destination.canonicalRevision],
    ['destination_service_name', service.name],
    ['destination_service_namespace', service.namespace],
    ['destination_cluster', destination.cluster],
    ['request_protocol', facts.protocol],
    ...(facts.code === undefined ? [] : ([['response_code', String(facts.code)]] as [string, string][])),
    // grpc_response_status is empty for every request that the lab serves, and Prometheus stores no empty label.
    ['response_flags', facts.flags === '' ? '-' : facts.flags],
    ['connection_security_policy', facts.security],
  ];
}

/** Escapes a label value as the text exposition format demands. */
const escapeLabel = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

/** `name="value",...` without braces; empty values are left out, since Prometheus does not store them. */
export function labelText(facts: SeriesFacts): string {
  return standardLabels(facts)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}
