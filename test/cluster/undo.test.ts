import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyOf } from '../../src/cluster/client.js';
import { withoutVolatile } from '../../src/cluster/objects.js';
import {
  readUndoFromCluster,
  readUndoFromDisk,
  UNDO_CONFIG_MAP,
  UndoList,
  undoRecord,
} from '../../src/cluster/undo.js';
import { testCluster, virtualService } from '../support/cluster.js';

const other = virtualService('other', 50);
const listInCluster = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'demo', name: UNDO_CONFIG_MAP };

describe('the write-ahead list', () => {
  it('puts back what was changed, deletes what was created, recreates what was deleted, and leaves nothing of itself', async () => {
    const { client, dir } = await testCluster();
    const changed = await client.create(virtualService('changed', 10));
    const deleted = await client.create(virtualService('deleted', 20));
    const undo = new UndoList(client, join(dir, 'run', 'undo.ndjson'), 'run-1', 'demo');

    await undo.record(keyOf(changed), changed);
    await client.replace({ ...changed, spec: virtualService('changed', 77).spec ?? {} });
    await undo.record(keyOf(deleted), deleted);
    await client.remove(keyOf(deleted));
    await undo.record(keyOf(other), undefined);
    await client.create(other);

    const results = await undo.undo();
    expect(results.map(({ object, result }) => `${result} ${object}`)).toEqual([
      'deleted VirtualService/demo/other',
      'recreated VirtualService/demo/deleted',
      'restored VirtualService/demo/changed',
    ]);
    expect(results[1]?.note).toContain('younger than before');
    expect(withoutVolatile((await client.get(keyOf(changed)))!)).toEqual(withoutVolatile(changed));
    expect(withoutVolatile((await client.get(keyOf(deleted)))!)).toEqual(withoutVolatile(deleted));
    expect(await client.get(keyOf(other))).toBeUndefined();
    expect(await client.get(listInCluster)).toBeUndefined();
    expect(readUndoFromDisk(join(dir, 'run', 'undo.ndjson'))).toBeUndefined();
  });

  it('goes back to before the first change of an object, however often it changes', async () => {
    const { client, dir } = await testCluster();
    const first = await client.create(virtualService('shop', 10));
    const undo = new UndoList(client, join(dir, 'undo.ndjson'), 'run-1', 'demo');
    for (const weight of [20, 30]) {
      const live = (await client.get(keyOf(first)))!;
      await undo.record(keyOf(live), live);
      await client.replace({ ...live, spec: virtualService('shop', weight).spec ?? {} });
    }
    expect(undo.size).toBe(1);
    await undo.undo();
    expect((await client.get(keyOf(first)))?.spec).toEqual(first.spec);
  });

  it('is in the cluster and on disk before the change, readable by another process, for its owner only', async () => {
    const { client, dir } = await testCluster();
    const file = join(dir, 'undo.ndjson');
    const before = await client.create(virtualService('shop', 10));
    await new UndoList(client, file, 'run-1', 'demo').record(keyOf(before), before);
    expect(readUndoFromDisk(file)).toEqual(await readUndoFromCluster(client, 'demo'));
    expect(readUndoFromDisk(file)).toMatchObject({
      runId: 'run-1',
      namespace: 'demo',
      server: client.server,
      entries: [{ before: { metadata: { name: 'shop' } } }],
    });
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('passes over a torn last line, whose change was never made, and refuses a broken one before it', async () => {
    const { client, dir } = await testCluster();
    const file = join(dir, 'undo.ndjson');
    await new UndoList(client, file, 'run-1', 'demo').record(keyOf(other), undefined);
    const whole = readFileSync(file, 'utf8');
    appendFileSync(file, '{"key":{"api');
    expect(readUndoFromDisk(file)?.entries).toHaveLength(1);
    writeFileSync(file, `{"broken\n${whole}`);
    expect(() => readUndoFromDisk(file)).toThrow(/undo\.ndjson:1 is no JSON/);
  });

  it('keeps the list when an object cannot be put back, and tries the others', async () => {
    const { client, dir } = await testCluster();
    const file = join(dir, 'undo.ndjson');
    const undo = new UndoList(client, file, 'run-1', 'demo');
    await undo.record(keyOf(other), undefined);
    await client.create(other);
    await undo.record(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'late', name: 'c' },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'late' } },
    );
    const results = await undo.undo();
    expect(results.map(({ result }) => result)).toEqual(['failed', 'deleted']);
    expect(await client.get(listInCluster)).toBeDefined();
    const record = readUndoFromDisk(file);
    expect(record?.entries).toHaveLength(2);
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'late' } });
    expect((await undoRecord(client, record!, file)).map(({ result }) => result)).toEqual(['recreated', 'deleted']);
    expect(readUndoFromDisk(file)).toBeUndefined();
  });

  it('refuses a change whose inverse is too large for the cluster, before anything is written', async () => {
    const { client, dir } = await testCluster();
    const file = join(dir, 'undo.ndjson');
    const big = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'big', namespace: 'demo' },
      data: { a: 'ä'.repeat(600_000) },
    };
    const undo = new UndoList(client, file, 'run-1', 'demo');
    const refused = undo.record(keyOf(big), big);
    await expect(refused).rejects.toMatchObject({ code: 'E_UNDO', exitCode: 4 });
    await expect(refused).rejects.toThrow(/would have 12\d{5} bytes with ConfigMap\/demo\/big/);
    expect(undo.size).toBe(0);
    expect(existsSync(file)).toBe(false);
    expect(await client.get(listInCluster)).toBeUndefined();
  });

  it('leaves the cluster alone when another run has taken over: that one has undone these changes', async () => {
    const { client, dir } = await testCluster();
    const shop = await client.create(virtualService('shop', 10));
    const [mine, theirs] = [join(dir, 'mine.ndjson'), join(dir, 'theirs.ndjson')];
    const lost = new UndoList(client, mine, 'run-1', 'demo');
    await lost.record(keyOf(shop), shop);
    await client.replace({ ...shop, spec: virtualService('shop', 20).spec ?? {} });
    await new UndoList(client, theirs, 'run-2', 'demo').record(keyOf(other), undefined);
    expect(await lost.undo()).toEqual([]);
    expect((await client.get(keyOf(shop)))?.spec).toEqual(virtualService('shop', 20).spec);
    expect(readUndoFromDisk(mine)).toBeUndefined();
    expect((await readUndoFromCluster(client, 'demo'))?.runId).toBe('run-2');
  });

  it('says which ConfigMap is no list of changes', async () => {
    const { client } = await testCluster();
    await client.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: UNDO_CONFIG_MAP, namespace: 'demo' },
      data: { undo: '{"torn' },
    });
    await expect(readUndoFromCluster(client, 'demo')).rejects.toThrow(/demo\/weighbridge-undo is no list of changes/);
  });

  it('does not put back an object that is still being deleted', async () => {
    const { client, dir } = await testCluster();
    const held = virtualService('held', 10);
    const live = await client.create({ ...held, metadata: { ...held.metadata, finalizers: ['example.com/wait'] } });
    const undo = new UndoList(client, join(dir, 'undo.ndjson'), 'run-1', 'demo');
    await undo.record(keyOf(live), live);
    await client.remove(keyOf(live));
    expect(await undo.undo()).toEqual([
      { object: 'VirtualService/demo/held', result: 'failed', note: expect.stringContaining('still being deleted') },
    ]);
  });
});
