import { type KubeObject, labelsMatch, objectRef } from '../../base/kubernetes.js';
import { confidenceSequence } from '../confidence.js';
import type { Cause } from '../types.js';
import {
  type DiagnosisInput,
  isReady,
  labels,
  namespaceOf,
  ofKind,
  openSelector,
  placeOf,
  service,
} from './objects.js';

/** How sure one must be that counts differ before they speak of a cause. */
export const ALPHA = 1e-4;

/** True when k of n is more than the share, beyond doubt. */
export const surelyAbove = (k: number, n: number, share: number): boolean =>
  confidenceSequence(k, n, ALPHA).low > share;
export const surelyBelow = (k: number, n: number, share: number): boolean =>
  confidenceSequence(k, n, ALPHA).high < share;

/** A cause at a field of a live object, with the line of the manifest that writes it. */
export function causeAt(
  input: DiagnosisInput,
  object: KubeObject,
  field: string,
  rest: Pick<Cause, 'code' | 'found' | 'expected' | 'fix'>,
): Cause {
  const place = placeOf(input, object, field);
  return { ...rest, object: objectRef(object), field, ...(place ? { place } : {}) };
}

export interface Endpoint {
  readonly pod: KubeObject;
  readonly name: string;
  readonly version: string | undefined;
}

/** Pods that the Service selects, whatever version it pins, with the version that their labels say. */
export function endpointsOf(input: DiagnosisInput): readonly Endpoint[] {
  const { scenario } = input;
  const selector = openSelector(input);
  if (Object.keys(selector).length === 0) return [];
  return ofKind(input, 'Pod').flatMap((pod) => {
    if (namespaceOf(pod) !== scenario.namespace || !labelsMatch(selector, pod.metadata.labels)) return [];
    const version = Object.entries(scenario.versions).find(([, own]) => labelsMatch({ ...own }, pod.metadata.labels));
    return [{ pod, name: pod.metadata.name, version: version?.[0] }];
  });
}

/** Ready pods of a version that the Service, as it is, selects. */
export function readyEndpoints(input: DiagnosisInput, version: string): readonly Endpoint[] {
  const selector = labels(service(input)?.spec?.selector);
  return endpointsOf(input).filter(
    (each) => each.version === version && isReady(each.pod) && labelsMatch(selector, each.pod.metadata.labels),
  );
}
