import type { KubeObject } from '../base/kubernetes.js';
import { perObject } from './memo.js';

/** Oldest first, then by name, then by namespace: Istio's order wherever two objects compete. No timestamp counts as newest. */
export function byAge(a: KubeObject, b: KubeObject): number {
  const [left, right] = [createdAt(a), createdAt(b)];
  if (left !== right) return left < right ? -1 : 1;
  return compare(a.metadata.name, b.metadata.name) || compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '');
}

/** Milliseconds since the epoch; infinite without a timestamp. */
export const createdAt = perObject((object: KubeObject): number => {
  const time = Date.parse(object.metadata.creationTimestamp ?? '');
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
});

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
