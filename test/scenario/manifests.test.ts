import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readManifests } from '../../src/scenario/manifests.js';
import { Folders, said } from '../support/scenario.js';

/** Of every Unix; in a constant, because it is no dependency of the package. */
const MAKE_PIPE = 'mkfifo';

const folders = new Folders();
afterAll(() => folders.remove());

const read = (text: string | Uint8Array, options: Parameters<typeof readManifests>[2] = {}) =>
  readManifests('m.yaml', folders.make({ 'm.yaml': text }), options);
const config = (name: string, extra = '') => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${extra}`;

describe('manifests', () => {
  test('of several documents and lists are taken apart, each object with its own place', async () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata:\n      name: c\n      labels:\n        app.kubernetes.io/name: c\n  - {apiVersion: v1, kind: Namespace, metadata: {name: d}}\n`;
    const { objects, problems } = await read(
      `# head\n---\n${config('a')}---\n# nothing here\n---\n${config('b')}...\n---\n${list}`,
      { namespace: 'n' },
    );
    expect(problems).toEqual([]);
    expect(objects.map(({ object, line }) => [object.metadata.name, object.metadata.namespace, line])).toEqual([
      ['a', 'n', 3],
      ['b', 'n', 9],
      ['c', 'n', 17],
      ['d', undefined, 23],
    ]);
    expect(objects[0]?.lines).toEqual({ apiVersion: 3, kind: 4, metadata: 5, 'metadata.name': 5 });
    expect(objects[2]?.lines['metadata.labels["app.kubernetes.io/name"]']).toBe(22);
  });

  test('of a folder come in the order of their names, without other files and subfolders', async () => {
    const cwd = folders.make({
      'f/b.yml': config('b'),
      'f/a.yaml': config('a'),
      'f/c.json': '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}',
      'f/README.md': '- x',
      'f/sub/d.yaml': config('d'),
    });
    const { objects, problems } = await readManifests('f', cwd);
    expect(problems).toEqual([]);
    expect(objects.map(({ object, file }) => `${file} ${object.metadata.name}`)).toEqual([
      'f/a.yaml a',
      'f/b.yml b',
      'f/c.json c',
    ]);
  });

  test('mean what they mean to kubectl: octal modes, words for true, merge keys; but dates and times stay text', async () => {
    const { objects } = await read(
      config('a', 'x: &x {mode: 0644}\ndata:\n  <<: *x\n  on: yes\n  day: 2024-01-02\n  time: 12:30\n'),
    );
    expect(objects[0]?.object.data).toEqual({ mode: 0o644, true: true, day: '2024-01-02', time: '12:30' });
  });

  const istio = (spec: string) =>
    `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n${spec}`;
  test.each<[string, string, string[]]>([
    [
      'a weight beyond 32 bits',
      istio('  http:\n    - route:\n        - {destination: {host: a}, weight: 3000000000}\n'),
      ['m.yaml:7: spec.http[0].route[0].weight: found 3000000000; allowed is an integer from 0 to 2147483647'],
    ],
    [
      'a negative, a broken and a textual weight',
      istio('  http:\n    - route:\n        - weight: -1\n        - weight: 99.5\n        - weight: "90"\n'),
      [
        'm.yaml:7: spec.http[0].route[0].weight: found -1; allowed is an integer from 0 to 2147483647',
        'm.yaml:8: spec.http[0].route[1].weight: found 99.5; allowed is an integer from 0 to 2147483647',
        'm.yaml:9: spec.http[0].route[2].weight: found "90"; allowed is an integer from 0 to 2147483647',
      ],
    ],
    [
      'weights that are all zero',
      istio(
        '  http:\n    - route:\n        - {destination: {host: a}}\n        - {destination: {host: b}, weight: 0}\n',
      ),
      [
        'm.yaml:6: spec.http[0].route: total destination weight = 0; several destinations need weights (write weights that sum to 100)',
      ],
    ],
    [
      'a typo that a lenient client would prune',
      istio('  http:\n    - route:\n        - wieght: 10\n'),
      [
        'm.yaml:7: spec.http[0].route[0].wieght: unknown key "wieght"; allowed are destination, weight, headers (did you mean "weight"?)',
      ],
    ],
    [
      'a mirror percentage above 100',
      istio('  http:\n    - mirrorPercentage: {value: 101}\n      route: [{destination: {host: a}}]\n'),
      ['m.yaml:6: spec.http[0].mirrorPercentage.value: found 101; allowed is a number from 0 to 100'],
    ],
    [
      'a route weight of the Gateway API that is too large',
      'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec: {rules: [{backendRefs: [{name: b, weight: 1000001}]}]}\n',
      ['m.yaml:4: spec.rules[0].backendRefs[0].weight: found 1000001; allowed is an integer from 0 to 1000000'],
    ],
    [
      'labels that YAML does not read as text',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    metadata:\n      labels: {version: 1.0, on: yes}\n      annotations: {x/inject: true}\n',
      [
        'm.yaml:7: spec.template.metadata.labels.version: found 1, which YAML does not read as text; allowed are strings (write version: "1.0")',
        'm.yaml:7: spec.template.metadata.labels.true: found true, which YAML does not read as text; allowed are strings (write true: "true")',
        'm.yaml:8: spec.template.metadata.annotations["x/inject"]: found true, which YAML does not read as text; allowed are strings (write x/inject: "true")',
      ],
    ],
    [
      'a selector that is a number',
      'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {version: 2}}\n',
      [
        'm.yaml:4: spec.selector.version: found 2, which YAML does not read as text; allowed are strings (write version: "2")',
      ],
    ],
    [
      'a kind that its group lacks',
      'apiVersion: networking.istio.io/v1\nkind: VirtualServise\nmetadata: {name: a}\n',
      ['m.yaml:2: kind: networking.istio.io/v1 has no kind "VirtualServise" (did you mean "VirtualService"?)'],
    ],
    [
      'no kind',
      'apiVersion: v1\nmetadata: {name: a}\n',
      ['m.yaml:1: kind: is missing; needed is one such as Deployment'],
    ],
    [
      'no apiVersion and no name',
      'kind: Service\n',
      [
        'm.yaml:1: apiVersion: is missing; needed is one such as v1 or apps/v1',
        'm.yaml:1: metadata.name: is missing; every object needs a name',
      ],
    ],
    [
      'a generated name',
      'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n',
      ['m.yaml:3: metadata.name: is missing; an object that gets a generated name cannot be applied twice'],
    ],
    [
      'a name with capitals',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: A}\n',
      ['m.yaml:3: metadata.name: found "A"; allowed are lower-case letters, digits, "-" and "."'],
    ],
    ['text', 'hello\n', ['m.yaml:1: found "hello"; allowed is an object with apiVersion, kind and metadata.name']],
    ['nothing', '# nothing\n', ['m.yaml:1: holds no object (write one, or leave the file out)']],
    [
      'an item of a list that is none',
      'apiVersion: v1\nkind: List\nitems:\n  - 7\n',
      ['m.yaml:4: found 7; allowed is an object with apiVersion, kind and metadata.name'],
    ],
    [
      'a key that is there twice',
      config('a', 'data: {}\ndata: {}\n'),
      ['m.yaml:5: Map keys must be unique (only one of them can hold; remove the other)'],
    ],
    [
      'broken YAML',
      'a: [1\nb: 2\n',
      ['m.yaml:2: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'a broken document among good ones',
      `${config('a')}---\na: "\n---\n${config('b')}`,
      ['m.yaml:10: Missing closing "quote'],
    ],
    ['deep nesting', '{a: '.repeat(70), ['m.yaml:1: nests deeper than 64 levels (check brackets and indentation)']],
  ])('with %s are refused with the line', async (_, text, expected) => {
    const { problems } = await read(text);
    expect(problems.map(said)).toEqual(expected);
  });

  test('of unknown groups are taken as they are', async () => {
    const { objects, problems } = await read('apiVersion: example.com/v1alpha1\nkind: Thing\nmetadata: {name: a}\n', {
      namespace: 'n',
    });
    expect(problems).toEqual([]);
    expect(objects[0]?.object.metadata.namespace).toBe('n');
  });

  test('that are missing, too large, a device or no text are refused', async () => {
    const cwd = folders.make({
      'big.yaml': 'x'.repeat(4_194_305),
      'bin.yaml': new Uint8Array([97, 58, 32, 10, 0xff]),
      'empty/x.txt': '',
    });
    const problems = async (where: string) => (await readManifests(where, cwd)).problems.map(said);
    expect(await problems('gone.yaml')).toEqual([
      'gone.yaml:-: no such file or folder (check the path and its permissions)',
    ]);
    expect(await problems('big.yaml')).toEqual([
      'big.yaml:-: is larger than 4194304 bytes, the most that is read (split it)',
    ]);
    expect(await problems('bin.yaml')).toEqual(['bin.yaml:2: is not UTF-8 text (save it as UTF-8)']);
    expect(await problems('empty')).toEqual([expect.stringContaining('empty:-: is a folder without *.yaml')]);
    expect(await problems('/dev/zero')).toEqual(['/dev/zero:-: is no regular file (name a text file)']);
  });

  test.skipIf(process.platform === 'win32')('that are a pipe nobody writes to are refused at once', async () => {
    const cwd = folders.make({});
    execFileSync(MAKE_PIPE, [path.join(cwd, 'pipe.yaml')]);
    expect((await readManifests('pipe.yaml', cwd)).problems.map(said)).toEqual([
      'pipe.yaml:-: is no regular file (name a text file)',
    ]);
  });
});
