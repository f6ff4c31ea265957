import type { ResourceKind } from '../control/resources.js';
import { type Dict, isDict, listRule } from './lists.js';
import { badRequest } from './status.js';

const DELETE_FROM = '$deleteFromPrimitiveList/';

/** Strategic merge knows one key per list: the first of the server-side-apply keys. */
function mergeKey(entry: ResourceKind, parent: string, field: string): string | 'set' | undefined {
  const rule = listRule(entry, parent, field);
  if (rule.kind === 'set') return 'set';
  return rule.kind === 'map' ? rule.keys[0] : undefined;
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(isDict(item) && item.$patch !== undefined)).map(withoutDirectives);
  }
  if (!isDict(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, child]) => !key.startsWith('$') && child !== null)
      .map(([key, child]) => [key, withoutDirectives(child)]),
  );
}

function mergeByKey(entry: ResourceKind, field: string, key: string, live: unknown[], patch: unknown[]): unknown[] {
  if (patch.some((item) => isDict(item) && item.$patch === 'replace' && Object.keys(item).length === 1)) {
    return patch.map(withoutDirectives).filter((item) => !(isDict(item) && Object.keys(item).length === 0));
  }
  const result = [...live];
  for (const item of patch) {
    if (!isDict(item) || item[key] === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
    const at = result.findIndex((other) => isDict(other) && other[key] === item[key]);
    if (item.$patch === 'delete') {
      if (at >= 0) result.splice(at, 1);
    } else if (at < 0) result.push(withoutDirectives(item));
    else result[at] = mergeObject(entry, field, result[at] as Dict, item);
  }
  return result;
}

function mergeList(entry: ResourceKind, parent: string, field: string, live: unknown, patch: unknown[]): unknown {
  const key = mergeKey(entry, parent, field);
  if (!Array.isArray(live)) return key === undefined ? patch : withoutDirectives(patch);
  if (key === undefined) return patch;
  if (key === 'set') return [...live, ...patch.filter((value) => !live.includes(value))];
  return mergeByKey(entry, field, key, live, patch);
}

function mergeObject(entry: ResourceKind, field: string, live: Dict, patch: Dict): Dict {
  if (patch.$patch === 'replace') return withoutDirectives(patch) as Dict;
  if (patch.$patch === 'delete') return {};
  if (patch.$patch !== undefined && patch.$patch !== 'merge') {
    throw badRequest(`unknown patch type found: ${String(patch.$patch)}`);
  }
  const result: Dict = { ...live };
  const retain = patch.$retainKeys;
  if (Array.isArray(retain)) {
    for (const key of Object.keys(result)) if (!retain.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length);
      const list = result[name];
      if (Array.isArray(list) && Array.isArray(value)) result[name] = list.filter((item) => !value.includes(item));
    } else if (key.startsWith('$')) {
      // $setElementOrder only orders, $retainKeys and $patch are done.
    } else if (value === null) delete result[key];
    else if (Array.isArray(value)) result[key] = mergeList(entry, field, key, result[key], value);
    else if (isDict(value)) {
      if (value.$patch === 'delete') delete result[key];
      else result[key] = mergeObject(entry, key, isDict(result[key]) ? result[key] : {}, value);
    } else result[key] = value;
  }
  return result;
}

/**
 * Strategic merge patch: maps merge, null deletes, lists merge by their declared key or are replaced; understands
 * `$patch: replace|delete|merge`, `$retainKeys` and `$deleteFromPrimitiveList`, and keeps the live order where
 * `$setElementOrder` asks for another.
 * @throws ApiStatusError 400 for an item without its merge key and for an unknown `$patch`.
 */
export function strategicMerge(entry: ResourceKind, live: Dict, patch: Dict): Dict {
  return mergeObject(entry, '', live, patch);
}
