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
    const answer = await httpRequest(new URL(apiUrl + path), { method, headers, body: JSON.stringify(body) });
    return { status: answer.status, body: JSON.parse(answer.text) };
  };

/** Pods are scheduled as soon as they are there. */
const FIRST = ['Namespace', 'Node'];

/**
 * Creates objects through the API server, as `kubectl apply` would: with defaults and admission, and annotated with what was applied, so
 * that a later `kubectl apply` can tell which fields are gone. Namespaces come first; one that is named but not brought is created.
 * @param request sends one request to the API server.
 * @param present objects that are there already stay as they are; else they are a mistake in the manifests.
 * @returns objects of kinds that the lab does not serve; they are left out.
 * @throws EnvironmentError naming every object that the API server refuses.
 */
export async function applyStartObjects(
  request: SendRequest,
  objects: readonly KubeObject[],
  present: 'kept' | 'refused' = 'refused',
): Promise<KubeObject[]> {
  const placed = objects.map((object) => {
    const namespaced = resourceFor(object.apiVersion, object.kind)?.namespaced;
    return namespaced
      ? { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? 'default' } }
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
  const refused: string[] = [];
  for (const object of ordered) {
    const kind = resourceFor(object.apiVersion, object.kind);
    if (!kind) {
      unknown.push(object);
      continue;
    }
    const base = kind.group ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    const scope = kind.namespaced ? `/namespaces/${object.metadata.namespace}` : '';
    const path = `${base}${scope}/${kind.plural}?fieldManager=kubectl-client-side-apply`;
    const answer = await request('POST', path, asApplied(object));
    // The cluster's own namespaces are there already; everything else that is there twice is a mistake in the manifests.
    const expected = answer.status === 409 && (present === 'kept' || object.kind === 'Namespace');
    if (answer.status >= 300 && !expected)
      refused.push(
        `${objectRef(object)}: ${(answer.body as { message?: string } | undefined)?.message ?? answer.status}`,
      );
  }
  if (refused.length > 0)
    throw new EnvironmentError(
      'E_LAB_OBJECTS',
      refused.join('\n'),
      'the lab starts only with objects that a cluster would accept',
    );
  return unknown;
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
