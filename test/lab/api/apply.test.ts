import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSideApply } from '../../../src/lab/api/apply.js';
import { fieldsOf, fromFieldsV1, printPath, toFieldsV1 } from '../../../src/lab/api/fields.js';
import type { Dict } from '../../../src/lab/api/lists.js';
import { afterUpdate, type Manager, type Ownership, readManaged, writeManaged } from '../../../src/lab/api/managed.js';
import { mergePatch } from '../../../src/lab/api/patch.js';
import { resourceKind } from '../../../src/lab/control/resources.js';
import { deployment, service } from '../../support/objects.js';

const deployments = resourceKind('deployments.apps')!;
const services = resourceKind('services')!;
const configMaps = resourceKind('configmaps')!;
const virtualServices = resourceKind('virtualservices.networking.istio.io')!;

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
    expect(owned(both)).toEqual({ 'me/Update': ['.data', '.data.a'], 'you/Update': ['.data.b'] });
    expect(
      afterUpdate(configMaps, both, after, after, { manager: manager('they', 'Update'), apiVersion: 'v1', time: 't' }),
    ).toEqual(both);
  });
});
