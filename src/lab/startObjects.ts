import { type Clock, sleep } from '../base/clock.js';
import { EnvironmentError } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { httpRequest } from '../cluster/http.js';
import { definedKinds } from './control/definitions.js';
import type { ResourceKind } from './control/resources.js';

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

/** What others of the objects need: pods are scheduled as soon as they are there, and kinds must be defined. */
const FIRST = ['Namespace', 'Node', 'CustomResourceDefinition'];

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
 * that a later `kubectl apply` can tell which fields are gone. Namespaces come first; one that is named but not brought is created. So do
 * definitions of custom resources, whose kinds are then waited for.
 * @param request sends one request to the API server.
 * @param clock for the time that a server takes to serve a kind that was just defined.
 * @param present what becomes of objects that are there already: they stay as they are, or what is brought is laid over them. Of namespaces
 * always the latter: the `default` one is there in any case, and its labels decide who gets a sidecar.
 * @returns objects of kinds that the lab does not serve; they are left out.
 * @throws ObjectsRefused
 */
export async function applyStartObjects(
  request: SendRequest,
  objects: readonly KubeObject[],
  clock: Clock,
  present: 'kept' | 'changed' = 'changed',
): Promise<KubeObject[]> {
  const kinds = definedKinds(objects);
  const placed = objects.map((given): Brought => {
    const kind = kinds.find(given.apiVersion, given.kind);
    return { given, kind, object: kind ? inScope(given, kind) : given };
  });
  const namespaces = new Set(placed.flatMap(({ object }) => object.metadata.namespace ?? []));
  for (const { object } of placed) if (object.kind === 'Namespace') namespaces.delete(object.metadata.name);
  const implied = [...namespaces].map((name): Brought => {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    return { given: object, object, kind: kinds.find('v1', 'Namespace') };
  });
  const ordered = [
    ...implied,
    ...placed.filter(({ object }) => FIRST.includes(object.kind)),
    ...placed.filter(({ object }) => !FIRST.includes(object.kind)),
  ];

  const unknown: KubeObject[] = [];
  const refusals: Refusal[] = [];
  const defined = new Set(kinds.defined);
  for (const brought of ordered) {
    const { given, object, kind } = brought;
    if (!kind) {
      unknown.push(given);
      continue;
    }
    const base = kind.group ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    const scope = kind.namespaced ? `/namespaces/${object.metadata.namespace}` : '';
    const path = `${base}${scope}/${kind.plural}`;
    if (defined.delete(kind) && refusals.length === 0) await untilServed(request, path, clock);
    const created = await request('POST', `${path}?${MANAGER}`, asApplied(object));
    const there = created.status === 409;
    const stays = implied.includes(brought) || (present === 'kept' && kind.resource !== 'namespaces');
    if (there && stays) continue;
    const answer = there ? await laidOver(request, `${path}/${object.metadata.name}`, object) : created;
    if (answer.status >= 300) refusals.push(refusalOf(given, answer));
  }
  if (refusals.length > 0) throw new ObjectsRefused(refusals);
  return unknown;
}

interface Brought {
  readonly given: KubeObject;
  /** With the namespace that it gets. */
  readonly object: KubeObject;
  /** undefined: neither the lab nor a definition among the objects has it. */
  readonly kind: ResourceKind | undefined;
}

/** As an API server places an object: what belongs to no namespace loses one that is written. */
function inScope(object: KubeObject, { namespaced }: ResourceKind): KubeObject {
  const { namespace, ...metadata } = object.metadata;
  if (namespaced)
    return namespace === undefined ? { ...object, metadata: { ...metadata, namespace: 'default' } } : object;
  return namespace === undefined ? object : { ...object, metadata };
}

const MOST_WAIT_MS = 10_000;
const PAUSE_MS = 100;

/** An API server takes a moment to serve a kind that was just defined. */
async function untilServed(request: SendRequest, path: string, clock: Clock): Promise<void> {
  const end = clock.now() + MOST_WAIT_MS;
  while ((await request('GET', `${path}?limit=1`, undefined)).status === 404 && clock.now() < end)
    await sleep(clock, PAUSE_MS);
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
