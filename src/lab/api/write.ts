import { randomInt } from 'node:crypto';
import type { KubeObject } from '../../base/kubernetes.js';
import { resourceKind } from '../control/resources.js';
import { serverSideApply } from './apply.js';
import { bodyObject, commit, fieldValidation, managerOf, required } from './commit.js';
import { type ApiContext, type ApiRequest, type ApiResponse, definitionOf, inVersion, timestamp } from './context.js';
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
    const message = '0: must be specified for an update';
    // Named by its plural, other than in every other refusal.
    throw invalid(request.entry.group, request.entry.plural, wanted.metadata.name, [
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
  const { object: applied, warnings: unknown } = checkFields(
    entry,
    sent,
    fieldValidation(request),
    definitionOf(context, request),
  );
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
