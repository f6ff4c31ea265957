import type { KubeObject } from '../base/kubernetes.js';
import { ApiError, type ClusterClient } from './client.js';

/** What credentials show of a kind. */
export interface Visible {
  readonly objects: readonly KubeObject[];
  /** The cluster, or a namespace alone; undefined: nothing. */
  readonly from: 'cluster' | 'namespace' | undefined;
  /** Why no more was read; undefined: all that was asked for. */
  readonly refused: ApiError | undefined;
}

/** Kinds that lie in no namespace. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set(['Namespace', 'Node']);

/**
 * A kind of the whole cluster, or of the namespace alone where the credentials may not list more. Kinds that are not installed have none.
 * @param apiVersions newest first.
 * @param namespace undefined: there is none to fall back to.
 * @throws ApiError for other refusals, EnvironmentError when the API server does not answer.
 */
export async function listVisible(
  client: ClusterClient,
  apiVersions: readonly string[],
  kind: string,
  namespace: string | undefined,
): Promise<Visible> {
  const all = await listAllowed(client, apiVersions, kind);
  if (!(all instanceof ApiError)) return { objects: all, from: 'cluster', refused: undefined };
  if (namespace === undefined || CLUSTER_WIDE.has(kind)) return { objects: [], from: undefined, refused: all };
  return { ...(await listNamespace(client, apiVersions, kind, namespace)), refused: all };
}

/** A kind of one namespace. @throws as `listVisible`. */
export async function listNamespace(
  client: ClusterClient,
  apiVersions: readonly string[],
  kind: string,
  namespace: string,
): Promise<Visible> {
  const own = await listAllowed(client, apiVersions, kind, namespace);
  return own instanceof ApiError
    ? { objects: [], from: undefined, refused: own }
    : { objects: own, from: 'namespace', refused: undefined };
}

/** Every served version shows the same objects, so the newest that shows any will do. @returns the error when that is not allowed. */
async function listAllowed(
  client: ClusterClient,
  apiVersions: readonly string[],
  kind: string,
  namespace?: string,
): Promise<KubeObject[] | ApiError> {
  try {
    for (const apiVersion of apiVersions) {
      const objects = await client.list(apiVersion, kind, namespace);
      if (objects.length > 0) return objects;
    }
    return [];
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return error;
    throw error;
  }
}
