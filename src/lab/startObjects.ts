import { EnvironmentError } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { httpRequest } from '../cluster/http.js';
import { resourceFor } from './control/resources.js';

/** One request with a JSON body; `body` of the answer is parsed. */
type SendRequest = (method: string, path: string, body: unknown) => Promise<{ status: number; body: unknown }>;

/** Requests to the lab's own API server. */
export const sendTo =
  (apiUrl: string): SendRequest =>
  async (method, path, body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await httpRequest(new URL(apiUrl + path), {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: JSON.parse(answer.text) };
  };

/** Pods are scheduled as soon as they are there. */
const FIRST = ['Namespace', 'Node'];

/** An object that the API server does not take. */
export interface Refusal {
  /** As it was given. */
  readonly object: KubeObject;
  /** The server's words. */
  readonly message: string;
  /** Path of the field that it names, such as `spec.http[0].route`. */
  readonly field?: string;
}

/** Every object that the API server refused at the start. */
export class ObjectsRefused extends EnvironmentError {
  readonly refusals: readonly Refusal[];

  constructor(refusals: readonly Refusal[]) {
    const text = refusals.map(({ object, message }) => `${objectRef(object)}: ${message}`).join('\n');
    super('E_LAB_OBJECTS', text, 'the lab starts only with objects that a cluster would accept');
    this.refusals = refusals;
  }
}

/**
 * Creates objects through the API server, as `kubectl apply` would: with defaults and admission, and annotated with what was applied, so
 * that a later `kubectl apply` can tell which fields are gone. Namespaces come first; one that is named but not brought is created.
 * @param request sends one request to the API server.
 * @param present what becomes of objects that are there already: they stay as they are, or what is brought is laid over them. Of namespaces
 * always the latter: the `default` one is there in any case, and its labels decide who gets a sidecar.
 * @returns objects of kinds that the lab does not serve; they are left out.
 * @throws ObjectsRefused
 */
export async function applyStartObjects(
  request: SendRequest,
  objects: readonly KubeObject[],
  present: 'kept' | 'changed' = 'changed',
): Promise<KubeObject[]> {
  const placed = objects.map((object) => {
    const namespaced = resourceFor(object.apiVersion, object.kind)?.namespaced;
    return namespaced && object.metadata.namespace === undefined
      ? { ...object, metadata: { ...object.metadata, namespace: 'default' } }
      : object;
  });
  const named = new Set(placed.flatMap(({ metadata: { namespace } }) => namespace ?? []));
  for (const { kind, metadata } of placed) if (kind === 'Namespace') named.delete(metadata.name);
  const implied = [...named].map((name): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const ordered = [
    ...implied,
    ...placed.filter(({ kind }) => FIRST.includes(kind)),
    ...placed.filter(({ kind }) => !FIRST.includes(kind)),
  ];

  const unknown: KubeObject[] = [];
  const refusals: Refusal[] = [];
  for (const object of ordered) {
    const kind = resourceFor(object.apiVersion, object.kind);
    if (!kind) {
      unknown.push(object);
      continue;
    }
    const base = kind.group ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    const scope = kind.namespaced ? `/namespaces/${object.metadata.namespace}` : '';
    const path = `${base}${scope}/${kind.plural}`;
    const created = await request('POST', `${path}?${MANAGER}`, asApplied(object));
    const there = created.status === 409;
    const stays = implied.includes(object) || (present === 'kept' && kind.resource !== 'namespaces');
    if (there && stays) continue;
    const answer = there ? await laidOver(request, `${path}/${object.metadata.name}`, object) : created;
    if (answer.status >= 300) refusals.push(refusalOf(object, answer));
  }
  if (refusals.length > 0) throw new ObjectsRefused(refusals);
  return unknown;
}

const MANAGER = 'fieldManager=kubectl-client-side-apply';

async function laidOver(request: SendRequest, path: string, object: KubeObject): ReturnType<SendRequest> {
  const found = await request('GET', path, undefined);
  if (found.status >= 300) return found;
  const { metadata: live, ...rest } = found.body as KubeObject;
  const { metadata, ...wanted } = asApplied(object);
  const labels = { ...live.labels, ...metadata.labels };
  const annotations = { ...live.annotations, ...metadata.annotations };
  return request('PUT', `${path}?${MANAGER}`, { ...rest, ...wanted, metadata: { ...live, labels, annotations } });
}

function refusalOf(object: KubeObject, { status, body }: Awaited<ReturnType<SendRequest>>): Refusal {
  const { message, details } = (body ?? {}) as { message?: string; details?: { causes?: { field?: string }[] } };
  const field = details?.causes?.[0]?.field;
  return { object, message: message ?? `status ${status}`, ...(field ? { field } : {}) };
}

function asApplied(object: KubeObject): KubeObject {
  const { annotations = {}, ...metadata } = object.metadata;
  const applied = JSON.stringify({ ...object, metadata: { annotations, ...metadata } });
  return {
    ...object,
    metadata: {
      ...metadata,
      annotations: { ...annotations, 'kubectl.kubernetes.io/last-applied-configuration': `${applied}\n` },
    },
  };
}
