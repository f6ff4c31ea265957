import { ReceivingPods } from './receiverPods.js';
import { type CountedSide, TelemetryPolicies } from './telemetry.js';
import type { MeshWarning } from './types.js';
import { usedClusters } from './usedClusters.js';
import type { WarningInput } from './warningInput.js';
import { WarningsByHost } from './warningsByHost.js';

/** What cannot be told without a label of `istio_requests_total`. */
const TELLS: Readonly<Record<string, string>> = {
  destination_version: 'the versions are not told apart by it',
  destination_workload: 'the versions are not told apart by it',
  destination_canonical_revision: 'the versions are not told apart by it',
  destination_workload_namespace: 'calls of the Service are not found by it',
  destination_canonical_service: 'calls of the Service are not found by it',
  destination_service: 'calls of the Service are not found by it',
  destination_service_name: 'calls of the Service are not found by it',
  source_workload: 'nobody knows whose calls they are',
  source_workload_namespace: 'nobody knows whose calls they are',
  response_code: 'failures are not seen',
  response_flags: 'nobody knows why calls fail',
  reporter: 'nobody knows which side counted',
};

/** Telemetry objects that hide the calls of this client from a vantage point. */
export function telemetryWarnings(input: WarningInput): MeshWarning[] {
  const { inventory, caller } = input;
  const { telemetries } = inventory.snapshot;
  if (telemetries.length === 0) return [];
  const policies = new TelemetryPolicies(telemetries, inventory.settings);
  const pods = new ReceivingPods(inventory.snapshot);
  const found = new WarningsByHost();
  const tell = (side: CountedSide, vantagePoint: 'source' | 'destination', who: string): void => {
    for (const make of blindness(side, vantagePoint)) found.add(make, who);
  };
  if (caller.sidecar !== false) {
    tell(policies.of(caller.namespace, caller.labels).client, 'source', `${caller.workload}.${caller.namespace}`);
  }
  for (const { host, endpoints } of usedClusters(input)) {
    for (const endpoint of endpoints) {
      const pod = pods.of(endpoint);
      if (!pod || pod.sidecar === false || pod.ambient) continue;
      tell(policies.of(pod.namespace, pod.labels).server, 'destination', host);
    }
  }
  return found.warnings();
}

function blindness(
  { dropped, labels }: CountedSide,
  vantagePoint: 'source' | 'destination',
): ((who: string) => MeshWarning)[] {
  const whose = vantagePoint === 'source' ? 'the caller' : 'the destination';
  if (dropped) {
    return [
      (who) => ({
        code: 'METRICS_DROPPED',
        ...dropped,
        message: `The proxies of ${who} do not count istio_requests_total as ${whose}, so the vantage point ${vantagePoint} is blind to these calls. Remove it, or add a selector that leaves these pods out.`,
      }),
    ];
  }
  return [...labels].flatMap(([label, { object, field, removed }]) => {
    const lost = TELLS[label];
    if (lost === undefined) return [];
    return [
      (who: string) => ({
        code: 'METRICS_LABEL_LOST',
        object,
        field,
        message: `The label ${label} of istio_requests_total ${removed ? 'is removed' : 'gets another value'} at the proxies of ${who}: at the vantage point ${vantagePoint} ${lost}. Remove the override, or give it another label's name.`,
      }),
    ];
  });
}
