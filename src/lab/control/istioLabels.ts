import type { Identity } from './identity.js';
import type { DestinationService } from './inboundPorts.js';

/** What Istio's standard labels say of a request or connection: values, or what a proxy shall put in their place. */
export interface LabelFacts {
  readonly reporter: 'source' | 'destination';
  readonly source: Identity;
  readonly destination: Identity;
  readonly service: DestinationService;
  readonly protocol: 'http' | 'grpc' | 'tcp';
  /** undefined for TCP, which has neither code nor gRPC status. */
  readonly code: string | undefined;
  readonly flags: string;
  readonly security: string;
}

/** Istio's standard labels in the order in which its proxies emit them; Prometheus stores no empty one, so they are left out. */
export function istioLabels(facts: LabelFacts): [name: string, value: string][] {
  const { source, destination, service } = facts;
  const labels: [name: string, value: string][] = [
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
    ['response_code', facts.code ?? ''],
    // grpc_response_status is empty for every request that the lab serves.
    ['response_flags', facts.flags],
    ['connection_security_policy', facts.security],
  ];
  return labels.filter(([, value]) => value !== '');
}
