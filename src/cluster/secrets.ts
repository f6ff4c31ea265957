import type { KubeObject } from '../base/kubernetes.js';

/** Annotations that steer a mesh, and no verdict needs another; `proxy.istio.io/config` may hold environment variables. */
const MESH_ANNOTATION = /^(?!proxy\.istio\.io\/|sidecar\.istio\.io\/status$)([^/]*\.)?(istio|linkerd)\.io\//;
const CONTAINER_LISTS = new Set(['containers', 'initContainers', 'ephemeralContainers']);
const CONTAINER_FIELDS = new Set(['name', 'image', 'ports', 'restartPolicy']);
const CONTENT = new Set(['data', 'stringData', 'binaryData', 'volumes']);
const HIDDEN = '***';

/**
 * The object as a journal may hold it. Left out is what may carry secrets and what no verdict needs: data, everything of a container but
 * name, image and ports, volumes, what containers said when they ended, annotations that do not steer a mesh, and of managed fields all but who wrote when. Values of headers that a
 * route sets are hidden.
 */
export function withoutSecrets(object: KubeObject): KubeObject {
  return scrub(object) as KubeObject;
}

function scrub(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(scrub);
  if (!isRecord(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (CONTENT.has(key) || /containerStatuses$/i.test(key)) continue;
    if (key === 'managedFields') {
      // Who changed the object, and when: Kubernetes' own answer to "something overwrote it".
      if (Array.isArray(item)) kept[key] = item.filter(isRecord).map(writer);
    } else if (key === 'annotations' && isRecord(item)) {
      const steering = Object.entries(item).filter(([name]) => MESH_ANNOTATION.test(name));
      if (steering.length > 0) kept[key] = Object.fromEntries(steering);
    } else if (CONTAINER_LISTS.has(key) && Array.isArray(item)) kept[key] = item.map(scrubContainer);
    else if (key === 'set' || key === 'add') kept[key] = hideHeaders(item);
    else kept[key] = scrub(item);
  }
  return kept;
}

const writer = ({ manager, operation, time, subresource }: Record<string, unknown>) => ({
  manager,
  operation,
  time,
  ...(subresource === undefined ? {} : { subresource }),
});

const scrubContainer = (container: unknown): unknown =>
  isRecord(container)
    ? Object.fromEntries(Object.entries(container).filter(([field]) => CONTAINER_FIELDS.has(field)))
    : container;

/** Istio's `{name: value}`, or the Gateway API's `[{name, value}]`. */
function hideHeaders(headers: unknown): unknown {
  if (Array.isArray(headers)) return headers.map((one) => (isRecord(one) ? { ...one, value: HIDDEN } : one));
  return isRecord(headers) ? Object.fromEntries(Object.keys(headers).map((name) => [name, HIDDEN])) : headers;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
