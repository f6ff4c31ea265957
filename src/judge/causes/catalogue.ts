import { routeNotAttached } from './attachment.js';
import { routeCaptured } from './captured.js';
import { selectorPinsVersion, versionNotReady } from './endpoints.js';
import { EVIDENCE_CAUSES } from './evidenceCauses.js';
import { faultLeftOver } from './faults.js';
import { routeGatewayDiffers, routeHostDiffers, routeLeftOver, routeMissing } from './hosts.js';
import type { CauseKind } from './kind.js';
import { mirrorNotSplit } from './mirrors.js';
import { proxyStale } from './proxies.js';
import { portNotHttp, serviceBypassed } from './service.js';
import { subsetMissing, subsetsOverlap, subsetWithoutEndpoints } from './subsets.js';
import { ruleHidden } from './visibility.js';
import { weightDiffers, weightNormalised } from './weights.js';
import { callerWithoutSidecar, versionFails } from './workloads.js';

/**
 * Every known cause of a wrong split. The order decides only where nothing else does: a route that is in force by mistake explains more than
 * its weights, missing endpoints more than the version's own errors.
 */
export const CATALOGUE: readonly CauseKind[] = [
  routeLeftOver,
  routeCaptured,
  routeHostDiffers,
  routeGatewayDiffers,
  routeNotAttached,
  ruleHidden,
  routeMissing,
  portNotHttp,
  serviceBypassed,
  proxyStale,
  mirrorNotSplit,
  weightDiffers,
  weightNormalised,
  faultLeftOver,
  selectorPinsVersion,
  versionNotReady,
  subsetMissing,
  subsetWithoutEndpoints,
  subsetsOverlap,
  versionFails,
  callerWithoutSidecar,
  ...EVIDENCE_CAUSES,
];
