import { setMaxListeners } from 'node:events';
import { type Clock, sleep } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import { objectRef } from '../../base/kubernetes.js';
import { RESOURCES, type ResourceKind } from '../control/resources.js';
import type { Store } from '../control/store.js';
import { difference, patched } from './difference.js';
import type { RemoteApi } from './remoteApi.js';
import { content, fromServer, Identifiers, serverFields } from './shape.js';
import { type KindListener, retryMs, WatchedKind } from './watchedKind.js';
import { write } from './write.js';

/** Kinds that nothing in the lab reads: they stay where they are. */
export const LEFT_OUT = new Set(
  'events secrets limitranges resourcequotas persistentvolumes persistentvolumeclaims leases.coordination.k8s.io ingressclasses.networking.k8s.io customresourcedefinitions.apiextensions.k8s.io validatingwebhookconfigurations.admissionregistration.k8s.io mutatingwebhookconfigurations.admissionregistration.k8s.io roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io clusterroles.rbac.authorization.k8s.io clusterrolebindings.rbac.authorization.k8s.io storageclasses.storage.k8s.io priorityclasses.scheduling.k8s.io'.split(
    ' ',
  ),
);

/** One object as it was when both sides were last equal. */
interface Common {
  /** As the server showed it. */
  readonly seen: Record<string, unknown>;
  /** As the lab had it. */
  readonly base: Record<string, unknown>;
  /** The server's identifier. */
  readonly uid: string;
  readonly deleting: boolean;
  /** resourceVersion of what was seen last. */
  readonly version: number;
}

/** Of one object's differences after a write. */
type Left = 'nothing' | 'more' | 'later';

export interface MirrorOptions {
  readonly store: Store;
  readonly remote: RemoteApi;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/**
 * Keeps the Store and another API server equal. What changes there is carried into the Store; what the lab's controllers change in the
 * Store (ReplicaSets, pods, endpoints, statuses) is written there, in the order in which it happened, as patches of what they changed and
 * nothing else. A server that goes away is waited for: the data plane goes on with what it has.
 */
export class Mirror {
  private readonly options: MirrorOptions;
  private readonly ids = new Identifiers();
  private readonly common = new Map<string, Common>();
  /** Keys of objects that may differ, in the order of their first change. */
  private readonly changed = new Map<string, { entry: ResourceKind; namespace: string | undefined; name: string }>();
  private readonly kinds = new Map<string, WatchedKind>();
  private readonly ended = new AbortController();
  private readonly late = new Map<string, () => void>();
  private busy: string | undefined;
  private wake: (() => void) | undefined;
  private readonly loops: Promise<void>[] = [];
  private unsubscribe: () => void = () => undefined;

  constructor(options: MirrorOptions) {
    this.options = options;
    // Every watch and every pause listens to this signal.
    setMaxListeners(0, this.ended.signal);
  }

  /** @returns once the Store holds what the server held. @throws Error when the server does not answer. */
  async start(): Promise<void> {
    const { store, remote, clock } = this.options;
    for (const entry of RESOURCES.filter(({ resource }) => !LEFT_OUT.has(resource))) {
      const listener: KindListener = {
        present: (object) => this.take(entry, object),
        gone: ({ metadata: { namespace, name, uid = '' } }) => this.drop(entry, namespace, name, uid),
        listed: (objects) => this.dropOthers(entry, objects),
      };
      this.kinds.set(entry.resource, new WatchedKind(entry, remote, clock, listener));
    }
    await Promise.all([...this.kinds.values()].map((kind) => kind.list()));
    this.unsubscribe = store.subscribe(({ resource, object }) => {
      const entry = this.kinds.get(resource)?.entry;
      if (!entry) return;
      const { namespace, name } = object.metadata;
      this.changed.set(keyOf(entry, namespace, name), { entry, namespace, name });
      this.wake?.();
    });
    for (const kind of this.kinds.values()) this.loops.push(kind.follow(this.ended.signal));
    this.loops.push(this.writeAll());
  }

  async close(): Promise<void> {
    this.unsubscribe();
    this.ended.abort();
    this.wake?.();
    await Promise.allSettled(this.loops);
  }

  /** Carries what has changed on the server into the Store. */
  private take(entry: ResourceKind, object: KubeObject): void {
    const { store } = this.options;
    const { namespace, name, uid = '' } = object.metadata;
    const key = keyOf(entry, namespace, name);
    if (this.busy === key) {
      // Our own write is under way: its answer says which part of this is ours.
      this.late.set(key, () => this.take(entry, object));
      return;
    }
    const shown = fromServer(entry, object, this.ids);
    const seen = content(shown);
    const known = this.common.get(key);
    const local = store.get(entry.resource, namespace, name);
    const deleting = object.metadata.deletionTimestamp !== undefined;
    const version = versionOf(object);
    // An event from before our own last write would take back what that wrote, and the next one what has changed here since.
    if (known?.uid === uid && version < known.version) return;
    if (!known || known.uid !== uid || !local) {
      this.common.set(key, { seen, base: seen, uid, deleting, version });
      // What the lab has removed meanwhile is removed there, too; it must not come back here first.
      if (known?.uid === uid) this.changed.set(key, { entry, namespace, name });
      else store.adopt(entry.resource, shown);
      return;
    }
    const change = difference(known.seen, seen);
    this.common.set(key, { seen, base: change ? patched(known.base, change) : known.base, uid, deleting, version });
    const next = change ? (patched(content(local), change) as unknown as KubeObject) : undefined;
    store.adopt(entry.resource, {
      ...(next ?? local),
      apiVersion: shown.apiVersion,
      kind: shown.kind,
      metadata: { ...(next ?? local).metadata, ...serverFields(shown), name, ...(namespace ? { namespace } : {}) },
    } as KubeObject);
  }

  private drop(entry: ResourceKind, namespace: string | undefined, name: string, uid: string): void {
    const { store } = this.options;
    const key = keyOf(entry, namespace, name);
    if (this.common.get(key)?.uid !== uid) return;
    this.common.delete(key);
    const local = store.get(entry.resource, namespace, name);
    if (local?.metadata.uid === this.ids.lab(uid)) store.remove(entry.resource, namespace, name);
  }

  /** A list tells by silence what is gone. */
  private dropOthers(entry: ResourceKind, objects: readonly KubeObject[]): void {
    const there = new Set(objects.map(({ metadata }) => keyOf(entry, metadata.namespace, metadata.name)));
    for (const [key, { uid }] of this.common) {
      if (!key.startsWith(`${entry.resource}/`) || there.has(key)) continue;
      const [namespace, name] = placeOf(key);
      this.drop(entry, namespace, name, uid);
    }
  }

  private async writeAll(): Promise<void> {
    const { clock, onError } = this.options;
    const { signal } = this.ended;
    let failures = 0;
    while (!signal.aborted) {
      const next = [...this.changed].find(([, { entry }]) => this.kinds.get(entry.resource)?.version);
      if (!next) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        continue;
      }
      const [key, place] = next;
      this.changed.delete(key);
      this.busy = key;
      let left: Left = 'later';
      try {
        left = await this.writeOne(key, place.entry, place.namespace, place.name);
        if (left !== 'later') failures = 0;
      } catch (error) {
        if (failures === 0) onError(error);
      }
      this.busy = undefined;
      const late = this.late.get(key);
      this.late.delete(key);
      late?.();
      if (left === 'nothing') continue;
      // First in, first out: later changes may need this one.
      const rest = [...this.changed];
      this.changed.clear();
      this.changed.set(key, place);
      for (const [other, where] of rest) this.changed.set(other, where);
      if (left === 'more') continue;
      await sleep(clock, retryMs(failures), signal);
      failures += 1;
    }
  }

  /** @throws Error when the server does not answer. */
  private async writeOne(key: string, entry: ResourceKind, namespace: string | undefined, name: string): Promise<Left> {
    const { store, remote, onError } = this.options;
    const version = this.kinds.get(entry.resource)?.version ?? '';
    const local = store.get(entry.resource, namespace, name);
    const known = this.common.get(key);
    const outcome = await write(remote, { entry, version, namespace, name, local, known, ids: this.ids });
    switch (outcome.kind) {
      case 'nothing':
        return 'nothing';
      case 'again':
        return 'later';
      case 'gone':
        this.common.delete(key);
        // Another one of its name has been waiting for that.
        return local && known && known.uid !== this.ids.server(local.metadata.uid ?? '') ? 'more' : 'nothing';
      case 'refused':
        onError(new Error(`${remote.server} refuses ${local ? objectRef(local) : key}: ${outcome.why}`));
        if (known && local) this.common.set(key, { ...known, base: content(local) });
        return 'nothing';
      case 'written': {
        const uid = outcome.object.metadata.uid ?? '';
        this.ids.pair(local?.metadata.uid, uid);
        const deleting = outcome.object.metadata.deletionTimestamp !== undefined;
        // What the server made of our own part is no change of others; the next event is compared with this.
        const seen = content(fromServer(entry, outcome.object, this.ids));
        this.common.set(key, { seen, base: outcome.base, uid, deleting, version: versionOf(outcome.object) });
        this.adoptIdentity(entry, outcome.object);
        return outcome.more ? 'more' : 'nothing';
      }
    }
  }

  /** Generation and times are the server's from the first answer on. */
  private adoptIdentity(entry: ResourceKind, object: KubeObject): void {
    const { store } = this.options;
    const shown = fromServer(entry, object, this.ids);
    const newest = store.get(entry.resource, object.metadata.namespace, object.metadata.name);
    if (newest?.metadata.uid !== shown.metadata.uid || !newest) return;
    store.adopt(entry.resource, { ...newest, metadata: { ...newest.metadata, ...serverFields(shown) } });
  }
}

/** Of one object they grow; 0: the server tells none. */
const versionOf = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion ?? 0) || 0;

const keyOf = (entry: ResourceKind, namespace: string | undefined, name: string): string =>
  `${entry.resource}/${namespace ?? ''}/${name}`;

function placeOf(key: string): [namespace: string | undefined, name: string] {
  const [, namespace = '', name = ''] = key.split('/');
  return [namespace || undefined, name];
}
