import { describe, expect, it } from 'vitest';
import { ASK, explain, FILES, folder } from '../support/explain.js';
import { SERVICE } from '../support/mesh.js';

const virtualService = (spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop, namespace: demo}\nspec:\n${spec}`;
const asked = (yaml: string) => explain(folder({ ...FILES, 'm/zz.yaml': yaml }), ...ASK);

describe('types that an API server refuses end explain with exit code 3, file, line and remedy', () => {
  it.each<[string, string, string]>([
    [
      'a host instead of a list',
      virtualService('  hosts: shop\n'),
      'zz.yaml:5: spec.hosts: found a string; allowed is an array\n',
    ],
    [
      'a word that YAML takes for yes',
      virtualService('  hosts: [shop]\n  http:\n    - route: [{destination: {host: y}}]\n'),
      'zz.yaml:7: spec.http[0].route[0].destination.host: found a boolean; allowed is a string\n    put it in quotes\n',
    ],
    [
      'a time without its unit',
      virtualService('  hosts: [shop]\n  http:\n    - timeout: 3\n'),
      'zz.yaml:7: spec.http[0].timeout: found an integer; allowed is a string\n    put it in quotes\n',
    ],
    [
      'a port in quotes',
      SERVICE.replace('port: 80', 'port: "80"'),
      'zz.yaml:5: spec.ports[0].port: found a string; allowed is an integer\n',
    ],
  ])('%s', async (_says, yaml, told) => {
    await expect(asked(yaml)).rejects.toMatchObject({ code: 'E_CONFIG', exitCode: 3 });
    const error: unknown = await asked(yaml).catch((thrown: unknown) => thrown);
    expect(String((error as Error).message)).toContain(told.trim());
  });

  it('what is said of a field once is not said again', async () => {
    const yaml = virtualService('  hosts: [shop]\n  http:\n    - route: [{destination: {host: shop}, weight: "90"}]\n');
    const error: unknown = await asked(yaml).catch((thrown: unknown) => thrown);
    expect((error as { problems: unknown[] }).problems).toHaveLength(1);
  });
});

describe('fields that nothing reads are told with what may be meant', () => {
  const warnings = async (yaml: string) => {
    const { stdout } = await explain(folder({ ...FILES, 'm/zz.yaml': yaml }), ...ASK, '--json');
    return (JSON.parse(stdout).warnings as { code: string }[]).filter(({ code }) => code === 'FIELD_UNKNOWN');
  };
  it.each<[string, string, string, RegExp]>([
    [
      'of a destination',
      virtualService('  hosts: [shop]\n  http:\n    - route: [{destination: {host: shop, subst: v1}}]\n'),
      'spec.http[0].route[0].destination.subst',
      /Did you mean "subset"\?$/,
    ],
    [
      'of a port',
      SERVICE.replace('name: http,', 'name: http, appProtocl: http,'),
      'spec.ports[0].appProtocl',
      /Did you mean "appProtocol"\?$/,
    ],
    [
      'that is like no other',
      virtualService('  hosts: [shop]\n  http:\n    - {route: [{destination: {host: shop}}], sticky: true}\n'),
      'spec.http[0].sticky',
      /drops it\.$/,
    ],
  ])('%s', async (_says, yaml, field, message) => {
    expect(await warnings(yaml)).toEqual([
      expect.objectContaining({ field, file: 'm/zz.yaml', message: expect.stringMatching(message) }),
    ]);
  });

  it('fields of kinds that are not known are left alone', async () => {
    expect(await warnings('apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {x: 1}\n')).toEqual([]);
  });
});
