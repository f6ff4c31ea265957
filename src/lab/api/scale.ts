import type { KubeObject } from '../../base/kubernetes.js';
import type { CustomDefinition } from '../control/definitions.js';
import { commit } from './commit.js';
import { type ApiContext, type ApiRequest, type ApiResponse, definitionOf } from './context.js';
import { valuesAt } from './jsonPath.js';
import { type Dict, isDict } from './lists.js';
import { patched } from './patch.js';
import { existing } from './read.js';
import { invalid } from './status.js';

type Paths = NonNullable<CustomDefinition['scale']>;

const BUILT_IN: Paths = { spec: '.spec.replicas', status: '.status.replicas', selector: undefined };

const countAt = (object: KubeObject, path: string): number => {
  const [value] = valuesAt(object, path);
  return typeof value === 'number' ? value : 0;
};

function selectorText(object: KubeObject, paths: Paths): string {
  if (paths.selector) return String(valuesAt(object, paths.selector)[0] ?? '');
  const selector = isDict(object.spec?.selector) ? object.spec.selector.matchLabels : undefined;
  return Object.entries(isDict(selector) ? selector : {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',');
}

function scaleOf(object: KubeObject, paths: Paths): Dict {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const [replicas, selector] = [countAt(object, paths.spec), selectorText(object, paths)];
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: countAt(object, paths.status), ...(selector ? { selector } : {}) },
  };
}

/** The object with a value at a path of plain fields. */
function withValue(object: Dict, [field = '', ...rest]: readonly string[], value: unknown): Dict {
  const inner = object[field];
  return { ...object, [field]: rest.length === 0 ? value : withValue(isDict(inner) ? inner : {}, rest, value) };
}

/** GET, PUT and PATCH of `/scale`: the kind `Scale` of autoscaling/v1 over `spec.replicas`, or what a definition says. */
export function scale(context: ApiContext, request: ApiRequest): ApiResponse {
  const before = existing(context, request);
  const paths = definitionOf(context, request)?.scale ?? BUILT_IN;
  const live = scaleOf(before, paths);
  if (request.method === 'GET') return { status: 200, body: live };
  // A Scale is no stored kind; its patches know no list keys, so that a merge patch says the same as a strategic one.
  const type = request.contentType.replace('strategic-merge', 'merge');
  const sent =
    request.method === 'PUT' ? request.body : patched(request.entry, before.metadata.name, live, type, request.body);
  // Zero is not written in a Scale.
  const replicas = (isDict(sent) && isDict(sent.spec) ? sent.spec.replicas : undefined) ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const message = `${JSON.stringify(replicas)}: must be greater than or equal to 0`;
    throw invalid('autoscaling', 'Scale', before.metadata.name, [{ type: 'Invalid', field: 'spec.replicas', message }]);
  }
  const version = isDict(sent) && isDict(sent.metadata) ? sent.metadata.resourceVersion : undefined;
  const metadata = {
    ...before.metadata,
    resourceVersion: typeof version === 'string' ? version : (before.metadata.resourceVersion ?? ''),
  };
  const wanted = { ...withValue(before, paths.spec.split('.').slice(1), replicas), metadata } as KubeObject;
  const { object, warnings } = commit(context, request, { before, wanted, subresource: 'scale' });
  return { status: 200, body: scaleOf(object, paths), warnings };
}
