import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { isGateway } from '../../mesh/gatewayServers.js';
import { perObject } from '../../mesh/memo.js';
import { goodObservation } from '../tallies.js';
import { at, type DiagnosisInput, find, items, labels, namespaceOf, ofKind, text } from './objects.js';

/** Pods of the calling workload: by the selector of its Deployment, else by the label `app`. */
export function callerPods(input: DiagnosisInput, from: string): readonly KubeObject[] {
  const { namespace } = input.scenario;
  const deployment = find(input, 'Deployment', namespace, from);
  const selector = labels(at(deployment?.spec, 'selector', 'matchLabels'));
  return ofKind(input, 'Pod').filter((pod) => {
    if (namespaceOf(pod) !== namespace) return false;
    return Object.keys(selector).length > 0
      ? labelsMatch(selector, pod.metadata.labels)
      : pod.metadata.labels?.app === from;
  });
}

/** Labels of the caller's pods; none: it has no pod that is known. */
export const callerLabels = perObject((input: DiagnosisInput): Record<string, string> => {
  const { from } = input.scenario;
  return labels((from === undefined ? undefined : callerPods(input, from)[0])?.metadata.labels);
});

/** Is the caller a gateway, of Istio or of the Gateway API? Else its sidecars route. */
export const callerIsGateway = (input: DiagnosisInput): boolean => isGateway(input.objects, callerLabels(input));

/** So many requests of nobody are no probe. */
const NAMELESS = 20;

/** Calls that no proxy sent: at the destination they are nobody's. */
export const arrivesNameless = ({ observations }: DiagnosisInput): boolean =>
  (goodObservation(observations, 'destination')?.counts.foreign['unknown.unknown'] ?? 0) >= NAMELESS;

const SIDECARS = ['istio-proxy', 'linkerd-proxy'];

export const hasSidecar = (pod: KubeObject): boolean =>
  [...items(pod.spec?.containers), ...items(pod.spec?.initContainers)].some((each) =>
    SIDECARS.includes(text(at(each, 'name')) ?? ''),
  );
