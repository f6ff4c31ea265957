import type { KubeObject } from '../../base/kubernetes.js';
import { RESOURCES, type ResourceKind } from '../control/resources.js';
import type { Store } from '../control/store.js';
import { isDryRun } from './commit.js';
import { type ApiContext, type ApiRequest, type ApiResponse, inVersion, timestamp } from './context.js';
import { isDict } from './lists.js';
import { existing, selected } from './read.js';
import { ApiStatusError, badRequest, conflict } from './status.js';

interface Options {
  readonly orphan: boolean;
  readonly dryRun: boolean;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

const POLICIES = ['Background', 'Foreground', 'Orphan'];

function optionsOf(request: ApiRequest): Options {
  const body = isDict(request.body) ? request.body : {};
  const policy = body.propagationPolicy ?? request.query.get('propagationPolicy') ?? 'Background';
  if (!POLICIES.includes(String(policy))) {
    throw badRequest(
      `propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: ${POLICIES.join(', ')}`,
    );
  }
  const preconditions = isDict(body.preconditions) ? body.preconditions : {};
  const dryRun = Array.isArray(body.dryRun) && body.dryRun.includes('All');
  return {
    orphan: policy === 'Orphan' || body.orphanDependents === true,
    dryRun: dryRun || isDryRun(request),
    uid: typeof preconditions.uid === 'string' ? preconditions.uid : undefined,
    resourceVersion: typeof preconditions.resourceVersion === 'string' ? preconditions.resourceVersion : undefined,
  };
}

/** Deletes what the removed object owned, or with `orphan` and for objects with further owners only cuts the reference. */
function releaseDependents(context: ApiContext, owner: KubeObject, orphan: boolean): void {
  for (const entry of RESOURCES) {
    for (const object of context.store.list(entry.resource)) {
      const owners = object.metadata.ownerReferences;
      if (!owners?.some(({ uid }) => uid === owner.metadata.uid)) continue;
      const others = owners.filter(({ uid }) => uid !== owner.metadata.uid);
      if (others.length === 0 && !orphan) {
        removeOne(context, entry, object, orphan);
        continue;
      }
      const { ownerReferences: _, ...metadata } = object.metadata;
      context.store.put(entry.resource, {
        ...object,
        metadata: others.length > 0 ? { ...metadata, ownerReferences: others } : metadata,
      });
    }
  }
}

/** @returns whether the object is gone; with finalizers it is only marked and goes when the last one is taken off. */
function removeOne(context: ApiContext, entry: ResourceKind, object: KubeObject, orphan: boolean): boolean {
  const { name, namespace, finalizers } = object.metadata;
  if (Array.isArray(finalizers) && finalizers.length > 0) {
    const deletionTimestamp = object.metadata.deletionTimestamp ?? timestamp(context.now());
    context.store.put(entry.resource, { ...object, metadata: { ...object.metadata, deletionTimestamp } });
    return false;
  }
  // The owner goes first: a controller that sees its dependent vanish must not put it back.
  if (!context.store.remove(entry.resource, namespace, name)) return true;
  releaseDependents(context, object, orphan);
  return true;
}

/** Owners before what they own, so that controllers have nothing left to reconcile. */
function contentsOf(store: Store, namespace: string): { entry: ResourceKind; object: KubeObject }[] {
  const all = RESOURCES.filter(({ namespaced }) => namespaced).flatMap((entry) =>
    store.list(entry.resource, namespace).map((object) => ({ entry, object })),
  );
  const owned = ({ object }: { object: KubeObject }) => Number((object.metadata.ownerReferences ?? []).length > 0);
  return all.sort((a, b) => owned(a) - owned(b));
}

/**
 * Deletes a namespace with everything in it, at once. Finalizers do not hold it up: nothing in the embedded cluster would ever
 * take them off.
 */
function removeNamespace(context: ApiContext, namespace: KubeObject): void {
  const { name } = namespace.metadata;
  context.store.put('namespaces', {
    ...namespace,
    metadata: { ...namespace.metadata, deletionTimestamp: timestamp(context.now()) },
    status: { ...namespace.status, phase: 'Terminating' },
  });
  for (const { entry, object } of contentsOf(context.store, name)) {
    context.store.remove(entry.resource, name, object.metadata.name);
  }
  context.store.remove('namespaces', undefined, name);
  for (const { entry, object } of contentsOf(context.store, name)) {
    context.store.remove(entry.resource, name, object.metadata.name);
  }
}

const PROTECTED = new Set(['default', 'kube-system']);

export function remove(context: ApiContext, request: ApiRequest): ApiResponse {
  const { entry } = request;
  const object = existing(context, request);
  const options = optionsOf(request);
  const { name, uid, resourceVersion } = object.metadata;
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(entry, name, `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(entry, name, why);
  }
  if (entry.resource === 'namespaces' && PROTECTED.has(name)) {
    throw new ApiStatusError(403, 'Forbidden', `namespaces "${name}" is forbidden: this namespace may not be deleted`);
  }
  if (!options.dryRun) {
    if (entry.resource === 'namespaces') removeNamespace(context, object);
    else removeOne(context, entry, object, options.orphan);
  }
  const kept = context.store.get(entry.resource, request.namespace, name);
  if (kept && !options.dryRun) return { status: 200, body: inVersion(request, kept) };
  const details = { name, ...(entry.group ? { group: entry.group } : {}), kind: entry.plural, uid };
  return { status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

export function removeCollection(context: ApiContext, request: ApiRequest): ApiResponse {
  const options = optionsOf(request);
  if (request.entry.resource === 'namespaces') {
    throw new ApiStatusError(
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
    );
  }
  const objects = selected(context, request);
  if (!options.dryRun) for (const object of objects) removeOne(context, request.entry, object, options.orphan);
  const metadata = { resourceVersion: String(context.store.resourceVersion) };
  const items = objects.map((object) => inVersion(request, object));
  return { status: 200, body: { kind: `${request.entry.kind}List`, apiVersion: request.apiVersion, metadata, items } };
}
