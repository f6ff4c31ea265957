import type { Store, StoreEvent } from '../control/store.js';

/** Events that a watch may be resumed from; enough for the busiest minutes of a release. */
const DEFAULT_CAPACITY = 5000;

/** The recent events of a Store in the order of their resourceVersions, for watches that resume. */
export class EventLog {
  private events: StoreEvent[] = [];
  private readonly capacity: number;
  private readonly listeners = new Set<(event: StoreEvent) => void>();
  private readonly unsubscribe: () => void;
  /** Every event after this resourceVersion is held. */
  private start: number;

  constructor(store: Store, capacity = DEFAULT_CAPACITY) {
    this.capacity = capacity;
    this.start = store.resourceVersion;
    this.unsubscribe = store.subscribe((event) => this.add(event));
  }

  /** The oldest resourceVersion that a watch can resume from. */
  get oldest(): number {
    return this.start;
  }

  /** @returns the events after a resourceVersion, or undefined when some of them are no longer held. */
  since(version: number): readonly StoreEvent[] | undefined {
    if (version < this.start) return undefined;
    return this.events.filter((event) => versionOf(event) > version);
  }

  /** @returns unsubscribe. */
  follow(listener: (event: StoreEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.unsubscribe();
    this.listeners.clear();
  }

  private add(event: StoreEvent): void {
    this.events.push(event);
    // Dropping half at once keeps the cost per event constant.
    if (this.events.length > this.capacity) {
      const dropped = this.events.splice(0, this.events.length >> 1);
      const last = dropped.at(-1);
      if (last) this.start = versionOf(last);
    }
    for (const listener of this.listeners) listener(event);
  }
}

export const versionOf = (event: StoreEvent): number => Number(event.object.metadata.resourceVersion);
