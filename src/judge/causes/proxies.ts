import { partsOf } from '../checks/proxies.js';
import type { Cause } from '../types.js';
import { standouts } from '../unit/homogeneity.js';
import { counted, percent } from '../words.js';
import type { DiagnosisInput } from './objects.js';

/** Caller proxies that draw by other routes than the rest. */
export function proxyCauses({ scenario, assessment, observations }: DiagnosisInput): Cause[] {
  const refuted = assessment.checks.find(({ name, verdict }) => name.startsWith('proxies:') && verdict === 'fail');
  if (!refuted) return [];
  const version = refuted.name.slice('proxies:'.length);
  const parts = partsOf(observations, version);
  return standouts(parts, refuted.errorRate, refuted.expected.share ?? 0).map(({ name, count, total }) => ({
    code: 'PROXY_STALE',
    object: `Pod/${scenario.namespace}/${name}`,
    field: 'istio-proxy',
    found: `${percent(count / total)} of ${counted(total, 'calls')} to ${version}`,
    expected: percent(refuted.expected.share ?? 0),
    fix: 'See whether the control plane still reaches this proxy (istioctl proxy-status, its config_dump), and restart the pod.',
  }));
}
