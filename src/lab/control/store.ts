import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../base/kubernetes.js';
import { hasGeneration, type ResourceName } from './resources.js';

export type { ResourceName };

export type StoreEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: ResourceName;
  /** For DELETED the last state, with a fresh resourceVersion. */
  readonly object: KubeObject;
  /** The state before; undefined for ADDED. */
  readonly previous?: KubeObject;
};

/** A changed spec is a new generation, and so is the mark that the object is being deleted. */
const isNextGeneration = (before: KubeObject, after: KubeObject): boolean =>
  !isDeepStrictEqual(before.spec, after.spec) ||
  (before.metadata.deletionTimestamp === undefined && after.metadata.deletionTimestamp !== undefined);

/**
 * The desired and observed state of the embedded cluster: objects by resource, namespace and name, with one rising
 * resourceVersion. Objects are replaced, never changed in place: whoever holds one may keep it.
 */
export class Store {
  private readonly resources = new Map<ResourceName, Map<string, KubeObject>>();
  private readonly listeners = new Set<(event: StoreEvent) => void>();
  private readonly pending: StoreEvent[] = [];
  private delivering = false;
  private version = 1;

  /** The newest resourceVersion. */
  get resourceVersion(): number {
    return this.version;
  }

  /** Resources that hold or held objects. */
  get names(): ResourceName[] {
    return [...this.resources.keys()];
  }

  list(resource: ResourceName, namespace?: string): KubeObject[] {
    const all = [...(this.resources.get(resource)?.values() ?? [])];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.resources.get(resource)?.get(`${namespace ?? ''}/${name}`);
  }

  /**
   * What `put` would store, without storing it: uid and creationTimestamp are kept from the previous object (or made),
   * generation rises when `spec` changed. resourceVersion is that of the previous object, absent for a new one.
   */
  preview(resource: ResourceName, object: KubeObject): KubeObject {
    const before = this.get(resource, object.metadata.namespace, object.metadata.name);
    const { resourceVersion: _, generation: __, ...given } = object.metadata;
    const generation = before?.metadata.generation ?? 1;
    return {
      ...object,
      metadata: {
        ...given,
        uid: before?.metadata.uid ?? randomUUID(),
        creationTimestamp:
          before?.metadata.creationTimestamp ??
          object.metadata.creationTimestamp ??
          new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        ...(hasGeneration(resource)
          ? { generation: before && isNextGeneration(before, object) ? generation + 1 : generation }
          : {}),
        ...(before?.metadata.resourceVersion ? { resourceVersion: before.metadata.resourceVersion } : {}),
      },
    };
  }

  /**
   * Creates or replaces, see `preview`. resourceVersion rises when anything changed; an equal object is no event.
   * @returns the stored object.
   */
  put(resource: ResourceName, object: KubeObject): KubeObject {
    return this.keep(resource, this.preview(resource, object));
  }

  /** Like `put`, for an object whose identity another API server has given: uid, generation and times are taken as they are. */
  adopt(resource: ResourceName, object: KubeObject): KubeObject {
    const before = this.get(resource, object.metadata.namespace, object.metadata.name);
    const { resourceVersion: _, ...metadata } = object.metadata;
    const version = before?.metadata.resourceVersion;
    return this.keep(resource, {
      ...object,
      metadata: { ...metadata, ...(version ? { resourceVersion: version } : {}) },
    });
  }

  private keep(resource: ResourceName, next: KubeObject): KubeObject {
    const key = `${next.metadata.namespace ?? ''}/${next.metadata.name}`;
    const before = this.resources.get(resource)?.get(key);
    if (before && isDeepStrictEqual(before, next)) return before;
    this.version += 1;
    const stored: KubeObject = { ...next, metadata: { ...next.metadata, resourceVersion: String(this.version) } };
    let objects = this.resources.get(resource);
    if (!objects) {
      objects = new Map();
      this.resources.set(resource, objects);
    }
    objects.set(key, stored);
    this.emit(
      before
        ? { type: 'MODIFIED', resource, object: stored, previous: before }
        : { type: 'ADDED', resource, object: stored },
    );
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
    this.emit({ type: 'DELETED', resource, object: removed, previous: before });
    return removed;
  }

  /**
   * Listeners run synchronously, in order of subscription. What a listener changes is delivered after the event it is
   * handling, so that every listener sees all events in the order of their resourceVersions.
   * @returns unsubscribe.
   */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private emit(event: StoreEvent): void {
    this.pending.push(event);
    if (this.delivering) return;
    this.delivering = true;
    let failure: { error: unknown } | undefined;
    for (let next = this.pending.shift(); next; next = this.pending.shift()) {
      for (const listener of this.listeners) {
        try {
          listener(next);
        } catch (error) {
          failure ??= { error };
        }
      }
    }
    this.delivering = false;
    if (failure) throw failure.error;
  }
}
