import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dict } from '../../../src/lab/api/lists.js';
import { mergePatch, patched } from '../../../src/lab/api/patch.js';
import { strategicMerge } from '../../../src/lab/api/strategic.js';
import { resourceKind } from '../../../src/lab/control/resources.js';

const deployments = resourceKind('deployments.apps')!;
const configMaps = resourceKind('configmaps')!;
const virtualServices = resourceKind('virtualservices.networking.istio.io')!;

describe('strategic merge patch', () => {
  const spec = (containers: unknown[], more: Dict = {}): Dict => ({
    spec: { template: { spec: { containers, ...more } } },
  });
  const live = spec([
    {
      name: 'web',
      image: 'web:1',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
      ports: [{ containerPort: 80 }],
    },
    { name: 'proxy', image: 'proxy:1' },
  ]);
  it.each<[string, Dict, Dict]>([
    [
      'a container by its name',
      spec([{ name: 'web', image: 'web:2' }]),
      spec([
        {
          name: 'web',
          image: 'web:2',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
          ports: [{ containerPort: 80 }],
        },
        { name: 'proxy', image: 'proxy:1' },
      ]),
    ],
    [
      'a new container before those that the patch does not name',
      spec([{ name: 'new', image: 'n' }]),
      spec([
        { name: 'new', image: 'n' },
        ...((live.spec as Dict).template as { spec: { containers: unknown[] } }).spec.containers,
      ]),
    ],
    [
      'a new container where $setElementOrder has it',
      {
        spec: {
          template: {
            spec: {
              '$setElementOrder/containers': [{ name: 'web' }, { name: 'proxy' }, { name: 'new' }],
              containers: [{ name: 'new', image: 'n' }],
            },
          },
        },
      },
      spec([
        ...((live.spec as Dict).template as { spec: { containers: unknown[] } }).spec.containers,
        { name: 'new', image: 'n' },
      ]),
    ],
    ['an item that is to go', spec([{ name: 'web', $patch: 'delete' }]), spec([{ name: 'proxy', image: 'proxy:1' }])],
    ['a list that is to be replaced', spec([{ $patch: 'replace' }, { name: 'only' }]), spec([{ name: 'only' }])],
    [
      'an environment variable and a port by their keys',
      spec([
        {
          name: 'web',
          env: [
            { name: 'B', value: '3' },
            { name: 'A', $patch: 'delete' },
          ],
          ports: [{ containerPort: 80, name: 'http' }],
          '$setElementOrder/env': [{ name: 'B' }],
        },
      ]),
      spec([
        { name: 'web', image: 'web:1', env: [{ name: 'B', value: '3' }], ports: [{ containerPort: 80, name: 'http' }] },
        { name: 'proxy', image: 'proxy:1' },
      ]),
    ],
    [
      'null away',
      spec([{ name: 'web', env: null, ports: null }]),
      spec([
        { name: 'web', image: 'web:1' },
        { name: 'proxy', image: 'proxy:1' },
      ]),
    ],
    ['an object that is to be replaced', { spec: { $patch: 'replace', paused: true } }, { spec: { paused: true } }],
    [
      'an object of which only some keys stay',
      { spec: { template: { spec: { $retainKeys: ['x'], x: 1 } } } },
      { spec: { template: { spec: { x: 1 } } } },
    ],
    [
      'a list without keys as a whole',
      spec([{ name: 'proxy', args: ['a'] }], { tolerations: [{ key: 'k' }] }),
      spec(
        [
          ((live.spec as Dict).template as { spec: { containers: Dict[] } }).spec.containers[0]!,
          { name: 'proxy', image: 'proxy:1', args: ['a'] },
        ].map((c) => c) as unknown[],
        { tolerations: [{ key: 'k' }] },
      ),
    ],
  ])('merges %s', (_, patch, expected) => {
    const before = structuredClone(live);
    expect(strategicMerge(deployments, live, patch)).toEqual(expected);
    expect(live).toEqual(before);
  });
  it('merges finalizers as a set and deletes from them by value', () => {
    const object = { metadata: { finalizers: ['a', 'b'] } };
    expect(strategicMerge(configMaps, object, { metadata: { finalizers: ['b', 'c'] } })).toEqual({
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    expect(strategicMerge(configMaps, object, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } })).toEqual({
      metadata: { finalizers: ['b'] },
    });
  });
  it('refuses an item without its key and an unknown directive', () => {
    expect(() => strategicMerge(deployments, live, spec([{ image: 'x' }]))).toThrow(
      'does not contain declared merge key: name',
    );
    expect(() => strategicMerge(deployments, live, { spec: { $patch: 'what' } })).toThrow(
      'unknown patch type found: what',
    );
  });
  it('is not offered for custom resources', () => {
    expect(() => patched(virtualServices, 'x', { metadata: {} }, 'application/strategic-merge-patch+json', {})).toThrow(
      'accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
  });
});

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('x', 'y'),
    fc.array(tie('value'), { maxLength: 2 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
}));

/** RFC 7396 section 2, its pseudo-code word by word. */
function referenceMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Dict = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      if (name in result) delete result[name];
    } else result[name] = referenceMergePatch(result[name], value);
  }
  return result;
}

describe('merge patch', () => {
  it('is that of RFC 7396 and leaves its arguments alone', () => {
    fc.assert(
      fc.property(json.value, json.value, (target, patch) => {
        const before = structuredClone([target, patch]);
        expect(mergePatch(target, patch)).toEqual(referenceMergePatch(target, patch));
        expect([target, patch]).toEqual(before);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('JSON patch', () => {
  const type = 'application/json-patch+json';
  const live = { metadata: { name: 'x' }, data: { a: '1', 'b/c': '2' } };
  it('applies all operations to a copy', () => {
    const operations = [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '3' },
      { op: 'move', from: '/data/b~1c', path: '/data/d' },
      { op: 'copy', from: '/data/d', path: '/data/e' },
      { op: 'remove', path: '/data/d' },
      { op: 'add', path: '/list', value: [1] },
      { op: 'add', path: '/list/-', value: 2 },
    ];
    expect(patched(configMaps, 'x', live, type, operations)).toEqual({
      metadata: { name: 'x' },
      data: { a: '3', e: '2' },
      list: [1, 2],
    });
    expect(live.data.a).toBe('1');
  });
  it.each([
    ['a test that fails', [{ op: 'test', path: '/data/a', value: '9' }], 422],
    ['a path that is not there', [{ op: 'remove', path: '/data/z' }], 422],
    ['no list of operations', { op: 'remove', path: '/data/a' }, 400],
    ['an unknown operation', [{ op: 'destroy', path: '/data' }], 400],
    ['an operation without a path', [{ op: 'remove' }], 400],
    ['too many operations', Array(10_001).fill({ op: 'test', path: '', value: 1 }), 413],
  ])('refuses %s', (_, operations, code) => {
    expect(() => patched(configMaps, 'x', live, type, operations)).toThrow(expect.objectContaining({ code }));
  });
});
