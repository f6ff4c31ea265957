import { readFile, writeFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { scenarioJsonSchema } from '../../src/scenario/json-schema.js';

const PUBLISHED = 'schema/scenario.schema.json';
const generated = `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`;
/** With the order of keys, which editors show, but without the layout, which belongs to the linter. */
const compact = (json: string) => JSON.stringify(JSON.parse(json));

describe('the published JSON Schema of a scenario', () => {
  test('is the one that the loader checks by (UPDATE=1 writes it)', async () => {
    if (process.env.UPDATE) await writeFile(PUBLISHED, generated);
    expect(compact(await readFile(PUBLISHED, 'utf8'))).toBe(compact(generated));
  });

  const validate = new Ajv({ strict: false }).compile(scenarioJsonSchema());

  test('accepts the Pitstop scenario', async () => {
    const scenario = parse(await readFile('scenarios/pitstop/scenario.yaml', 'utf8'));
    expect(validate(scenario), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each([
    ['an unknown key at the top', (s: Pitstop) => ({ ...s, nme: 'x' })],
    ['an unknown key in a stage', (s: Pitstop) => ({ ...s, stages: [{ ...s.stages[0], aply: [] }] })],
    ['a duration without unit', (s: Pitstop) => ({ ...s, warmUp: '100' })],
    ['a percentage above 100', (s: Pitstop) => ({ ...s, precision: { margin: '110%' } })],
    [
      'a label value that is a number',
      (s: Pitstop) => ({ ...s, versions: { v1: { version: 1 }, v2: { version: 2 } } }),
    ],
    ['no stages', (s: Pitstop) => ({ ...s, stages: [] })],
  ])('refuses %s', async (_, change) => {
    const scenario = parse(await readFile('scenarios/pitstop/scenario.yaml', 'utf8')) as Pitstop;
    expect(validate(change(scenario))).toBe(false);
  });
});

type Pitstop = { stages: object[] };
