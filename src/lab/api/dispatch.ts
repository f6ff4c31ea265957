import type { ApiContext, ApiRequest, ApiResponse } from './context.js';
import { inVersion } from './context.js';
import { existing, get, list } from './read.js';
import { remove, removeCollection } from './remove.js';
import { scale } from './scale.js';
import { ApiStatusError, methodNotAllowed, unknownPath } from './status.js';
import { create, patch, update } from './write.js';

type Handler = (context: ApiContext, request: ApiRequest) => ApiResponse;

const ON_OBJECT: Readonly<Record<string, Handler>> = { GET: get, PUT: update, PATCH: patch, DELETE: remove };
const ON_STATUS: Readonly<Record<string, Handler>> = { GET: get, PUT: update, PATCH: patch };
const ON_SCALE: Readonly<Record<string, Handler>> = { GET: scale, PUT: scale, PATCH: scale };

function log(context: ApiContext, request: ApiRequest): ApiResponse {
  const { metadata, spec } = existing(context, request);
  const names = (Array.isArray(spec?.containers) ? spec.containers : []).map((c: { name?: string }) => c.name);
  const container = request.query.get('container') ?? undefined;
  if (container !== undefined && !names.includes(container)) {
    throw new ApiStatusError(400, 'BadRequest', `container ${container} is not valid for pod ${metadata.name}`);
  }
  const text = context.podLog(metadata.namespace ?? '', metadata.name, container);
  const tail = request.query.get('tailLines');
  return { status: 200, body: tail === null ? text : lastLines(text, Number(tail)) };
}

const lastLines = (text: string, count: number): string =>
  count > 0
    ? text
        .split(/(?<=\n)/)
        .slice(-count)
        .join('')
    : '';

function evict(context: ApiContext, request: ApiRequest): ApiResponse {
  const { body: _, ...removed } = { ...remove(context, { ...request, body: undefined }) };
  return {
    ...removed,
    status: 201,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
  };
}

const served = (handlers: Readonly<Record<string, Handler>>, method: string): Handler => {
  const handler = handlers[method];
  if (!handler) throw methodNotAllowed();
  return handler;
};

function handlerOf({ entry, name, namespace, subresource, method }: ApiRequest): Handler {
  if (name === undefined) {
    const removable = !entry.namespaced || namespace !== undefined;
    return served({ GET: list, POST: create, ...(removable ? { DELETE: removeCollection } : {}) }, method);
  }
  if (subresource === undefined) return served(ON_OBJECT, method);
  if (subresource === 'status' && entry.status) return served(ON_STATUS, method);
  if (subresource === 'scale' && entry.scale) return served(ON_SCALE, method);
  if (entry.resource === 'pods' && subresource === 'log') return served({ GET: log }, method);
  if (entry.resource === 'pods' && subresource === 'eviction') return served({ POST: evict }, method);
  if (entry.resource === 'namespaces' && subresource === 'finalize') {
    return served(
      { PUT: (context, request) => ({ status: 200, body: inVersion(request, existing(context, request)) }) },
      method,
    );
  }
  throw unknownPath();
}

/** Answers one request for a resource that is no watch and no upgrade. @throws ApiStatusError. */
export function dispatch(context: ApiContext, request: ApiRequest): ApiResponse {
  return handlerOf(request)(context, request);
}
