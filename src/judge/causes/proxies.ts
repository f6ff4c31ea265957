import { oddProxies, partsOf } from '../checks/proxies.js';
import { divergence } from '../numerics.js';
import { counted, percent } from '../words.js';
import { asCounted } from './counted.js';
import type { Candidate, CauseKind } from './kind.js';
import type { DiagnosisInput } from './objects.js';
import type { Place } from './place.js';

/** How sure one must be to name a proxy; a cause is no verdict. */
const ALPHA = 1e-3;

/** 13: a caller proxy that draws by other routes than the rest. */
export const proxyStale: CauseKind = {
  code: 'PROXY_STALE',
  number: 13,
  title: 'a proxy holds old routes',
  confirm: oddOnes,
  // How stale it is nobody knows: the sum of all proxies is what was seen.
  predict: (_candidate, input) => asCounted(input, ['client', 'source', 'destination']),
};

const FIX =
  'See whether the control plane still reaches this proxy (istioctl proxy-status, its config_dump), and restart the pod.';

/** Caller proxies that hold other routes than the objects make, or draw by others than the rest. */
function oddOnes(input: DiagnosisInput): Candidate[] {
  const drawing = drawingOtherwise(input);
  const held = (input.routes ?? []).filter(({ current }) => !current);
  const told = held.map(({ pod, why }): Candidate => {
    const place = stale(input, pod, why, 'the routes that the objects compile to');
    const drawn = drawing.find(({ object }) => object === place.object);
    return drawn
      ? { ...drawn, found: `${drawn.found}; ${why}`, confirmedBy: 'objects' }
      : { ...place, confirmedBy: 'objects' };
  });
  return [...told, ...drawing.filter(({ object }) => !told.some((each) => each.object === object))];
}

/** Pods of a gateway stand in its own namespace, as far as it is read. */
function stale({ scenario, objects }: DiagnosisInput, name: string, found: string, expected: string): Place {
  const pod = objects.find((each) => each.kind === 'Pod' && each.metadata.name === name);
  const namespace = pod?.metadata.namespace ?? scenario.namespace;
  return { object: `Pod/${namespace}/${name}`, field: 'istio-proxy', found, expected, fix: FIX };
}

/** ln likelihood ratio of a proxy's own share to the promised one. */
const againstPromise = (share: number, calls: number, promised: number): number =>
  promised > 0 && promised < 1 ? calls * divergence(share, promised) : 0;

function drawingOtherwise(input: DiagnosisInput): Candidate[] {
  const { assessment, observations } = input;
  const guard = assessment.checks.find(({ name }) => name.startsWith('proxies:'));
  if (!guard) return [];
  const version = guard.name.slice('proxies:'.length);
  const expected = guard.expected.share ?? 0;
  return oddProxies(partsOf(observations, version), expected, ALPHA).map(({ name, count, total }) => ({
    ...stale(input, name, `${percent(count / total)} of ${counted(total, 'calls')} to ${version}`, percent(expected)),
    confirmedBy: 'counts',
    lnEvidence: Math.max(-Math.log(ALPHA), againstPromise(count / total, total, expected)),
  }));
}
