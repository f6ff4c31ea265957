import type { KindTable } from '../control/kinds.js';
import type { ResourceKind } from '../control/resources.js';

/** What a resource path names. */
export interface Target {
  readonly entry: ResourceKind;
  /** As asked for: answers carry it whatever version is stored. */
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource, without the leading slash (`proxy/<rest>`). */
  readonly rest: string;
}

/** Percent-decodes one segment; undefined for broken escapes and for what could not be one name. */
function decode(segment: string): string | undefined {
  try {
    const text = decodeURIComponent(segment);
    return text.includes('/') ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * Reads `/api/v1/...` and `/apis/{group}/{version}/...`: `{plural}[/name[/subresource[/rest]]]`, below
 * `namespaces/{namespace}` for namespaced kinds.
 * @returns undefined when the path names nothing that is served.
 */
export function parseTarget(kinds: KindTable, path: string): Target | undefined {
  const raw = path.split('/').slice(1);
  if (raw.at(-1) === '') raw.pop();
  const segments: string[] = [];
  for (const part of raw) {
    const text = decode(part);
    if (text === undefined || text === '') break;
    segments.push(text);
  }
  const core = segments[0] === 'api';
  if (!core && segments[0] !== 'apis') return undefined;
  const group = core ? '' : (segments[1] ?? '');
  const at = core ? 1 : 2;
  const version = segments[at];
  if (version === undefined) return undefined;
  const apiVersion = group ? `${group}/${version}` : version;
  const find = (plural: string | undefined) => kinds.find(group, version, plural ?? '');
  const read = (entry: ResourceKind, namespace: string | undefined, from: number): Target | undefined => {
    const rest = raw.slice(from + 2).join('/');
    // A segment that is no name ends the names; only the free path after a subresource may hold one.
    if (segments.length < Math.min(raw.length, from + 2)) return undefined;
    return { entry, apiVersion, namespace, name: segments[from], subresource: segments[from + 1], rest };
  };
  const first = segments[at + 1];
  const below = first === 'namespaces' ? find(segments[at + 3]) : undefined;
  if (below?.namespaced) return read(below, segments[at + 2], at + 4);
  const entry = find(first);
  if (!entry) return undefined;
  const target = read(entry, undefined, at + 2);
  return entry.namespaced && target?.name !== undefined ? undefined : target;
}
