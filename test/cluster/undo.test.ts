import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

describe('the write-ahead list', () => {
  it('puts back what was changed, deletes what was created, recreates what was deleted, and leaves nothing of itself', async () => {
    const { client, dir, store } = await testCluster();
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
    expect(store.get('configmaps', 'demo', UNDO_CONFIG_MAP)).toBeUndefined();
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
    const { client, dir, store } = await testCluster();
    const file = join(dir, 'undo.ndjson');
    const undo = new UndoList(client, file, 'run-1', 'demo');
    await undo.record(keyOf(other), undefined);
    await client.create(other);
    await undo.record(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'gone', name: 'c' },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'gone' } },
    );
    const results = await undo.undo();
    expect(results.map(({ result }) => result)).toEqual(['failed', 'deleted']);
    expect(store.get('configmaps', 'demo', UNDO_CONFIG_MAP)).toBeDefined();
    const record = readUndoFromDisk(file);
    expect(record?.entries).toHaveLength(2);
    store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gone' } });
    expect((await undoRecord(client, record!, file)).map(({ result }) => result)).toEqual(['recreated', 'deleted']);
    expect(readUndoFromDisk(file)).toBeUndefined();
  });
});
