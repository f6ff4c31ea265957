import { RE2JS } from 're2js';
import { type Dict, isDict } from './lists.js';
import type { SchemaFindings } from './schema.js';
import type { FieldError } from './status.js';

/** `openAPIV3Schema` of a CustomResourceDefinition, as far as it is checked: everything but CEL rules and `format`. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly unknown[];
}

const join = (at: string, field: string): string => (at ? `${at}.${field}` : field);

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return value === null ? 'null' : typeof value;
}

const patterns = new Map<string, RE2JS | undefined>();
function matches(pattern: string, text: string): boolean {
  if (!patterns.has(pattern)) {
    try {
      patterns.set(pattern, RE2JS.compile(pattern));
    } catch {
      patterns.set(pattern, undefined);
    }
  }
  return patterns.get(pattern)?.matcher(text).find() ?? true;
}

/** Missing fields that have a default get it, at every level. */
function withDefaults(schema: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) return schema.items ? value.map((item) => withDefaults(schema.items ?? {}, item)) : value;
  if (!isDict(value)) return value;
  const result: Dict = { ...value };
  for (const [field, known] of Object.entries(schema.properties ?? {})) {
    // A null that the schema does not take counts as a field that was left out.
    const absent = result[field] === undefined || (result[field] === null && !known.nullable);
    if (absent && known.default !== undefined) result[field] = structuredClone(known.default);
    if (result[field] !== undefined) result[field] = withDefaults(known, result[field]);
  }
  const { additionalProperties: others } = schema;
  if (typeof others === 'object')
    for (const field of Object.keys(result)) result[field] = withDefaults(others, result[field]);
  return result;
}

/** Drops what the schema does not know, and says which fields that were. */
function pruned(schema: JsonSchema, value: unknown, at: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    return schema.items ? value.map((item, i) => pruned(schema.items ?? {}, item, `${at}[${i}]`, unknown)) : value;
  }
  if (!isDict(value)) return value;
  const result: Dict = {};
  for (const [field, item] of Object.entries(value)) {
    const known = schema.properties && Object.hasOwn(schema.properties, field) ? schema.properties[field] : undefined;
    const { additionalProperties: others } = schema;
    if (known) result[field] = pruned(known, item, join(at, field), unknown);
    else if (typeof others === 'object') result[field] = pruned(others, item, join(at, field), unknown);
    else if (others === true || schema['x-kubernetes-preserve-unknown-fields']) result[field] = item;
    else unknown.push(join(at, field));
  }
  return result;
}

function typeFits({ type, nullable, 'x-kubernetes-int-or-string': either }: JsonSchema, found: string): boolean {
  if (found === 'null') return nullable === true || type === undefined;
  if (either) return found === 'integer' || found === 'string';
  return type === undefined || type === found || (type === 'number' && found === 'integer');
}

function scalarErrors(schema: JsonSchema, value: unknown, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const text = JSON.stringify(value);
  const add = (type: FieldError['type'], message: string) => errors.push({ type, field: at, message });
  if (schema.enum && !schema.enum.includes(value)) {
    add('NotSupported', `${text}: supported values: ${schema.enum.map((one) => JSON.stringify(one)).join(', ')}`);
  }
  if (typeof value === 'string') {
    const length = [...value].length;
    if (schema.pattern && !matches(schema.pattern, value)) {
      add('Invalid', `${text}: ${at} in body should match '${schema.pattern}'`);
    }
    if (schema.maxLength !== undefined && length > schema.maxLength) {
      add('TooLong', `may not be more than ${schema.maxLength} bytes`);
    }
    if (schema.minLength !== undefined && length < schema.minLength) {
      add('Invalid', `${text}: ${at} in body should be at least ${schema.minLength} chars long`);
    }
  }
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) {
      add('Invalid', `${text}: ${at} in body should be greater than or equal to ${schema.minimum}`);
    }
    if (schema.maximum !== undefined && value > schema.maximum) {
      add('Invalid', `${text}: ${at} in body should be less than or equal to ${schema.maximum}`);
    }
  }
  if (Array.isArray(value)) {
    if (schema.maxItems !== undefined && value.length > schema.maxItems) {
      add('TooMany', `${value.length}: must have at most ${schema.maxItems} items`);
    }
    if (schema.minItems !== undefined && value.length < schema.minItems) {
      add('Invalid', `${value.length}: ${at} in body should have at least ${schema.minItems} items`);
    }
  }
  return errors;
}

function combinationErrors(schema: JsonSchema, value: unknown, at: string): FieldError[] {
  const fits = (one: JsonSchema) => errorsOf(one, value, at).length === 0;
  const shown = at || '<nil>';
  const invalid = (why: string): FieldError => ({ type: 'Invalid', field: '<nil>', message: `"": ${why}` });
  const errors: FieldError[] = [];
  if (schema.oneOf) {
    const fitting = schema.oneOf.filter(fits).length;
    const found = fitting === 0 ? 'Found none valid' : `Found ${fitting} valid alternatives`;
    if (fitting !== 1) errors.push(invalid(`"${shown}" must validate one and only one schema (oneOf). ${found}`));
  }
  if (schema.anyOf && !schema.anyOf.some(fits)) {
    errors.push(invalid(`"${shown}" must validate at least one schema (anyOf)`));
  }
  if (schema.not && fits(schema.not)) errors.push(invalid(`"${shown}" must not validate the schema (not)`));
  return [...errors, ...(schema.allOf ?? []).flatMap((one) => errorsOf(one, value, at))];
}

function errorsOf(schema: JsonSchema, value: unknown, at: string): FieldError[] {
  const found = typeOf(value);
  if (!typeFits(schema, found)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer or string' : String(schema.type);
    const text = found === 'object' || found === 'array' ? `"${found}"` : JSON.stringify(found);
    return [{ type: 'TypeInvalid', field: at, message: `${text}: ${at} in body must be of type ${wanted}: ${text}` }];
  }
  const errors = [...scalarErrors(schema, value, at), ...combinationErrors(schema, value, at)];
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) errors.push(...value.flatMap((item, i) => errorsOf(items, item, `${at}[${i}]`)));
  } else if (isDict(value)) {
    for (const field of schema.required ?? []) {
      if (value[field] === undefined) errors.push({ type: 'Required', field: join(at, field), message: '' });
    }
    const { additionalProperties: others } = schema;
    for (const [field, item] of Object.entries(value)) {
      const known = schema.properties && Object.hasOwn(schema.properties, field) ? schema.properties[field] : undefined;
      if (known) errors.push(...errorsOf(known, item, join(at, field)));
      else if (typeof others === 'object') errors.push(...errorsOf(others, item, join(at, field)));
    }
  }
  return errors;
}

/** Faults of form, beside which rules of content are not asked (apiextensions, hasBlockingErr). */
const BLOCKING = new Set<FieldError['type']>(['Required', 'NotSupported', 'TooLong', 'TooMany', 'TypeInvalid']);

/** True when the schema has CEL rules anywhere. */
function hasRules(schema: JsonSchema): boolean {
  if (schema['x-kubernetes-validations']) return true;
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  return below.some((one) => typeof one === 'object' && hasRules(one));
}

/**
 * Checks a custom object against its definition's schema as the API server does: unknown fields are pruned, defaults filled in, values
 * validated. CEL rules are not evaluated.
 */
export function checkStructural(schema: JsonSchema, object: Dict): SchemaFindings {
  const unknown: string[] = [];
  const { apiVersion, kind, metadata, ...content } = object;
  const known = pruned(schema, content, '', unknown);
  const value = { apiVersion, kind, metadata, ...(withDefaults(schema, known) as Dict) };
  const errors = errorsOf(schema, value, '');
  if (errors.some(({ type }) => BLOCKING.has(type)) && hasRules(schema)) {
    const message =
      '"null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    errors.push({ type: 'Invalid', field: '<nil>', message });
  }
  return { value, unknown, errors };
}
