import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../../base/kubernetes.js';

/** `deployments.apps`, `pods`, `virtualservices.networking.istio.io`: plural and group, as kubectl writes it. */
export type ResourceName = string;

export type StoreEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: ResourceName;
  readonly object: KubeObject;
};

/**
 * The desired and observed state of the embedded cluster: objects by resource, namespace and name, with one rising
 * resourceVersion. Objects are replaced, never changed in place: whoever holds one may keep it.
 */
export class Store {
  private readonly resources = new Map<ResourceName, Map<string, KubeObject>>();
  private readonly listeners = new Set<(event: StoreEvent) => void>();
  private version = 1;

  /** The newest resourceVersion. */
  get resourceVersion(): number {
    return this.version;
  }

  list(resource: ResourceName, namespace?: string): KubeObject[] {
    const all = [...(this.resources.get(resource)?.values() ?? [])];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.resources.get(resource)?.get(`${namespace ?? ''}/${name}`);
  }

  /**
   * Creates or replaces. uid and creationTimestamp are kept from the previous object (or made), generation rises when `spec` changed,
   * resourceVersion rises when anything did; an equal object is no event.
   * @returns the stored object.
   */
  put(resource: ResourceName, object: KubeObject): KubeObject {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const before = this.resources.get(resource)?.get(key);
    const metadata = {
      ...object.metadata,
      uid: before?.metadata.uid ?? randomUUID(),
      creationTimestamp:
        before?.metadata.creationTimestamp ??
        object.metadata.creationTimestamp ??
        new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      generation: before ? (before.metadata.generation ?? 1) : 1,
    };
    if (before && JSON.stringify(before.spec) !== JSON.stringify(object.spec)) metadata.generation += 1;
    const same =
      before &&
      JSON.stringify({ ...before, metadata: { ...before.metadata, resourceVersion: '' } }) ===
        JSON.stringify({ ...object, metadata: { ...metadata, resourceVersion: '' } });
    if (same) return before;
    this.version += 1;
    const stored: KubeObject = { ...object, metadata: { ...metadata, resourceVersion: String(this.version) } };
    let objects = this.resources.get(resource);
    if (!objects) {
      objects = new Map();
      this.resources.set(resource, objects);
    }
    objects.set(key, stored);
    this.emit({ type: before ? 'MODIFIED' : 'ADDED', resource, object: stored });
    return stored;
  }

  /** @returns the removed object with a fresh resourceVersion, or undefined when there was none. */
  remove(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined {
    const key = `${namespace ?? ''}/${name}`;
    const before = this.resources.get(resource)?.get(key);
    if (!before) return undefined;
    this.resources.get(resource)?.delete(key);
    this.version += 1;
    const removed = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.version) } };
    this.emit({ type: 'DELETED', resource, object: removed });
    return removed;
  }

  /** Listeners run synchronously, in order of subscription. @returns unsubscribe. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private emit(event: StoreEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
