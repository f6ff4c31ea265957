import type { KubeObject } from '../../base/kubernetes.js';
import type { ResourceKind } from '../control/resources.js';
import { isDryRun } from './commit.js';
import { type ApiContext, type ApiRequest, type ApiResponse, inVersion, timestamp } from './context.js';
import { isDict } from './lists.js';
import { existing, selected, shownItems } from './read.js';
import { ApiStatusError, badRequest, conflict, invalid } from './status.js';

interface Options {
  readonly orphan: boolean;
  readonly dryRun: boolean;
  /** Seconds that a pod gets to end; undefined: what its spec says. */
  readonly grace: number | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

const POLICIES = ['Background', 'Foreground', 'Orphan'];

function optionsOf(request: ApiRequest): Options {
  const body = isDict(request.body) ? request.body : {};
  const policy = body.propagationPolicy ?? request.query.get('propagationPolicy') ?? 'Background';
  if (!POLICIES.includes(String(policy))) {
    const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: ${POLICIES.join(', ')}`;
    throw invalid('meta.k8s.io', 'DeleteOptions', '', [{ type: 'NotSupported', field: 'propagationPolicy', message }]);
  }
  const preconditions = isDict(body.preconditions) ? body.preconditions : {};
  const grace = body.gracePeriodSeconds ?? request.query.get('gracePeriodSeconds') ?? undefined;
  if (grace !== undefined && !/^\d{1,9}$/.test(String(grace))) {
    throw badRequest(`gracePeriodSeconds: ${JSON.stringify(grace)} is no number of seconds`);
  }
  const dryRun = Array.isArray(body.dryRun) && body.dryRun.includes('All');
  return {
    orphan: policy === 'Orphan' || body.orphanDependents === true,
    dryRun: dryRun || isDryRun(request),
    grace: grace === undefined ? undefined : Number(grace),
    uid: typeof preconditions.uid === 'string' ? preconditions.uid : undefined,
    resourceVersion: typeof preconditions.resourceVersion === 'string' ? preconditions.resourceVersion : undefined,
  };
}

/** Deletes what the removed object owned, or with `orphan` and for objects with further owners only cuts the reference. */
function releaseDependents(context: ApiContext, owner: KubeObject, options: Options): void {
  for (const entry of context.kinds.all) {
    for (const object of context.store.list(entry.resource)) {
      const owners = object.metadata.ownerReferences;
      if (!owners?.some(({ uid }) => uid === owner.metadata.uid)) continue;
      const others = owners.filter(({ uid }) => uid !== owner.metadata.uid);
      if (others.length === 0 && !options.orphan) {
        removeOne(context, entry, object, options);
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

/** Seconds until a pod is gone; 0 when no kubelet has it: only a pod that is bound to a node needs time to end. */
function graceOf(entry: ResourceKind, { spec }: KubeObject, { grace }: Options): number {
  if (entry.resource !== 'pods' || !spec?.nodeName) return 0;
  if (grace !== undefined) return grace;
  return typeof spec.terminationGracePeriodSeconds === 'number' ? spec.terminationGracePeriodSeconds : 30;
}

/**
 * Removes an object and what it owned. With finalizers it is only marked and goes when the last one is taken off; a running pod
 * is marked too, and its kubelet removes it.
 */
function removeOne(context: ApiContext, entry: ResourceKind, object: KubeObject, options: Options): void {
  const { name, namespace, finalizers } = object.metadata;
  const grace = graceOf(entry, object, options);
  if (grace > 0 || (Array.isArray(finalizers) && finalizers.length > 0)) {
    if (object.metadata.deletionTimestamp) return;
    const deletionTimestamp = timestamp(new Date(context.now().getTime() + grace * 1000));
    const marks = { deletionTimestamp, deletionGracePeriodSeconds: grace };
    context.store.put(entry.resource, { ...object, metadata: { ...object.metadata, ...marks } });
    return;
  }
  // The owner goes first: a controller that sees its dependent vanish must not put it back.
  if (context.store.remove(entry.resource, namespace, name)) releaseDependents(context, object, options);
}

/** Owners before what they own, so that controllers have nothing left to reconcile. */
function contentsOf({ store, kinds }: ApiContext, namespace: string): { entry: ResourceKind; object: KubeObject }[] {
  const all = kinds.all
    .filter(({ namespaced }) => namespaced)
    .flatMap((entry) => store.list(entry.resource, namespace).map((object) => ({ entry, object })));
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
  for (const { entry, object } of contentsOf(context, name)) {
    context.store.remove(entry.resource, name, object.metadata.name);
  }
  context.store.remove('namespaces', undefined, name);
  for (const { entry, object } of contentsOf(context, name)) {
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
    else removeOne(context, entry, object, options);
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
  if (!options.dryRun) for (const object of objects) removeOne(context, request.entry, object, options);
  const metadata = { resourceVersion: String(context.store.resourceVersion) };
  const items = shownItems(request, objects);
  return { status: 200, body: { kind: `${request.entry.kind}List`, apiVersion: request.apiVersion, metadata, items } };
}
