import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { ratio } from '../../src/base/units.js';
import { readUndoFromDisk, UndoList } from '../../src/cluster/undo.js';
import { applyStage, checkChanges } from '../../src/release/changes.js';
import type { ManifestObject, ObjectRef, Stage } from '../../src/scenario/types.js';
import { onLab, type TestCluster, testCluster, virtualService } from '../support/cluster.js';

const manifest = (object: KubeObject, line = 1): ManifestObject => ({ object, file: 'canary.yaml', line, lines: {} });
const stage = (apply: readonly KubeObject[], remove: readonly ObjectRef[] = []): Stage => ({
  name: 'canary',
  apply: apply.map((object, index) => manifest(object, 1 + 10 * index)),
  delete: remove,
  expect: { share: undefined, by: 'weight', mirror: undefined, errors: undefined },
  precision: { margin: ratio(0.03), errorRate: ratio(0.0001), absence: ratio(0.01) },
});
const service = (selector: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: { selector, ports: [{ name: 'http', port: 80 }] },
});
const ref = (name: string, kind = 'VirtualService'): ObjectRef => ({ kind, namespace: 'demo', name });

/** Makes the changes of a stage. @returns what was told, as `result object` */
async function make({ client, dir }: TestCluster, changes: Stage, undo?: UndoList): Promise<string[]> {
  const told: string[] = [];
  await applyStage(client, changes, undo ?? new UndoList(client, join(dir, 'undo.ndjson'), 'run-1', 'demo'), (event) =>
    told.push(`${event.result} ${event.object}`),
  );
  return told;
}

describe('the changes of a stage', () => {
  it('are made in order and told one by one; what already stands is not touched', async () => {
    const cluster = await testCluster();
    const { client } = cluster;
    await client.create(virtualService('old', 10));
    await client.create(virtualService('same', 10));
    await client.create(service({ app: 'shop', version: 'v1' }));
    const told = await make(
      cluster,
      stage(
        [virtualService('new', 10), virtualService('same', 10), service({ app: 'shop' })],
        [ref('old'), ref('absent'), ref('nothing', 'HTTPRoute')],
      ),
    );
    expect(told).toEqual([
      'created VirtualService/demo/new',
      'unchanged VirtualService/demo/same',
      'configured Service/demo/shop',
      'deleted VirtualService/demo/old',
      'absent VirtualService/demo/absent',
      'absent HTTPRoute/demo/nothing',
    ]);
    const key = { apiVersion: 'v1', kind: 'Service', namespace: 'demo', name: 'shop' };
    expect((await client.get(key))?.spec?.selector).toEqual({ app: 'shop' });
  });

  it.runIf(onLab())('are each undone by what stands on disk before they are made', async () => {
    const cluster = await testCluster();
    const { client, store, dir } = cluster;
    await client.create(virtualService('changed', 10));
    await client.create(virtualService('deleted', 20));
    const file = join(dir, 'undo.ndjson');
    const recorded: string[] = [];
    store.subscribe(({ type, resource, object }) => {
      if (resource !== 'virtualservices.networking.istio.io') return;
      const entry = readUndoFromDisk(file)?.entries.find(({ key }) => key.name === object.metadata.name);
      recorded.push(
        `${type} ${object.metadata.name}: ${entry?.before === null ? 'absent' : entry?.before?.metadata.name}`,
      );
    });
    await make(cluster, stage([virtualService('changed', 30), virtualService('created', 30)], [ref('deleted')]));
    expect(recorded.map((line) => line.replace(/^\w+/, (type) => type.toLowerCase()))).toEqual([
      'modified changed: changed',
      'added created: absent',
      'deleted deleted: deleted',
    ]);
  });

  it('are tried again when somebody else wrote in between', async () => {
    const cluster = await testCluster();
    const { client, dir } = cluster;
    const first = await client.create(virtualService('shop', 10));
    const undo = new UndoList(client, join(dir, 'undo.ndjson'), 'run-1', 'demo');
    const record = undo.record.bind(undo);
    let writes = 0;
    undo.record = async (key, before) => {
      await record(key, before);
      // A controller annotates the object after it was read.
      const live = await client.get(key);
      if (live && writes++ < 2)
        await client.replace({ ...live, metadata: { ...live.metadata, annotations: { seen: String(writes) } } });
    };
    expect(await make(cluster, stage([virtualService('shop', 40)]), undo)).toEqual([
      'configured VirtualService/demo/shop',
    ]);
    const live = await client.get({ ...first, kind: 'VirtualService', namespace: 'demo', name: 'shop' });
    expect(live?.spec).toEqual(virtualService('shop', 40).spec);
    expect(live?.metadata.annotations).toMatchObject({ seen: '2' });
  });

  it('are refused with the place of the manifest and the words of the API server', async () => {
    const cluster = await testCluster();
    const wrong = { ...virtualService('shop', 10), spec: { hosts: 'shop' } };
    const refused = make(cluster, stage([virtualService('fine', 10), wrong]));
    await expect(refused).rejects.toMatchObject({ code: 'E_APPLY', exitCode: 4 });
    await expect(refused).rejects.toThrow(/refuses VirtualService\/demo\/shop of canary\.yaml:11: .*hosts/);
  });

  it('are not made when their inverse cannot be kept', async () => {
    const cluster = await testCluster();
    const undo = new UndoList(cluster.client, join(cluster.dir, 'kubeconfig', 'undo.ndjson'), 'run-1', 'demo');
    await expect(make(cluster, stage([virtualService('shop', 10)]), undo)).rejects.toMatchObject({ code: 'E_UNDO' });
    expect(await cluster.client.list('networking.istio.io/v1', 'VirtualService', 'demo')).toEqual([]);
  });

  it('are refused all at once, before the first, when they touch a Secret or an unknown kind', async () => {
    const cluster = await testCluster();
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls', namespace: 'demo' }, data: {} };
    const bad = stage([virtualService('shop', 10), secret], [ref('x', 'Widget')]);
    await expect(make(cluster, bad)).rejects.toMatchObject({ exitCode: 3 });
    expect(() => checkChanges([bad])).toThrow(/canary\.yaml:11: a stage may not change Secret\/demo\/tls/);
    expect(() => checkChanges([bad])).toThrow(/cannot delete Widget\/demo\/x/);
    expect(existsSync(join(cluster.dir, 'undo.ndjson'))).toBe(false);
    expect(await cluster.client.list('networking.istio.io/v1', 'VirtualService', 'demo')).toEqual([]);
  });
});
