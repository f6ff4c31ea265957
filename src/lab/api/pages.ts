import type { KubeObject } from '../../base/kubernetes.js';
import type { ApiContext, ApiRequest } from './context.js';
import type { Predicate } from './selectors.js';
import { badRequest, expired } from './status.js';

interface Page {
  readonly objects: readonly KubeObject[];
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/** Where the next page begins: after this key, in the state of this version. */
interface Token {
  readonly version: number;
  readonly after: string;
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
/** Objects by namespace and name, as etcd keeps them. */
export const sorted = (objects: readonly KubeObject[]): KubeObject[] =>
  [...objects].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

const encode = (token: Token): string => Buffer.from(JSON.stringify(token)).toString('base64url');

function decode(text: string): Token {
  try {
    const { version, after } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Partial<Token>;
    if (typeof version === 'number' && typeof after === 'string') return { version, after };
  } catch {
    // Told below.
  }
  throw badRequest('continue key is not valid');
}

/** The objects of a resource as they were at a version, from the present ones and what has changed since. @throws ApiStatusError 410. */
function stateAt({ store, log }: ApiContext, { entry, namespace }: ApiRequest, version: number): KubeObject[] {
  const present = store.list(entry.resource, namespace);
  if (version === store.resourceVersion) return present;
  const since = log.since(version);
  if (!since || version > store.resourceVersion) throw expired(String(version), log.oldest);
  const state = new Map(present.map((object) => [keyOf(object), object]));
  for (const { resource, object, previous } of [...since].reverse()) {
    if (resource !== entry.resource || (namespace !== undefined && object.metadata.namespace !== namespace)) continue;
    if (previous) state.set(keyOf(object), previous);
    else state.delete(keyOf(object));
  }
  return [...state.values()];
}

/**
 * The page of a list that `limit` and `continue` ask for. All pages show the state of the moment in which the list began; how many items
 * remain is told where no selector is given. With `resourceVersion=0` a limit is ignored, as the API server's cache does.
 * @throws ApiStatusError 400 for a limit or token that is none, 410 when that state is not held any more.
 */
export function pageOf(context: ApiContext, request: ApiRequest, matches: Predicate): Page {
  const { query } = request;
  const asked = query.get('limit') ?? '';
  if (!/^\d{0,9}$/.test(asked)) throw badRequest(`limit: ${JSON.stringify(asked)} is no number of items`);
  const token = query.get('continue') ? decode(query.get('continue') ?? '') : undefined;
  const version = token?.version ?? context.store.resourceVersion;
  const all = sorted(stateAt(context, request, version)).filter(matches);
  const rest = token ? all.filter((object) => keyOf(object) > token.after) : all;
  const limit = query.get('resourceVersion') === '0' ? 0 : Number(asked);
  const metadata = { resourceVersion: String(version) };
  if (limit === 0 || rest.length <= limit) return { objects: rest, metadata };
  const objects = rest.slice(0, limit);
  const last = objects.at(-1);
  const selecting = query.get('labelSelector') || query.get('fieldSelector');
  return {
    objects,
    metadata: {
      ...metadata,
      continue: encode({ version, after: last ? keyOf(last) : '' }),
      ...(selecting ? {} : { remainingItemCount: rest.length - limit }),
    },
  };
}
