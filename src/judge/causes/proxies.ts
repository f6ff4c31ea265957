import { oddProxies, partsOf } from '../checks/proxies.js';
import type { Cause } from '../types.js';
import { counted, percent } from '../words.js';
import type { DiagnosisInput } from './objects.js';

/** How sure one must be to name a proxy; a cause is no verdict. */
const ALPHA = 1e-3;

const FIX =
  'See whether the control plane still reaches this proxy (istioctl proxy-status, its config_dump), and restart the pod.';

/** Caller proxies that hold other routes than the objects make, or draw by others than the rest. */
export function proxyCauses(input: DiagnosisInput): Cause[] {
  const held = (input.routes ?? [])
    .filter(({ current }) => !current)
    .map(({ pod, why }): Cause => stale(input, pod, why, 'the routes that the objects compile to'));
  const drawing = drawingOtherwise(input).filter(({ object }) => !held.some((each) => each.object === object));
  return [...held, ...drawing];
}

/** Pods of a gateway stand in its own namespace, as far as it is read. */
function stale({ scenario, objects }: DiagnosisInput, name: string, found: string, expected: string): Cause {
  const pod = objects.find((each) => each.kind === 'Pod' && each.metadata.name === name);
  return {
    code: 'PROXY_STALE',
    object: `Pod/${pod?.metadata.namespace ?? scenario.namespace}/${name}`,
    field: 'istio-proxy',
    found,
    expected,
    fix: FIX,
  };
}

function drawingOtherwise(input: DiagnosisInput): Cause[] {
  const { assessment, observations } = input;
  const guard = assessment.checks.find(({ name }) => name.startsWith('proxies:'));
  if (!guard) return [];
  const version = guard.name.slice('proxies:'.length);
  const expected = guard.expected.share ?? 0;
  return oddProxies(partsOf(observations, version), expected, ALPHA).map(({ name, count, total }) =>
    stale(input, name, `${percent(count / total)} of ${counted(total, 'calls')} to ${version}`, percent(expected)),
  );
}
