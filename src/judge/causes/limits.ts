import { objectRef } from '../../base/kubernetes.js';
import type { Cause } from '../types.js';
import { amount, counted, list } from '../words.js';
import { causeAt, readyEndpoints } from './evidence.js';
import { at, type DiagnosisInput, neededVersions, service } from './objects.js';
import { type Policy, policiesOf } from './policies.js';
import { liveRoutes } from './routes.js';

/** Fewer refusals are noise of a start. */
const FEW = 5;

/** Calls of the judged workload with a response flag, and by version. */
function flagged({ evidence }: DiagnosisInput, flag: string): { count: number; versions: string[] } {
  const rows = Object.entries(evidence?.source?.responses ?? {}).flatMap(([version, responses]) =>
    Object.entries(responses).flatMap(([response, count]) =>
      (response.split(' ')[1] ?? '').split(',').includes(flag) ? [{ version, count }] : [],
    ),
  );
  return {
    count: rows.reduce((sum, { count }) => sum + count, 0),
    versions: [...new Set(rows.map(({ version }) => version))].filter((version) => version !== 'unknown'),
  };
}

/** UO: Envoy's own flag for a request that exceeds the limits of a cluster; nothing else sets it. */
export function breakerOpen(input: DiagnosisInput): Cause[] {
  const { count, versions } = flagged(input, 'UO');
  if (count < FEW) return [];
  const policies = policiesOf(input).filter(({ value }) => at(value, 'connectionPool') !== undefined);
  const policy = policies.find(({ subset }) => subset !== undefined && versions.includes(subset)) ?? policies[0];
  const which = versions.length > 0 ? ` of ${list(versions)}` : '';
  const found = `${counted(count, 'calls')}${which} refused with 503 UO`;
  const fix =
    'Raise the limits of the connection pool, or add pods: the proxy refuses what is above them before it reaches a pod.';
  if (policy) {
    const field = `${policy.field}.connectionPool`;
    return [causeAt(input, policy.rule, field, { code: 'CIRCUIT_BREAKER_OPEN', found, expected: 'none', fix })];
  }
  const target = service(input);
  const object = target ? objectRef(target) : `Service/${input.scenario.namespace}/${input.scenario.service}`;
  return [{ code: 'CIRCUIT_BREAKER_OPEN', object, field: 'responses', found, expected: 'none', fix }];
}

/**
 * Ready pods that got nothing, or cannot be reached, although outlier detection may take them out: either calls found no healthy
 * endpoint (UH) while every version has ready pods, or one version's pods share its requests so unevenly that some got none.
 */
export function endpointsEjected(input: DiagnosisInput): Cause[] {
  const policy = policiesOf(input).find(({ value }) => at(value, 'outlierDetection') !== undefined);
  if (!policy) return [];
  const needed = neededVersions(input.stage);
  const allReady = needed.length > 0 && needed.every((version) => readyEndpoints(input, version).length > 0);
  const { count } = flagged(input, 'UH');
  const refused = flagged(input, 'UF').count;
  if (allReady && count + refused >= FEW) {
    const found = [
      ...(count > 0 ? [`${counted(count, 'calls')} found no healthy endpoint (503 UH)`] : []),
      ...(refused > 0 ? [`${counted(refused, 'calls')} could not connect (UF)`] : []),
    ];
    return [ejected(input, policy, `${list(found)}, and all pods are ready`)];
  }
  const versions = Object.keys(input.scenario.versions);
  // Pods that are balanced over together stand in for each other, whatever version they are.
  const together = input.stage.expect.by === 'balancing' && liveRoutes(input).length === 0;
  return (together ? [versions] : versions.map((version) => [version])).flatMap((group): Cause[] => {
    const idle = idlePods(input, group);
    return idle === undefined ? [] : [ejected(input, policy, idle)];
  });
}

function ejected(input: DiagnosisInput, policy: Policy, found: string): Cause {
  return causeAt(input, policy.rule, `${policy.field}.outlierDetection`, {
    code: 'ENDPOINTS_EJECTED',
    found,
    expected: 'requests to every ready pod',
    fix: 'These pods answered errors, or could not be reached, and were ejected: look into their errors, their nodes and their zone, then raise consecutive5xxErrors or lower maxEjectionPercent.',
  });
}

/** Requests for each ready pod from which on a pod without any is no chance. */
const ENOUGH_EACH = 30;

function idlePods(input: DiagnosisInput, versions: readonly string[]): string | undefined {
  const { evidence } = input;
  const ready = versions.flatMap((version) => readyEndpoints(input, version));
  const served = ready.map(({ name, version = '' }) => evidence?.destination?.proxies[name]?.[version] ?? 0);
  const total = served.reduce((sum, count) => sum + count, 0);
  const idle = ready.filter((_, index) => served[index] === 0).map(({ name }) => name);
  if (ready.length < 2 || idle.length === 0 || total < ENOUGH_EACH * ready.length) return undefined;
  return `${list(idle)} got none of ${amount(total)} requests to ${list(versions)}`;
}
