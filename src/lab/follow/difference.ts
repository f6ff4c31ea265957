import { isDeepStrictEqual } from 'node:util';

type Dict = Readonly<Record<string, unknown>>;

const isDict = (value: unknown): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What JSON keeps of a value: no `undefined`. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The merge patch (RFC 7396) that makes `after` of `before`; lists are replaced as a whole. Undefined: they are equal. */
export function difference(before: Dict, after: Dict): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(before)) if (after[key] === undefined) patch[key] = null;
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    if (value === undefined || isDeepStrictEqual(old, value)) continue;
    const inner = isDict(old) && isDict(value) ? difference(old, value) : undefined;
    patch[key] = inner ?? value;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** RFC 7396 on a copy. */
export function patched(target: Dict, patch: Dict): Record<string, unknown> {
  const result: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (isDict(value)) {
      const old = result[key];
      result[key] = patched(isDict(old) ? old : {}, value);
    } else result[key] = value;
  }
  return result;
}
