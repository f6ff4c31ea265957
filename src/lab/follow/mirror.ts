import { setMaxListeners } from 'node:events';
import { type Clock, sleep } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import { objectRef } from '../../base/kubernetes.js';
import { RESOURCES, type ResourceKind } from '../control/resources.js';
import type { Store } from '../control/store.js';
import { difference } from './difference.js';
import { pathOf, type RemoteApi, type RemoteEvent } from './remoteApi.js';
import { content, fromServer, Identifiers } from './shape.js';
import { write } from './write.js';

/** Kinds that nothing in the lab reads: they stay where they are. */
export const LEFT_OUT = new Set(
  'events secrets limitranges resourcequotas persistentvolumes persistentvolumeclaims leases.coordination.k8s.io ingressclasses.networking.k8s.io customresourcedefinitions.apiextensions.k8s.io validatingwebhookconfigurations.admissionregistration.k8s.io mutatingwebhookconfigurations.admissionregistration.k8s.io roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io clusterroles.rbac.authorization.k8s.io clusterrolebindings.rbac.authorization.k8s.io storageclasses.storage.k8s.io priorityclasses.scheduling.k8s.io'.split(
    ' ',
  ),
);

/** How soon a kind that the server does not serve is asked for again: its definition may come. */
const ABSENT_KIND_MS = 2000;
const RETRY_MS = [100, 200, 500, 1000] as const;

/** One object as it was when both sides were last equal. */
interface Common {
  /** As the server showed it. */
  readonly seen: Record<string, unknown>;
  /** As the lab had it. */
  readonly base: Record<string, unknown>;
  /** The server's identifier. */
  readonly uid: string;
  readonly deleting: boolean;
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
  /** The version in which each kind is served; absent while it is not. */
  private readonly versions = new Map<string, string>();
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
    const { store } = this.options;
    const followed = RESOURCES.filter(({ resource }) => !LEFT_OUT.has(resource));
    const begun = await Promise.all(followed.map(async (entry) => ({ entry, version: await this.list(entry) })));
    this.unsubscribe = store.subscribe(({ resource, object }) => {
      const entry = RESOURCES.find((one) => one.resource === resource);
      if (!entry || LEFT_OUT.has(resource)) return;
      const { namespace, name } = object.metadata;
      this.changed.set(keyOf(entry, namespace, name), { entry, namespace, name });
      this.wake?.();
    });
    for (const { entry, version } of begun) this.loops.push(this.follow(entry, version));
    this.loops.push(this.writeAll());
  }

  async close(): Promise<void> {
    this.unsubscribe();
    this.ended.abort();
    this.wake?.();
    await Promise.allSettled(this.loops);
  }

  /** @returns the resourceVersion of the list, or undefined when the kind is not served. */
  private async list(entry: ResourceKind): Promise<string | undefined> {
    const { remote } = this.options;
    for (const version of entry.versions) {
      const { status, body } = await remote.request('GET', pathOf(entry, version));
      if (status === 404) continue;
      if (status !== 200) throw new Error(`${remote.server} answers ${status} to a list of ${entry.plural}`);
      const { items, metadata } = body as { items?: KubeObject[]; metadata: { resourceVersion: string } };
      this.versions.set(entry.resource, version);
      const there = new Set<string>();
      for (const object of items ?? []) {
        there.add(keyOf(entry, object.metadata.namespace, object.metadata.name));
        this.take(entry, object);
      }
      for (const [key, { uid }] of this.common) {
        if (!key.startsWith(`${entry.resource}/`) || there.has(key)) continue;
        const [namespace, name] = placeOf(key);
        this.drop(entry, namespace, name, uid);
      }
      return metadata.resourceVersion;
    }
    this.versions.delete(entry.resource);
    return undefined;
  }

  private async follow(entry: ResourceKind, first: string | undefined): Promise<void> {
    const { remote, clock } = this.options;
    const { signal } = this.ended;
    let version = first;
    let failures = 0;
    while (!signal.aborted) {
      try {
        version ??= await this.list(entry);
        if (version === undefined) {
          failures = 0;
          await sleep(clock, ABSENT_KIND_MS, signal);
          continue;
        }
        const path = pathOf(entry, this.versions.get(entry.resource) ?? '');
        const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${version}`;
        const onEvent = (event: RemoteEvent) => {
          version = this.event(entry, event, version);
        };
        await remote.watch(`${path}?${query}`, onEvent, signal);
        failures = 0;
      } catch {
        // It may come back; what was missed is in the watch from the last version, or in a new list.
        await sleep(clock, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1000, signal);
        failures += 1;
        if (failures % 5 === 0) version = undefined;
      }
    }
  }

  /** @returns the version to go on from; undefined: only a new list helps. */
  private event(entry: ResourceKind, { type, object }: RemoteEvent, version: string | undefined): string | undefined {
    if (type === 'ERROR') return undefined;
    if (type === 'DELETED') {
      const { namespace, name, uid = '' } = object.metadata;
      this.drop(entry, namespace, name, uid);
    } else if (type !== 'BOOKMARK') this.take(entry, object);
    return object.metadata.resourceVersion ?? version;
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
    if (!known || known.uid !== uid || !local) {
      this.common.set(key, { seen, base: seen, uid, deleting });
      // What the lab has removed meanwhile is removed there, too; it must not come back here first.
      if (known?.uid === uid) this.changed.set(key, { entry, namespace, name });
      else store.adopt(entry.resource, shown);
      return;
    }
    const change = difference(known.seen, seen);
    this.common.set(key, { seen, base: change ? patched(known.base, change) : known.base, uid, deleting });
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

  private async writeAll(): Promise<void> {
    const { clock, onError } = this.options;
    const { signal } = this.ended;
    let failures = 0;
    while (!signal.aborted) {
      const next = [...this.changed].find(([, { entry }]) => this.versions.has(entry.resource));
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
      await sleep(clock, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1000, signal);
      failures += 1;
    }
  }

  /** @throws Error when the server does not answer. */
  private async writeOne(key: string, entry: ResourceKind, namespace: string | undefined, name: string): Promise<Left> {
    const { store, remote, onError } = this.options;
    const version = this.versions.get(entry.resource) ?? '';
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
        this.common.set(key, { seen, base: outcome.base, uid, deleting });
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

const keyOf = (entry: ResourceKind, namespace: string | undefined, name: string): string =>
  `${entry.resource}/${namespace ?? ''}/${name}`;

function placeOf(key: string): [namespace: string | undefined, name: string] {
  const [, namespace = '', name = ''] = key.split('/');
  return [namespace || undefined, name];
}

function serverFields({ metadata }: KubeObject): Partial<KubeObject['metadata']> {
  const { uid, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return {
    ...(uid ? { uid } : {}),
    ...(generation ? { generation } : {}),
    ...(creationTimestamp ? { creationTimestamp } : {}),
    ...(deletionTimestamp ? { deletionTimestamp, deletionGracePeriodSeconds } : {}),
  };
}

type Dict = Record<string, unknown>;
const isDict = (value: unknown): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7396 on a copy. */
function patched(target: Dict, patch: Dict): Dict {
  const result: Dict = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (isDict(value)) result[key] = patched(isDict(result[key]) ? result[key] : {}, value);
    else result[key] = value;
  }
  return result;
}
