import type { KubeObject } from '../../base/kubernetes.js';
import type { ResourceKind } from '../control/resources.js';
import { difference } from './difference.js';
import { MERGE_PATCH, pathOf, type RemoteAnswer, type RemoteApi } from './remoteApi.js';
import { content, type Identifiers, toServer } from './shape.js';

export interface Difference {
  readonly entry: ResourceKind;
  /** In which the server serves it. */
  readonly version: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** The lab's object; undefined: it is gone. */
  readonly local: KubeObject | undefined;
  /** What both had in common; undefined: the server has none that the lab knows. */
  readonly known:
    | { readonly base: Record<string, unknown>; readonly uid: string; readonly deleting: boolean }
    | undefined;
  readonly ids: Identifiers;
}

export type Outcome =
  | { readonly kind: 'nothing' | 'again' | 'gone' }
  | { readonly kind: 'refused'; readonly why: string }
  /** `base`: the part of the lab's object that the server has now; `more`: there is another part to write. */
  | {
      readonly kind: 'written';
      readonly object: KubeObject;
      readonly base: Record<string, unknown>;
      readonly more: boolean;
    };

const messageOf = ({ status, body }: RemoteAnswer): string =>
  String((body as { message?: unknown } | undefined)?.message ?? `HTTP ${status}`);

/** Overload, a server that starts or loses its leader: worth another try. */
const passes = (status: number): boolean => status === 429 || status >= 500;

/** Kinds whose status is written by a path of its own. */
const ownStatus = (entry: ResourceKind): boolean => entry.status || entry.resource === 'nodes';

/**
 * Makes the server's object what the lab's is, one step at a time: create, delete, bind a pod to its node, patch the status or the rest.
 * @throws Error when the server does not answer.
 */
export async function write(remote: RemoteApi, change: Difference): Promise<Outcome> {
  const { entry, version, namespace, name, local, known, ids } = change;
  const path = pathOf(entry, version, namespace, name);
  if (!local) return known ? remove(remote, path, known.uid) : { kind: 'nothing' };
  if (!known) return create(remote, change, local);
  if (ids.server(local.metadata.uid ?? '') !== known.uid) return remove(remote, path, known.uid);
  // Pods end in their own time: their kubelet removes them at last.
  if (local.metadata.deletionTimestamp && !known.deleting) {
    const answer = await remote.request('DELETE', path, { preconditions: { uid: known.uid } });
    const marked = (answer.body as KubeObject | undefined)?.kind === entry.kind;
    return answer.status < 300 && !marked ? { kind: 'gone' } : written(answer, known.base, false);
  }
  const wanted = content(local);
  const patch = difference(known.base, wanted);
  if (!patch) return { kind: 'nothing' };
  const { status, ...rest } = patch;
  if (entry.resource === 'pods' && rest.spec !== undefined) return bind(remote, path, local, known.base);
  const main = Object.keys(rest).length > 0;
  const toStatus = !main && ownStatus(entry);
  const sent = toServer(toStatus ? { status } : ownStatus(entry) ? rest : patch, ids);
  const answer = await remote.request('PATCH', toStatus ? `${path}/status` : path, sent, MERGE_PATCH);
  const before = known.base.status;
  // The rest is written first; the status then follows on its own.
  const kept = before === undefined ? {} : { status: before };
  const base = main && ownStatus(entry) ? { ...withoutStatus(wanted), ...kept } : wanted;
  return written(answer, base, main && status !== undefined && ownStatus(entry));
}

const withoutStatus = ({ status: _, ...rest }: Record<string, unknown>): Record<string, unknown> => rest;

async function create(
  remote: RemoteApi,
  { entry, version, namespace, ids }: Difference,
  local: KubeObject,
): Promise<Outcome> {
  // Nothing that is on its way out is made.
  if (local.metadata.deletionTimestamp) return { kind: 'nothing' };
  const wanted = content(local);
  const apiVersion = entry.group ? `${entry.group}/${version}` : version;
  const object = { apiVersion, kind: entry.kind, ...toServer(wanted, ids) };
  const answer = await remote.request('POST', pathOf(entry, version, namespace), object);
  if (answer.status === 409) return { kind: 'nothing' };
  const base = ownStatus(entry) ? withoutStatus(wanted) : wanted;
  return written(answer, base, base !== wanted && wanted.status !== undefined);
}

async function remove(remote: RemoteApi, path: string, uid: string): Promise<Outcome> {
  const answer = await remote.request('DELETE', path, {
    propagationPolicy: 'Background',
    preconditions: { uid },
    gracePeriodSeconds: 0,
  });
  // 409: another object of this name has taken its place.
  if (answer.status === 404 || answer.status === 409) return { kind: 'gone' };
  if (passes(answer.status)) return { kind: 'again' };
  return answer.status < 300 ? { kind: 'gone' } : { kind: 'refused', why: messageOf(answer) };
}

/** The scheduler's part: a pod's node is written once, and the rest of its spec never changes. */
async function bind(
  remote: RemoteApi,
  path: string,
  local: KubeObject,
  base: Record<string, unknown>,
): Promise<Outcome> {
  const wanted = content(local);
  const bound = (base.spec as { nodeName?: string } | undefined)?.nodeName;
  const node = local.spec?.nodeName;
  if (typeof node === 'string' && bound === undefined) {
    const { name } = local.metadata;
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
    const answer = await remote.request('POST', `${path}/binding`, binding);
    if (passes(answer.status)) return { kind: 'again' };
    if (answer.status === 404) return { kind: 'gone' };
    if (answer.status > 299) return { kind: 'refused', why: messageOf(answer) };
  }
  const answer = await remote.request('GET', path);
  return written(answer, { ...base, spec: wanted.spec }, true);
}

function written(answer: RemoteAnswer, base: Record<string, unknown>, more: boolean): Outcome {
  if (answer.status < 300) return { kind: 'written', object: answer.body as KubeObject, base, more };
  if (answer.status === 404) return { kind: 'gone' };
  return passes(answer.status) ? { kind: 'again' } : { kind: 'refused', why: messageOf(answer) };
}
