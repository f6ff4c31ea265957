import { isDict } from './lists.js';

const STEP = /\.([\w-]+|\*)|\[(\*|-?\d+)\]|\['([^']*)'\]|\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]|\\\./y;

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, field) => (isDict(inner) ? inner[field] : undefined), value);

/**
 * The values at a JSON path as printer columns and scale paths use it: fields, indices, `[*]`, and filters such as
 * `.status.conditions[?(@.type=="Ready")].status`. A path that cannot be read finds nothing.
 */
export function valuesAt(object: unknown, path: string): unknown[] {
  let found: unknown[] = [object];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const step = STEP.exec(path);
    if (!step) return [];
    const [, name, index, quoted, filter, wanted] = step;
    const field = name ?? quoted;
    if (filter !== undefined) {
      found = found
        .flatMap((value) => (Array.isArray(value) ? value : []))
        .filter((item) => at(item, filter) === wanted);
    } else if (field === '*' || index === '*') {
      found = found.flatMap((value) => (Array.isArray(value) ? value : isDict(value) ? Object.values(value) : []));
    } else if (index !== undefined)
      found = found.map((value) => (Array.isArray(value) ? value.at(Number(index)) : undefined));
    else found = found.map((value) => (isDict(value) && field !== undefined ? value[field] : undefined));
    found = found.filter((value) => value !== undefined && value !== null);
  }
  return found;
}
