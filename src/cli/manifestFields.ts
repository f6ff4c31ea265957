import type { Problem } from '../base/errors.js';
import { objectRef } from '../base/kubernetes.js';
import { checkSchema, type Schema } from '../lab/api/schema.js';
import { SCHEMAS } from '../lab/api/schemas/all.js';
import { resourceFor } from '../lab/control/resources.js';
import type { MeshWarning } from '../mesh/types.js';
import { didYouMean } from '../scenario/nearest.js';
import { lineOf, type PlacedObject } from './placed.js';

/** What an API server finds in the fields of an object of a file, where their schema is known: wrong types, and fields that nothing reads. */
export function checkFields(placed: PlacedObject): { problems: Problem[]; warnings: MeshWarning[] } {
  const { object, file = '' } = placed;
  const schema = SCHEMAS[resourceFor(object.apiVersion, object.kind)?.resource ?? ''];
  if (!schema) return { problems: [], warnings: [] };
  const { errors, unknown } = checkSchema(schema, object, '');
  return {
    problems: errors.map(({ field, message }) => {
      const [, found = '', wanted = ''] = /^"(\w+)": .* of type ([\w ]+):/.exec(message) ?? [];
      const line = lineOf(placed, field);
      return {
        file,
        ...(line === undefined ? {} : { line }),
        path: field,
        message: `found ${article(found)}; allowed is ${article(wanted)}`,
        ...(wanted === 'string' ? { hint: 'put it in quotes' } : {}),
      };
    }),
    warnings: unknown.map((field) => ({
      code: 'FIELD_UNKNOWN',
      object: objectRef(object),
      field,
      message: `No such field is known: kubectl refuses it, and where it does not the API server drops it.${suggestion(schema, field)}`,
    })),
  };
}

/** `m/x.yaml:4: spec.http[0].retry: No such field is known: …` */
export const fieldLine = (placed: PlacedObject, { field, message }: MeshWarning): string =>
  `${placed.file}:${lineOf(placed, field)}: ${field}: ${message}`;

const article = (type: string): string => `${/^[aio]/.test(type) ? 'an' : 'a'} ${type}`;

function suggestion(schema: Schema, field: string): string {
  const path = field.split('.');
  const name = path.pop() ?? '';
  let here: Schema | undefined = schema;
  for (const part of path) {
    const [key = '', ...items] = part.split('[');
    here = member(here, key);
    for (const _ of items) here = Array.isArray(here) ? here[0] : undefined;
  }
  const hint = didYouMean(
    name,
    fieldsOf(here).map(([known]) => known),
  );
  return hint ? ` D${hint.slice(1)}` : '';
}

const fieldsOf = (schema: Schema | undefined): [string, Schema][] =>
  typeof schema === 'object' && !Array.isArray(schema) ? Object.entries(schema) : [];

const member = (schema: Schema | undefined, key: string): Schema | undefined => {
  const fields = new Map(fieldsOf(schema));
  return fields.get(key) ?? fields.get('*');
};
