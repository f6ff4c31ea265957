import type { KubeObject } from '../../base/kubernetes.js';
import { columnsOf } from './columns.js';
import { type ApiContext, type ApiRequest, type ApiResponse, definitionOf, inVersion } from './context.js';
import { pageOf, sorted } from './pages.js';
import { fieldSelector, labelSelector, type Predicate } from './selectors.js';
import { notFound } from './status.js';
import { asPartial, asTable, representation } from './tables.js';

/** Both selectors of a request, and the name for requests such as `DELETE /pods?fieldSelector=metadata.name=x`. */
export function selectorOf(request: Pick<ApiRequest, 'query' | 'entry'>): Predicate {
  const labels = labelSelector(request.query.get('labelSelector'));
  const fields = fieldSelector(request.query.get('fieldSelector'), request.entry.kind);
  return (object) => labels(object) && fields(object);
}

/** The stored object that a request names. @throws ApiStatusError 404. */
export function existing(context: ApiContext, request: ApiRequest): KubeObject {
  const name = request.name ?? '';
  const object = context.store.get(request.entry.resource, request.namespace, name);
  if (!object) throw notFound(request.entry, name);
  return object;
}

/** The objects that a deletecollection names, by namespace and name. */
export const selected = (context: ApiContext, request: ApiRequest): KubeObject[] =>
  sorted(context.store.list(request.entry.resource, request.namespace).filter(selectorOf(request)));

/** One object in the representation that `Accept` asks for. */
export function presentOne(context: ApiContext, request: ApiRequest, object: KubeObject): Record<string, unknown> {
  const shape = representation(request.accept);
  const shown = inVersion(request, object);
  if (shape === 'Table') {
    return asTable(columnsOf(request.entry, definitionOf(context, request)), [shown], {
      now: context.now(),
      metadata: { resourceVersion: object.metadata.resourceVersion ?? '' },
      include: request.query.get('includeObject'),
    });
  }
  return shape === 'PartialObjectMetadata' ? asPartial(shown) : shown;
}

export function get(context: ApiContext, request: ApiRequest): ApiResponse {
  return { status: 200, body: presentOne(context, request, existing(context, request)) };
}

/** Items of a list: those of custom kinds carry apiVersion and kind, those of built-in ones do not. */
export const shownItems = (request: ApiRequest, objects: readonly KubeObject[]): Record<string, unknown>[] =>
  objects.map((object) => {
    const { apiVersion, kind, ...item } = inVersion(request, object);
    return request.entry.custom ? { apiVersion, kind, ...item } : item;
  });

/** Lists what matches, in pages where `limit` asks for them. */
export function list(context: ApiContext, request: ApiRequest): ApiResponse {
  const { objects, metadata } = pageOf(context, request, selectorOf(request));
  const items = objects.map((object) => inVersion(request, object));
  const shape = representation(request.accept);
  if (shape === 'Table') {
    const include = request.query.get('includeObject');
    const columns = columnsOf(request.entry, definitionOf(context, request));
    return { status: 200, body: asTable(columns, items, { now: context.now(), metadata, include }) };
  }
  if (shape === 'PartialObjectMetadata') {
    const body = {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: items.map(asPartial),
    };
    return { status: 200, body };
  }
  return {
    status: 200,
    body: {
      kind: `${request.entry.kind}List`,
      apiVersion: request.apiVersion,
      metadata,
      items: shownItems(request, objects),
    },
  };
}
