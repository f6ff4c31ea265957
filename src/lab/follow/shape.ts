import type { KubeObject, ObjectMeta } from '../../base/kubernetes.js';
import { type ResourceKind, storedApiVersion } from '../control/resources.js';
import { plain } from './difference.js';

/** What only the server that holds an object can say of it. */
const SERVER_FIELDS = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
] as const;

/** Of a server's object: what only the server can say, for the Store to keep. */
export function serverFields({ metadata }: KubeObject): Partial<KubeObject['metadata']> {
  const { uid, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return {
    ...(uid ? { uid } : {}),
    ...(generation ? { generation } : {}),
    ...(creationTimestamp ? { creationTimestamp } : {}),
    ...(deletionTimestamp ? { deletionTimestamp, deletionGracePeriodSeconds } : {}),
  };
}

/** The part of an object that both sides may change: what is compared and carried over. */
export function content(object: KubeObject): Record<string, unknown> {
  const { apiVersion: _, kind: __, ...rest } = plain(object);
  const metadata: Partial<ObjectMeta> = { ...rest.metadata };
  for (const field of SERVER_FIELDS) delete metadata[field];
  return { ...rest, metadata };
}

/**
 * Identifiers on both sides. An object that the lab creates has an identifier of its own before the server gives it another, and what it
 * owns refers to the first; so the lab keeps its own, and they are exchanged on the way.
 */
export class Identifiers {
  private readonly toServer = new Map<string, string>();
  private readonly toLab = new Map<string, string>();

  pair(lab: string | undefined, server: string | undefined): void {
    if (!lab || !server || lab === server) return;
    this.toServer.set(lab, server);
    this.toLab.set(server, lab);
  }

  server = (uid: string): string => this.toServer.get(uid) ?? uid;
  lab = (uid: string): string => this.toLab.get(uid) ?? uid;
}

function withOwners<T extends { readonly metadata: Partial<ObjectMeta> }>(
  object: T,
  exchange: (uid: string) => string,
): T {
  const owners = object.metadata.ownerReferences;
  if (!owners) return object;
  const ownerReferences = owners.map((owner) => ({ ...owner, uid: exchange(owner.uid) }));
  return { ...object, metadata: { ...object.metadata, ownerReferences } };
}

/** An object of the server as the lab keeps it. */
export function fromServer(entry: ResourceKind, object: KubeObject, ids: Identifiers): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  const named = { ...metadata, ...(metadata.uid ? { uid: ids.lab(metadata.uid) } : {}) };
  return withOwners({ ...object, apiVersion: storedApiVersion(entry), kind: entry.kind, metadata: named }, ids.lab);
}

/** The content of an object of the lab, or a patch of it, as the server is told. */
export const toServer = <T extends Record<string, unknown>>(part: T, ids: Identifiers): T =>
  part.metadata && typeof part.metadata === 'object' ? (withOwners(part as never, ids.server) as unknown as T) : part;
