import type { KubeObject } from '../base/kubernetes.js';
import { perObject } from './memo.js';

/** Oldest first, then by name, then by namespace: Istio's order wherever two objects compete. No timestamp counts as newest. */
export function byAge(a: KubeObject, b: KubeObject): number {
  return (
    compareAges(a, b) ||
    compare(a.metadata.name, b.metadata.name) ||
    compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '')
  );
}

/** Oldest first and nothing else: 0 for objects of one second. */
export const compareAges = (a: KubeObject, b: KubeObject): number => compare(createdAt(a), createdAt(b));

/** Milliseconds since the epoch; infinite without a timestamp. */
const createdAt = perObject((object: KubeObject): number => {
  const time = Date.parse(object.metadata.creationTimestamp ?? '');
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
});

export const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
