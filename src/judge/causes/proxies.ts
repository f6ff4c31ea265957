import { oddProxies, partsOf } from '../checks/proxies.js';
import type { Cause } from '../types.js';
import { counted, percent } from '../words.js';
import type { DiagnosisInput } from './objects.js';

/** How sure one must be to name a proxy; a cause is no verdict. */
const ALPHA = 1e-3;

/** Caller proxies that draw by other routes than the rest. */
export function proxyCauses({ scenario, assessment, observations }: DiagnosisInput): Cause[] {
  const guard = assessment.checks.find(({ name }) => name.startsWith('proxies:'));
  if (!guard) return [];
  const version = guard.name.slice('proxies:'.length);
  const expected = guard.expected.share ?? 0;
  return oddProxies(partsOf(observations, version), expected, ALPHA).map(({ name, count, total }) => ({
    code: 'PROXY_STALE',
    object: `Pod/${scenario.namespace}/${name}`,
    field: 'istio-proxy',
    found: `${percent(count / total)} of ${counted(total, 'calls')} to ${version}`,
    expected: percent(expected),
    fix: 'See whether the control plane still reaches this proxy (istioctl proxy-status, its config_dump), and restart the pod.',
  }));
}
