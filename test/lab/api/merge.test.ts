import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSideApply } from '../../../src/lab/api/apply.js';
import { fieldsOf, fromFieldsV1, printPath, toFieldsV1 } from '../../../src/lab/api/fields.js';
import type { Dict } from '../../../src/lab/api/lists.js';
import { afterUpdate, type Manager, type Ownership, readManaged, writeManaged } from '../../../src/lab/api/managed.js';
import { mergePatch, patched } from '../../../src/lab/api/patch.js';
import { strategicMerge } from '../../../src/lab/api/strategic.js';
import { resourceKind } from '../../../src/lab/control/resources.js';
import { deployment, service } from '../../support/objects.js';

const deployments = resourceKind('deployments.apps')!;
const services = resourceKind('services')!;
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
      'a new container at the end',
      spec([{ name: 'new', image: 'n' }]),
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

describe('field sets', () => {
  it('name items of keyed lists by their keys, and leave out what the server owns', () => {
    const object = { ...deployment('web', { app: 'web' }), status: { replicas: 1 } };
    const printed = [...fieldsOf(deployments, object)].map(printPath);
    expect(printed).toContain(
      '.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].containerPort',
    );
    expect(printed).toContain('.spec.template.spec.containers[name="web"].env[name="A"]');
    expect(printed).toContain('.metadata.labels.app');
    expect(printed.filter((path) => /^\.(status|apiVersion|kind|metadata\.name)/.test(path))).toEqual([]);
    expect([...fieldsOf(deployments, object, 'status')].map(printPath)).toEqual(['.status.replicas']);
  });
  it('survive the way through FieldsV1', () => {
    fc.assert(
      fc.property(json.object, (spec) => {
        const fields = fieldsOf(services, {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'x', labels: { a: 'b' }, finalizers: ['f', 'g'] },
          spec,
        });
        expect([...fromFieldsV1(JSON.parse(JSON.stringify(toFieldsV1(fields))))].sort()).toEqual([...fields].sort());
      }),
      { seed: 2, numRuns: 300 },
    );
  });
});

const manager = (name: string, operation: Manager['operation'] = 'Apply'): Manager => ({
  name,
  operation,
  subresource: undefined,
});
const writer = (name: string, time = 'now') => ({ manager: manager(name), apiVersion: 'v1', time });
const owned = (owners: readonly Ownership[]) =>
  Object.fromEntries(
    owners.map((o) => [`${o.manager.name}/${o.manager.operation}`, [...o.fields].map(printPath).sort()]),
  );

describe('server-side apply', () => {
  const config = (data: Dict, more: Dict = {}): Dict => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x' },
    data,
    ...more,
  });
  it('merges, takes back what is no longer applied, and keeps what others own', () => {
    const first = serverSideApply(configMaps, config({}), config({ a: '1', b: '2' }), [], writer('me'), false);
    const shared = serverSideApply(
      configMaps,
      first.object,
      config({ b: '2', c: '3' }),
      first.owners,
      writer('you'),
      false,
    );
    expect(shared.object.data).toEqual({ a: '1', b: '2', c: '3' });
    const less = serverSideApply(configMaps, shared.object, config({}), shared.owners, writer('me'), false);
    expect(less.object.data).toEqual({ b: '2', c: '3' });
    expect(owned(less.owners)).toEqual({ 'you/Apply': ['.data.b', '.data.c'], 'me/Apply': ['.data'] });
  });
  it('names all conflicts, and moves fields when forced', () => {
    const mine = serverSideApply(configMaps, config({}), config({ a: '1', b: '2' }), [], writer('me'), false);
    const attempt = (force: boolean) =>
      serverSideApply(configMaps, mine.object, config({ a: '8', b: '9' }), mine.owners, writer('you'), force);
    expect(() => attempt(false)).toThrow('Apply failed with 2 conflicts: conflicts with "me":\n- .data.a\n- .data.b');
    const forced = attempt(true);
    expect(forced.object.data).toEqual({ a: '8', b: '9' });
    expect(owned(writeManaged(forced.owners).length ? readManaged(writeManaged(forced.owners)) : [])).toEqual({
      'you/Apply': ['.data.a', '.data.b'],
    });
  });
  it('merges containers by name and removes only its own', () => {
    const live = deployment('web', { app: 'web' }) as unknown as Dict;
    const pods = (...containers: Dict[]): Dict => ({ ...config({}), spec: { template: { spec: { containers } } } });
    const others = afterUpdate(deployments, [], undefined, live, {
      manager: manager('kubectl', 'Update'),
      apiVersion: 'apps/v1',
      time: 't',
    });
    const added = serverSideApply(
      deployments,
      live,
      pods({ name: 'proxy', image: 'p', env: [{ name: 'X', value: '1' }] }),
      others,
      writer('injector'),
      false,
    );
    expect(
      (added.object.spec as { template: { spec: { containers: Dict[] } } }).template.spec.containers.map((c) => c.name),
    ).toEqual(['web', 'proxy']);
    const again = serverSideApply(deployments, added.object, pods(), added.owners, writer('injector'), false);
    expect(
      (again.object.spec as { template: { spec: { containers: Dict[] } } }).template.spec.containers.map((c) => c.name),
    ).toEqual(['web']);
  });
  it('replaces lists of custom resources as a whole, and calls that a conflict of the list', () => {
    const route = (weight: number): Dict => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'x' },
      spec: { http: [{ route: [{ weight }] }] },
    });
    const mine = serverSideApply(virtualServices, route(0), route(90), [], writer('me'), false);
    expect(() => serverSideApply(virtualServices, mine.object, route(50), mine.owners, writer('you'), false)).toThrow(
      'conflict with "me": .spec.http',
    );
  });
  it('changes neither object nor time when the same is applied again', () => {
    const first = serverSideApply(
      services,
      service('x', {}) as unknown as Dict,
      service('x', { app: 'web' }) as unknown as Dict,
      [],
      writer('me', 'early'),
      false,
    );
    const second = serverSideApply(
      services,
      first.object,
      service('x', { app: 'web' }) as unknown as Dict,
      first.owners,
      writer('me', 'late'),
      false,
    );
    expect(second.object).toEqual(first.object);
    expect(writeManaged(second.owners)).toEqual(writeManaged(first.owners));
  });
  it('lets a field that one manager applies read as applied, whatever was there', () => {
    fc.assert(
      fc.property(json.object, json.object, (live, applied) => {
        const result = serverSideApply(configMaps, config(live), config(applied), [], writer('me'), true);
        const withoutNulls = (value: unknown): unknown =>
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.fromEntries(
                Object.entries(value)
                  .filter(([, v]) => v !== null)
                  .map(([k, v]) => [k, withoutNulls(v)]),
              )
            : value;
        // Without list keys or former owners, apply is a merge patch in which null says nothing.
        expect(result.object.data).toEqual(mergePatch(live, withoutNulls(applied)));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('ownership after plain writes', () => {
  it('moves changed fields to the writer and forgets removed ones', () => {
    const before = { metadata: { name: 'x' }, data: { a: '1', b: '2', c: '3' } };
    const after = { metadata: { name: 'x' }, data: { a: '1', b: '9' } };
    const me = afterUpdate(configMaps, [], undefined, before, {
      manager: manager('me', 'Update'),
      apiVersion: 'v1',
      time: 't',
    });
    const both = afterUpdate(configMaps, me, before, after, {
      manager: manager('you', 'Update'),
      apiVersion: 'v1',
      time: 't',
    });
    expect(owned(both)).toEqual({ 'me/Update': ['.data.a'], 'you/Update': ['.data.b'] });
    expect(
      afterUpdate(configMaps, both, after, after, { manager: manager('they', 'Update'), apiVersion: 'v1', time: 't' }),
    ).toEqual(both);
  });
});
