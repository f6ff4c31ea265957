import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { scenarioJsonSchema } from '../../src/scenario/json-schema.js';
import { loadScenario } from '../../src/scenario/load.js';
import { init, refusal } from '../support/init.js';
import { Folders } from '../support/scenario.js';

const folders = new Folders();
afterAll(() => folders.remove());

describe('init', () => {
  test.each<[string, string[], string]>([
    ['without options', [], 'shop-canary'],
    [
      'for an own service',
      ['--service', 'cart', '--namespace', 'store', '--from', 'frontend', '--versions', 'blue,green'],
      'cart-canary',
    ],
    ['for versions that YAML would read as numbers', ['--versions', '1.0,2.0', '--name', 'release-2'], 'release-2'],
    ['for versions with capitals and underscores', ['--versions', 'RC_1,RC_2'], 'shop-canary'],
  ])('%s writes a scenario that loads and fits the schema', async (_, args, name) => {
    const cwd = folders.make({});
    const said = await init(cwd, ...args);
    const scenario = await loadScenario(`scenarios/${name}`, { cwd });
    expect(scenario.name).toBe(name);
    expect(scenario.stages.map((stage) => stage.name)).toEqual(['present', 'dark', 'canary', 'even']);
    expect(said).toContain(`wrote scenarios/${name}/scenario.yaml\n`);
    const text = readFileSync(path.join(cwd, `scenarios/${name}/scenario.yaml`), 'utf8');
    const validate = new Ajv({ strict: false }).compile(scenarioJsonSchema());
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
    const schema = /\$schema=(\S+)/.exec(text)?.[1] ?? '';
    expect(existsSync(path.join(cwd, 'scenarios', name, schema))).toBe(true);
  });

  test('uses the names it is given', async () => {
    const cwd = folders.make({});
    await init(cwd, '--service', 'cart', '--namespace', 'store', '--from', 'frontend', '--versions', '1.4,1.5');
    const scenario = await loadScenario('scenarios/cart-canary', { cwd });
    expect(scenario).toMatchObject({
      service: 'cart',
      namespace: 'store',
      from: 'frontend',
      versions: { 'v1.4': { version: '1.4' }, 'v1.5': { version: '1.5' } },
    });
  });

  test('overwrites nothing unless told to', async () => {
    const cwd = folders.make({});
    await init(cwd);
    const file = path.join(cwd, 'scenarios/shop-canary/scenario.yaml');
    writeFileSync(file, '# mine\n');
    expect(await refusal(cwd)).toContainEqual(
      'scenarios/shop-canary/scenario.yaml:-: is there already (choose another --name or --dir, or say --force)',
    );
    expect(readFileSync(file, 'utf8')).toBe('# mine\n');
    await init(cwd, '--force');
    expect(readFileSync(file, 'utf8')).toContain('name: shop-canary');
  });

  test('prints one JSON document with --json', async () => {
    const document = JSON.parse(await init(folders.make({}), '--json')) as { scenario: string; files: string[] };
    expect(document.scenario).toBe('scenarios/shop-canary/scenario.yaml');
    expect(document.files).toContain('scenarios/shop-canary/virtual-service-canary.yaml');
  });

  test('refuses names that no cluster takes, all at once, and writes nothing', async () => {
    const cwd = folders.make({});
    const problems = await refusal(cwd, '--service', 'My_Shop', '--name', '../x', '--versions', 'v1', '--from', 'a/b');
    expect(problems.map((text) => text.split(':')[0])).toEqual(['--service', '--name', '--from', '--versions']);
    expect(existsSync(path.join(cwd, 'scenarios'))).toBe(false);
  });

  test.each([['v1,v1'], ['1.4,1-4'], ['a,b,c'], ['a,']])('refuses the versions %s', async (versions) => {
    expect(await refusal(folders.make({}), '--versions', versions)).toEqual([
      expect.stringContaining('needed are two different label values'),
    ]);
  });
});
