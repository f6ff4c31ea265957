import { randomInt } from 'node:crypto';
import type { KubeObject } from '../../base/kubernetes.js';
import { resourceKind } from '../control/resources.js';
import { serverSideApply } from './apply.js';
import { bodyObject, commit, fieldValidation, managerOf, required } from './commit.js';
import { type ApiContext, type ApiRequest, type ApiResponse, inVersion, timestamp } from './context.js';
import { type Dict, isDict } from './lists.js';
import { readManaged } from './managed.js';
import { APPLY_PATCH, patched } from './patch.js';
import { existing, presentOne } from './read.js';
import { alreadyExists, badRequest, conflict, invalid, notFound } from './status.js';
import { checkFields } from './validate.js';

/** The letters of generated names: no vowels, nothing that reads like another (apimachinery, rand.String). */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const suffix = (): string => Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

function requireNamespace(context: ApiContext, request: ApiRequest): void {
  const { entry, namespace } = request;
  if (!entry.namespaced) return;
  if (namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
  const namespaces = resourceKind('namespaces');
  if (namespaces && !context.store.get('namespaces', undefined, namespace)) throw notFound(namespaces, namespace);
}

export function create(context: ApiContext, request: ApiRequest): ApiResponse {
  const { entry } = request;
  let wanted = bodyObject(request);
  requireNamespace(context, request);
  const prefix = wanted.metadata.generateName;
  if (!wanted.metadata.name && typeof prefix === 'string' && prefix) {
    wanted = { ...wanted, metadata: { ...wanted.metadata, name: prefix + suffix() } };
  }
  const { name, namespace } = wanted.metadata;
  if (!name) throw required(entry, '', 'metadata.name', 'name or generateName is required');
  if (context.store.get(entry.resource, namespace, name)) throw alreadyExists(entry, name);
  const { object, warnings } = commit(context, request, { before: undefined, wanted });
  return { status: 201, body: presentOne(context, request, object), warnings };
}

export function update(context: ApiContext, request: ApiRequest): ApiResponse {
  const before = existing(context, request);
  const wanted = bodyObject(request);
  if (request.entry.custom && !wanted.metadata.resourceVersion) {
    const message = '0x0: must be specified for an update';
    throw invalid(request.entry.group, request.entry.kind, wanted.metadata.name, [
      { type: 'Invalid', field: 'metadata.resourceVersion', message },
    ]);
  }
  const { object, warnings } = commit(context, request, { before, wanted, subresource: request.subresource });
  return { status: 200, body: presentOne(context, request, object), warnings };
}

function apply(context: ApiContext, request: ApiRequest): ApiResponse {
  const { entry, namespace, subresource } = request;
  const name = request.name ?? '';
  if (!request.query.get('fieldManager')) {
    throw invalid('meta.k8s.io', 'PatchOptions', '', [
      { type: 'Required', field: 'fieldManager', message: 'is required for apply patch' },
    ]);
  }
  const sent = bodyObject(request);
  if (sent.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const before = context.store.get(entry.resource, namespace, name);
  if (!before) {
    if (subresource) throw notFound(entry, name);
    requireNamespace(context, request);
  }
  const { resourceVersion } = sent.metadata;
  if (resourceVersion && resourceVersion !== before?.metadata.resourceVersion) {
    throw conflict(
      entry,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
  const { object: applied, warnings: unknown } = checkFields(entry, sent, fieldValidation(request));
  const live = before ?? { apiVersion: request.apiVersion, kind: entry.kind, metadata: sent.metadata };
  const writer = {
    manager: managerOf(request, 'Apply'),
    apiVersion: request.apiVersion,
    time: timestamp(context.now()),
  };
  const owners = readManaged(before?.metadata.managedFields);
  const forced = request.query.get('force') === 'true';
  const merged = serverSideApply(entry, live, applied, owners, writer, forced);
  const change = { before, wanted: merged.object as KubeObject, owners: merged.owners, subresource };
  const { object, warnings } = commit(context, request, change);
  return {
    status: before ? 200 : 201,
    body: presentOne(context, request, object),
    warnings: [...unknown, ...warnings],
  };
}

export function patch(context: ApiContext, request: ApiRequest): ApiResponse {
  if (request.contentType === APPLY_PATCH) return apply(context, request);
  const { entry, subresource } = request;
  const before = existing(context, request);
  const name = request.name ?? '';
  const result = patched(entry, name, inVersion(request, before), request.contentType, request.body);
  const wanted = bodyObject({ ...request, body: result });
  const { object, warnings } = commit(context, request, { before, wanted, subresource });
  return { status: 200, body: presentOne(context, request, object), warnings };
}

function scaleOf(object: KubeObject): Dict {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = isDict(object.spec?.selector) ? object.spec.selector.matchLabels : undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: object.spec?.replicas ?? 0 },
    status: {
      replicas: object.status?.replicas ?? 0,
      selector: Object.entries(isDict(selector) ? selector : {})
        .map(([key, value]) => `${key}=${String(value)}`)
        .join(','),
    },
  };
}

/** GET, PUT and PATCH of `/scale`: the kind `Scale` of autoscaling/v1 over `spec.replicas`. */
export function scale(context: ApiContext, request: ApiRequest): ApiResponse {
  const before = existing(context, request);
  const live = scaleOf(before);
  if (request.method === 'GET') return { status: 200, body: live };
  // A Scale is no stored kind; its patches know no list keys, so that a merge patch says the same as a strategic one.
  const type = request.contentType.replace('strategic-merge', 'merge');
  const sent =
    request.method === 'PUT' ? request.body : patched(request.entry, before.metadata.name, live, type, request.body);
  const replicas = isDict(sent) && isDict(sent.spec) ? sent.spec.replicas : undefined;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const message = `${JSON.stringify(replicas ?? null)}: must be greater than or equal to 0`;
    throw invalid('autoscaling', 'Scale', before.metadata.name, [{ type: 'Invalid', field: 'spec.replicas', message }]);
  }
  const version = isDict(sent) && isDict(sent.metadata) ? sent.metadata.resourceVersion : undefined;
  const metadata = {
    ...before.metadata,
    resourceVersion: typeof version === 'string' ? version : (before.metadata.resourceVersion ?? ''),
  };
  const wanted: KubeObject = { ...before, metadata, spec: { ...before.spec, replicas } };
  const { object, warnings } = commit(context, request, { before, wanted, subresource: 'scale' });
  return { status: 200, body: scaleOf(object), warnings };
}
