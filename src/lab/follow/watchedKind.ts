import { type Clock, sleep } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import type { ResourceKind } from '../control/resources.js';
import { pathOf, type RemoteApi, type RemoteEvent } from './remoteApi.js';

/** How soon a kind that the server does not serve is asked for again: its definition may come. */
const ABSENT_KIND_MS = 2000;

/** Pauses before another try at a server that does not answer; the last one for ever. */
const RETRY_MS = [100, 200, 500, 1000] as const;
export const retryMs = (failures: number): number => RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1000;

/** Told in the order of the server's events. */
export interface KindListener {
  /** It is there, new or changed. */
  readonly present: (object: KubeObject) => void;
  readonly gone: (object: KubeObject) => void;
  /** After a list: nothing else of the kind is there. */
  readonly listed: (objects: readonly KubeObject[]) => void;
}

/** The objects of one kind on another API server, by a list and a watch from there on. */
export class WatchedKind {
  readonly entry: ResourceKind;
  private readonly remote: RemoteApi;
  private readonly clock: Clock;
  private readonly listener: KindListener;
  private served: string | undefined;
  /** From where the watch goes on; undefined: only a list helps. */
  private resourceVersion: string | undefined;

  constructor(entry: ResourceKind, remote: RemoteApi, clock: Clock, listener: KindListener) {
    this.entry = entry;
    this.remote = remote;
    this.clock = clock;
    this.listener = listener;
  }

  /** The version in which the kind is served; undefined while it is not. */
  get version(): string | undefined {
    return this.served;
  }

  /** @throws Error when the server does not answer. */
  async list(): Promise<void> {
    const { entry, remote, listener } = this;
    this.resourceVersion = undefined;
    for (const version of entry.versions) {
      const { status, body } = await remote.request('GET', pathOf(entry, version));
      if (status === 404) continue;
      if (status !== 200) throw new Error(`${remote.server} answers ${status} to a list of ${entry.plural}`);
      const { items = [], metadata } = body as { items?: KubeObject[]; metadata: { resourceVersion: string } };
      this.served = version;
      for (const object of items) listener.present(object);
      listener.listed(items);
      this.resourceVersion = metadata.resourceVersion;
      return;
    }
    this.served = undefined;
  }

  /** Goes on from the last list until the signal is aborted; a server that goes away is waited for. */
  async follow(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.resourceVersion === undefined) await this.list();
        if (this.resourceVersion === undefined) {
          failures = 0;
          await sleep(this.clock, ABSENT_KIND_MS, signal);
          continue;
        }
        const path = pathOf(this.entry, this.served ?? '');
        const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${this.resourceVersion}`;
        await this.remote.watch(`${path}?${query}`, (event) => this.event(event), signal);
        failures = 0;
      } catch {
        // It may come back; what was missed is in the watch from the last version, or in a new list.
        await sleep(this.clock, retryMs(failures), signal);
        failures += 1;
        if (failures % 5 === 0) this.resourceVersion = undefined;
      }
    }
  }

  private event({ type, object }: RemoteEvent): void {
    if (type === 'ERROR') {
      this.resourceVersion = undefined;
      return;
    }
    if (type === 'DELETED') this.listener.gone(object);
    else if (type !== 'BOOKMARK') this.listener.present(object);
    this.resourceVersion = object.metadata.resourceVersion ?? this.resourceVersion;
  }
}
