import { expect, it } from 'vitest';
import { checkStructural, type JsonSchema } from '../../../src/lab/api/structural.js';

const text: JsonSchema = { type: 'string' };
const spec = (schema: JsonSchema): JsonSchema => ({ type: 'object', properties: { spec: schema } });
const check = (schema: JsonSchema, value: unknown) =>
  checkStructural(spec(schema), { apiVersion: 'a/v1', kind: 'K', metadata: { name: 'x' }, spec: value });
const one = { oneOf: [{ required: ['a'] }, { required: ['b'] }], type: 'object', properties: { a: text, b: text } };

it.each<[sentence: string, schema: JsonSchema, value: unknown, errors: string[]]>([
  ['a value of its type passes', { type: 'integer' }, 3, []],
  ['a whole number is a number', { type: 'number' }, 3, []],
  ['a fraction is no integer', { type: 'integer' }, 1.5, ['spec TypeInvalid']],
  ['IntOrString takes both', { 'x-kubernetes-int-or-string': true }, '25%', []],
  ['IntOrString takes no list', { 'x-kubernetes-int-or-string': true }, [], ['spec TypeInvalid']],
  ['null is a value where it is allowed', { type: 'string', nullable: true }, null, []],
  ['an item of a list is named by its index', { type: 'array', items: text }, ['a', 1], ['spec[1] TypeInvalid']],
  ['a missing field is named', { type: 'object', required: ['a'], properties: { a: text } }, {}, ['spec.a Required']],
  ['an unlisted value is not supported', { type: 'string', enum: ['a'] }, 'b', ['spec NotSupported']],
  ['a pattern is searched for, not matched as a whole', { type: 'string', pattern: 'b' }, 'abc', []],
  ['a text too long', { type: 'string', maxLength: 2 }, 'äöü', ['spec TooLong']],
  ['a list too long', { type: 'array', maxItems: 1, items: text }, ['a', 'b'], ['spec TooMany']],
  ['a number below its minimum', { type: 'integer', minimum: 1 }, 0, ['spec Invalid']],
  ['one of two alternatives', one, { a: 'x' }, []],
  ['both of two alternatives', one, { a: 'x', b: 'y' }, ['<nil> Invalid']],
  ['any key of a map', { type: 'object', additionalProperties: text }, { a: 'x', b: 1 }, ['spec.b TypeInvalid']],
  [
    'a forbidden form',
    { type: 'object', properties: { a: text }, not: { required: ['a'] } },
    { a: 'x' },
    ['<nil> Invalid'],
  ],
])('%s', (_sentence, schema, value, errors) => {
  expect(check(schema, value).errors.map(({ field, type }) => `${field} ${type}`)).toEqual(errors);
});

it('prunes and names what the schema does not know, and nothing where it lets anything be', () => {
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      list: { type: 'array', items: { type: 'object', properties: { a: text } } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
  const { value, unknown } = check(schema, { list: [{ a: 'x', b: 1 }], free: { any: { thing: 1 } }, other: 2 });
  expect(unknown).toEqual(['spec.list[0].b', 'spec.other']);
  expect(value).toMatchObject({ spec: { list: [{ a: 'x' }], free: { any: { thing: 1 } } } });
});

it('fills defaults in at every level, also for a null that is not allowed', () => {
  const inner: JsonSchema = { type: 'object', properties: { a: { type: 'string', default: 'x' } } };
  const schema: JsonSchema = {
    type: 'object',
    properties: { one: { ...inner, default: {} }, list: { type: 'array', items: inner } },
  };
  expect(check(schema, { list: [{}, { a: null }, { a: 'y' }] }).value).toMatchObject({
    spec: { one: { a: 'x' }, list: [{ a: 'x' }, { a: 'x' }, { a: 'y' }] },
  });
});
