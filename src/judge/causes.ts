import { endpointCauses } from './causes/endpoints.js';
import { evidenceCauses } from './causes/evidenceCauses.js';
import { hostCauses } from './causes/hosts.js';
import type { DiagnosisInput } from './causes/objects.js';
import { proxyCauses } from './causes/proxies.js';
import { weightCauses } from './causes/weights.js';
import { workloadCauses } from './causes/workloads.js';
import type { Cause } from './types.js';

export type { DiagnosisInput, HeldRoutes } from './causes/objects.js';

/**
 * Causes of a wrong split: what the live objects say against what the stage promises, the most decisive first. A route that is in force by
 * mistake explains more than its weights, missing endpoints more than the version's own errors.
 */
export function diagnose(input: DiagnosisInput): Cause[] {
  const hosts = hostCauses(input);
  // Weights of a route that should not be there are nobody's mistake.
  const weights = hosts.some((cause) => cause.code === 'ROUTE_LEFT_OVER') ? [] : weightCauses(input);
  return [
    ...hosts,
    ...proxyCauses(input),
    ...weights,
    ...endpointCauses(input),
    ...workloadCauses(input),
    ...evidenceCauses(input),
  ];
}
