import type { KubeObject, ObjectMeta } from '../../base/kubernetes.js';
import { type ResourceKind, storedApiVersion } from '../control/resources.js';
import { type ApiContext, type ApiRequest, definitionOf, timestamp } from './context.js';
import { withDefaults } from './defaults.js';
import { isDict } from './lists.js';
import { afterUpdate, type Manager, type Ownership, readManaged, writeManaged } from './managed.js';
import { badRequest, conflict, type FieldError, invalid } from './status.js';
import { checkFields, type FieldValidation, validationError } from './validate.js';

/** One write on its way into the store. */
export interface Change {
  readonly before: KubeObject | undefined;
  /** The whole object as the writer wants it. */
  readonly wanted: KubeObject;
  /** Who owns which fields afterwards; undefined for a plain write, where it follows from the difference. */
  readonly owners?: readonly Ownership[];
  readonly subresource?: string | undefined;
}

/** `dryRun=All`. @throws ApiStatusError 422 for any other value. */
export function isDryRun(request: Pick<ApiRequest, 'query'>): boolean {
  const values = request.query.getAll('dryRun').filter((value) => value !== '');
  const wrong = values.find((value) => value !== 'All');
  if (wrong === undefined) return values.length > 0;
  const message = `${JSON.stringify([wrong])}: Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`;
  throw invalid('meta.k8s.io', 'UpdateOptions', '', [{ type: 'Invalid', field: 'dryRun', message }]);
}

/** `fieldManager`, else the program's name in `User-Agent`, as the API server does. */
export function managerOf(request: ApiRequest, operation: Manager['operation']): Manager {
  const name = request.query.get('fieldManager') || request.userAgent.split('/')[0] || 'unknown';
  if (name.length > 128) throw badRequest('fieldManager: may not be more than 128 bytes');
  return { name, operation, subresource: request.subresource };
}

export function fieldValidation(request: ApiRequest): FieldValidation {
  const mode = request.query.get('fieldValidation') || 'Warn';
  if (mode === 'Strict' || mode === 'Warn' || mode === 'Ignore') return mode;
  throw badRequest(`fieldValidation: Unsupported value: "${mode}": supported values: "Ignore", "Strict", "Warn"`);
}

/** Identity and times belong to the server: they come from the stored object, whatever the writer sent. */
function ownMetadata(entry: ResourceKind, wanted: ObjectMeta, before: KubeObject | undefined): ObjectMeta {
  const {
    uid: _,
    resourceVersion: __,
    generation: ___,
    creationTimestamp: ____,
    deletionTimestamp: _____,
    selfLink: ______,
    namespace,
    ...given
  } = wanted;
  const was = before?.metadata;
  return {
    ...given,
    ...(entry.namespaced && namespace !== undefined ? { namespace } : {}),
    ...(was?.uid ? { uid: was.uid } : {}),
    ...(was?.resourceVersion ? { resourceVersion: was.resourceVersion } : {}),
    ...(was?.generation ? { generation: was.generation } : {}),
    ...(was?.creationTimestamp ? { creationTimestamp: was.creationTimestamp } : {}),
    ...(was?.deletionTimestamp ? { deletionTimestamp: was.deletionTimestamp } : {}),
  };
}

const INITIAL_STATUS: Readonly<Record<string, Record<string, unknown>>> = {
  Pod: { phase: 'Pending', qosClass: 'BestEffort' },
  Namespace: { phase: 'Active' },
  Service: { loadBalancer: {} },
};

function initialStatus(object: KubeObject): Record<string, unknown> {
  if (object.kind !== 'CustomResourceDefinition') return INITIAL_STATUS[object.kind] ?? {};
  const lastTransitionTime = object.metadata.creationTimestamp ?? timestamp(new Date());
  const holds = (type: string, reason: string, message: string) => ({
    ...{ type, status: 'True', reason, message, lastTransitionTime },
  });
  const versions = (object.spec?.versions ?? []) as { name: string; storage?: boolean }[];
  return {
    conditions: [
      holds('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      holds('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: object.spec?.names,
    storedVersions: versions.filter(({ storage }) => storage).map(({ name }) => name),
  };
}

/** The main resource never changes `status`, the status subresource nothing else. */
function separateStatus(entry: ResourceKind, { wanted, before, subresource }: Change): KubeObject {
  if (subresource === 'status' && before) {
    const { managedFields } = wanted.metadata;
    const metadata = managedFields === undefined ? before.metadata : { ...before.metadata, managedFields };
    return { ...before, metadata, ...(wanted.status ? { status: wanted.status } : {}) };
  }
  if (!entry.status) return wanted;
  const { status: _, ...rest } = wanted;
  const status = before ? before.status : entry.custom ? undefined : initialStatus(wanted);
  return status === undefined ? rest : { ...rest, status };
}

const isHeld = (object: KubeObject | undefined): boolean => !isEmpty(object?.metadata.finalizers ?? []);

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** Empty maps and lists of metadata and content are as good as absent (Go's `omitempty`). */
function withoutEmpty(entry: ResourceKind, object: KubeObject): KubeObject {
  const metadata: ObjectMeta = { ...object.metadata };
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'])
    if (isEmpty(metadata[field])) delete metadata[field];
  const result: KubeObject = { ...object, metadata };
  if (!entry.custom)
    for (const field of ['data', 'binaryData', 'stringData']) if (isEmpty(result[field])) delete result[field];
  return result;
}

function checkPreconditions(entry: ResourceKind, wanted: KubeObject, before: KubeObject | undefined): void {
  const { name, resourceVersion, uid } = wanted.metadata;
  if (!before) {
    if (resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
    return;
  }
  if (uid && uid !== before.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`;
    throw conflict(entry, name, why);
  }
  if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(entry, name, why);
  }
}

function takenIps(context: ApiContext, own: KubeObject): ReadonlySet<string> {
  const others = context.store.list('services').filter(({ metadata }) => metadata.uid !== own.metadata.uid);
  return new Set(others.map(({ spec }) => String(spec?.clusterIP ?? '')));
}

/** What the server allots to a new Service belongs to nobody. */
function withoutAllocated(object: KubeObject, wanted: KubeObject): KubeObject {
  if (object.kind !== 'Service' || !object.spec) return object;
  const spec = { ...object.spec };
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'])
    if (wanted.spec?.[field] === undefined) delete spec[field];
  return { ...object, spec };
}

function withManagedFields(context: ApiContext, request: ApiRequest, change: Change, object: KubeObject): KubeObject {
  const { before, wanted, owners } = change;
  // The API server writes no time for a scale.
  const time = change.subresource === 'scale' ? undefined : timestamp(context.now());
  const given = readManaged(wanted.metadata.managedFields ?? before?.metadata.managedFields);
  const writer = { manager: managerOf(request, 'Update'), apiVersion: request.apiVersion, time };
  const written = change.before ? object : withoutAllocated(object, wanted);
  const managedFields = writeManaged(owners ?? afterUpdate(request.entry, given, before, written, writer));
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: managedFields.length > 0 ? { ...metadata, managedFields } : metadata };
}

/**
 * Takes a write through fields, preconditions, defaults, validation, admission and ownership into the store, or with
 * `dryRun=All` up to its door.
 * @returns the object as stored (or as it would be) and warnings for the client.
 * @throws ApiStatusError 400, 409, 422 and whatever admission says.
 */
export function commit(
  context: ApiContext,
  request: ApiRequest,
  change: Change,
): { readonly object: KubeObject; readonly warnings: readonly string[] } {
  const { entry } = request;
  const { before } = change;
  const wanted = { ...change.wanted, apiVersion: request.apiVersion };
  const checked = checkFields(entry, wanted, fieldValidation(request), definitionOf(context, request));
  checkPreconditions(entry, checked.object, before);
  const identified: KubeObject = {
    ...checked.object,
    apiVersion: storedApiVersion(entry),
    kind: entry.kind,
    metadata: ownMetadata(entry, checked.object.metadata, before),
  };
  const separated = withoutEmpty(entry, separateStatus(entry, { ...change, wanted: identified }));
  const main = change.subresource !== 'status';
  const complete = main ? withDefaults(entry, separated, () => takenIps(context, identified)) : separated;
  const fault = main ? validationError(entry, complete, before) : undefined;
  if (fault) throw fault;
  const said = main ? context.admission(entry.resource, complete, before ? 'UPDATE' : 'CREATE') : [];
  const object = withManagedFields(context, request, change, complete);
  const warnings = [...checked.warnings, ...(said ?? [])];
  if (isDryRun(request)) return { object: context.store.preview(entry.resource, object), warnings };
  const { deletionTimestamp, deletionGracePeriodSeconds, namespace, name } = object.metadata;
  const freed = isHeld(before) && !isHeld(object);
  if (deletionTimestamp && freed && !deletionGracePeriodSeconds) {
    // The last finalizer is off: the object ends without having changed once more.
    const last = context.store.preview(entry.resource, object);
    context.store.remove(entry.resource, namespace, name);
    return { object: last, warnings };
  }
  return { object: context.store.put(entry.resource, object), warnings };
}

/**
 * Checks a body against the path: apiVersion, kind, name and namespace must agree or be left out.
 * @throws ApiStatusError 400.
 */
export function bodyObject(request: ApiRequest): KubeObject {
  const { body, entry, apiVersion, name, namespace } = request;
  if (!isDict(body)) throw badRequest('the object provided is unrecognized (must be of type Object)');
  const given = body.metadata === undefined || body.metadata === null ? {} : body.metadata;
  if (!isDict(given)) throw badRequest('metadata must be an object');
  for (const field of ['name', 'namespace', 'generateName', 'resourceVersion', 'uid'] as const) {
    const value = given[field];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw badRequest(`json: cannot unmarshal ${typeof value} into field metadata.${field} of type string`);
    }
  }
  if (entry.custom && (!body.kind || !body.apiVersion)) {
    throw badRequest(`Object '${body.kind ? 'apiVersion' : 'Kind'}' is missing`);
  }
  if (body.kind !== undefined && body.kind !== entry.kind) {
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
    throw badRequest(`${String(body.kind)} in version "${version}" cannot be handled as a ${entry.kind}: kind differs`);
  }
  if (body.apiVersion !== undefined && body.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${String(body.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (namespace !== undefined && given.namespace && given.namespace !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  if (name !== undefined && given.name && given.name !== name) {
    throw badRequest(`the name of the object (${String(given.name)}) does not match the name on the URL (${name})`);
  }
  const metadata = {
    ...given,
    name: String(given.name || (name ?? '')),
    ...(namespace === undefined ? {} : { namespace }),
  } as ObjectMeta;
  return { ...body, apiVersion, kind: entry.kind, metadata };
}

export const required = (entry: ResourceKind, name: string, field: string, message: string): Error => {
  const error: FieldError = { type: 'Required', field, message };
  return invalid(entry.group, entry.kind, name, [error]);
};
