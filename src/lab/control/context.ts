import type { Clock } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import type { Random } from '../../base/random.js';
import type { ResourceName, Store } from './store.js';

/** What every controller works with. */
export interface ControlContext {
  readonly store: Store;
  readonly clock: Clock;
  /** Names of pods and identifiers of cluster objects. */
  readonly random: Random;
}

/** A level-triggered controller: looks at the whole state and makes the next changes; called again until nothing changes. */
export interface Controller {
  readonly resources: readonly ResourceName[];
  reconcile(): void;
}

/** Kubernetes' timestamp of now: RFC 3339 in whole seconds. */
export const timestamp = (clock: Clock): string => new Date(clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');

/** Replaces `status` of the newest version of an object; nothing when it is gone. */
export function putStatus(
  { store }: ControlContext,
  resource: ResourceName,
  object: KubeObject,
  status: Record<string, unknown>,
): void {
  const newest = store.get(resource, object.metadata.namespace, object.metadata.name);
  if (newest && newest.metadata.uid === object.metadata.uid) store.put(resource, { ...newest, status });
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Conditions with transition times, kept from `before` where type and status are the same. */
export function conditions(clock: Clock, before: unknown, now: readonly Condition[]): Record<string, unknown>[] {
  const old = Array.isArray(before) ? (before as Record<string, unknown>[]) : [];
  return now.map((condition) => {
    const previous = old.find((candidate) => candidate?.type === condition.type);
    const unchanged = previous?.status === condition.status;
    const same = unchanged && previous.reason === condition.reason;
    return {
      ...condition,
      lastUpdateTime: same ? previous.lastUpdateTime : timestamp(clock),
      lastTransitionTime: unchanged ? previous.lastTransitionTime : timestamp(clock),
    };
  });
}
