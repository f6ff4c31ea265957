import type { ResourceKind } from '../control/resources.js';
import { type Dict, isDict, listRule } from './lists.js';
import { badRequest } from './status.js';

const DELETE_FROM = '$deleteFromPrimitiveList/';
const ORDER = '$setElementOrder/';

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

type KeyOf = (item: unknown) => unknown;

/**
 * Items that a patch names come in its order (or that of `$setElementOrder`), the others in theirs; between the two the live order
 * decides, and items that are new go first (apimachinery, strategicpatch.mergeSortedSlice).
 */
function ordered(
  items: readonly unknown[],
  live: readonly unknown[],
  order: readonly unknown[],
  keyOf: KeyOf,
): unknown[] {
  const at = new Map(live.map((item, index) => [keyOf(item), index] as const));
  const named = items
    .filter((item) => order.includes(keyOf(item)))
    .sort((a, b) => order.indexOf(keyOf(a)) - order.indexOf(keyOf(b)));
  const others = items.filter((item) => !order.includes(keyOf(item)));
  const result: unknown[] = [];
  while (named.length > 0 && others.length > 0) {
    const [mine = -1, theirs = -1] = [at.get(keyOf(named[0])), at.get(keyOf(others[0]))];
    result.push(mine >= 0 && theirs >= 0 && theirs < mine ? others.shift() : named.shift());
  }
  return [...result, ...named, ...others];
}

interface KeyedPatch {
  readonly live: readonly unknown[];
  readonly patch: readonly unknown[];
  /** Keys in the order of `$setElementOrder`. */
  readonly order: readonly unknown[] | undefined;
}

function mergeByKey(entry: ResourceKind, field: string, key: string, { live, patch, order }: KeyedPatch): unknown[] {
  if (patch.some((item) => isDict(item) && item.$patch === 'replace' && Object.keys(item).length === 1)) {
    return patch.map(withoutDirectives).filter((item) => !(isDict(item) && Object.keys(item).length === 0));
  }
  const keyOf: KeyOf = (item) => (isDict(item) ? item[key] : undefined);
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
  return ordered(result, live, order ?? patch.map(keyOf), keyOf);
}

function mergeList(
  entry: ResourceKind,
  parent: string,
  field: string,
  live: unknown,
  patch: unknown[],
  order: unknown,
): unknown {
  const key = mergeKey(entry, parent, field);
  if (!Array.isArray(live)) return key === undefined ? patch : withoutDirectives(patch);
  if (key === undefined) return patch;
  if (key === 'set') return [...live, ...patch.filter((value) => !live.includes(value))];
  const keys = Array.isArray(order) ? order.map((item) => (isDict(item) ? item[key] : undefined)) : undefined;
  return mergeByKey(entry, field, key, { live, patch, order: keys });
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
      // The order is the list's, $retainKeys and $patch are done.
    } else if (value === null) delete result[key];
    else if (Array.isArray(value)) {
      result[key] = mergeList(entry, field, key, result[key], value, patch[`${ORDER}${key}`]);
    } else if (isDict(value)) {
      if (value.$patch === 'delete') delete result[key];
      else result[key] = mergeObject(entry, key, isDict(result[key]) ? result[key] : {}, value);
    } else result[key] = value;
  }
  return result;
}

/**
 * Strategic merge patch: maps merge, null deletes, lists merge by their declared key or are replaced; understands
 * `$patch: replace|delete|merge`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder` of lists with keys.
 * @throws ApiStatusError 400 for an item without its merge key and for an unknown `$patch`.
 */
export function strategicMerge(entry: ResourceKind, live: Dict, patch: Dict): Dict {
  return mergeObject(entry, '', live, patch);
}
