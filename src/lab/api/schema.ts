import { type Dict, isDict } from './lists.js';
import type { FieldError } from './status.js';

/**
 * A compact structural schema: `int`, `num`, `str`, `bool` are scalars, `any` is not looked into, `int|str` is
 * IntOrString; `[s]` is a list, `{'*': s}` a map with any keys, `{a: s}` an object with these fields only.
 */
export type Schema =
  | 'int'
  | 'num'
  | 'str'
  | 'bool'
  | 'any'
  | 'int|str'
  | readonly [Schema]
  | { readonly [field: string]: Schema };

export interface SchemaFindings {
  /** The value without fields that the schema does not know. */
  readonly value: unknown;
  /** Paths of those fields, such as `spec.http[0].route[1].wieght`. */
  readonly unknown: readonly string[];
  readonly errors: FieldError[];
}

/** The type names of OpenAPI, as a CustomResourceDefinition's validation words them. */
const WORDS = { int: 'integer', num: 'number', str: 'string', bool: 'boolean' } as const;

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return value === null ? 'null' : typeof value;
}

const fits = (schema: keyof typeof WORDS, type: string): boolean =>
  type === WORDS[schema] || (schema === 'num' && type === 'integer');

/** Compares a value with its schema; null stands for an absent field and is dropped. */
export function checkSchema(schema: Schema, value: unknown, path: string): SchemaFindings {
  const unknown: string[] = [];
  const errors: FieldError[] = [];
  const mismatch = (at: string, wanted: string, found: unknown): unknown => {
    const type = typeOf(found);
    const text = type === 'array' || type === 'object' ? `"${type}"` : JSON.stringify(type);
    const message = `${text}: ${at} in body must be of type ${wanted}: ${text}`;
    errors.push({ type: 'TypeInvalid', field: at, message });
    return found;
  };
  const visitObject = (fields: { readonly [field: string]: Schema }, found: Dict, at: string): Dict => {
    const result: Dict = {};
    for (const [key, child] of Object.entries(found)) {
      const known = Object.hasOwn(fields, key) ? fields[key] : fields['*'];
      if (known === undefined) unknown.push(at ? `${at}.${key}` : key);
      else if (child !== null) result[key] = visit(known, child, at ? `${at}.${key}` : key);
    }
    return result;
  };
  const visit = (wanted: Schema, found: unknown, at: string): unknown => {
    if (wanted === 'any') return found;
    if (wanted === 'int|str') {
      return typeof found === 'string' || Number.isInteger(found) ? found : mismatch(at, 'integer or string', found);
    }
    if (typeof wanted === 'string') return fits(wanted, typeOf(found)) ? found : mismatch(at, WORDS[wanted], found);
    if (Array.isArray(wanted)) {
      if (!Array.isArray(found)) return mismatch(at, 'array', found);
      return found.map((item, i) => visit(wanted[0] as Schema, item, `${at}[${i}]`));
    }
    if (!isDict(found)) return mismatch(at, 'object', found);
    return visitObject(wanted as { readonly [field: string]: Schema }, found, at);
  };
  return { value: visit(schema, value, path), unknown, errors };
}
