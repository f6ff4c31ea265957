import type { KubeObject } from '../../base/kubernetes.js';
import { resourceFor } from '../control/resources.js';
import type { Store } from '../control/store.js';
import { type Admission, istioAdmission } from './admission.js';
import { commit } from './commit.js';
import { badRequest } from './status.js';

/**
 * The object as the API server would store it if a client created it now: unknown fields dropped, defaults filled in, checked by
 * the server and by Istio's webhook. For objects that a lab starts with, so that a later `kubectl apply` of the same file
 * changes nothing. Nothing is stored; a namespaced object without a namespace belongs to `default`.
 * @returns the object and what the client would have been warned of.
 * @throws ApiStatusError when the cluster does not serve the kind, or would refuse the object.
 */
export function admitted(
  store: Store,
  object: KubeObject,
  options: { readonly now?: () => Date; readonly admission?: Admission } = {},
): { readonly object: KubeObject; readonly warnings: readonly string[] } {
  const { apiVersion, kind } = object;
  const entry = resourceFor(apiVersion, kind);
  if (!entry) throw badRequest(`no matches for kind "${kind}" in version "${apiVersion}"`);
  const { namespace = 'default', ...metadata } = object.metadata;
  const wanted = entry.namespaced ? { ...object, metadata: { ...metadata, namespace } } : { ...object, metadata };
  const request = {
    entry,
    apiVersion,
    namespace: entry.namespaced ? namespace : undefined,
    name: metadata.name,
    subresource: undefined,
    rest: '',
    method: 'POST',
    query: new URLSearchParams({ dryRun: 'All', fieldManager: 'weighbridge-lab' }),
    accept: '',
    contentType: '',
    userAgent: '',
    body: undefined,
  };
  const context = { store, admission: options.admission ?? istioAdmission, now: options.now ?? (() => new Date()) };
  const result = commit(context, request, { before: undefined, wanted });
  const { creationTimestamp } = object.metadata;
  if (!creationTimestamp) return result;
  return { ...result, object: { ...result.object, metadata: { ...result.object.metadata, creationTimestamp } } };
}
