import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { restoreCommand } from '../../src/cli/commands/restore.js';
import type { Io, Output } from '../../src/cli/io.js';
import { keyOf } from '../../src/cluster/client.js';
import { UndoList } from '../../src/cluster/undo.js';
import { type TestCluster, testCluster, virtualService } from '../support/cluster.js';

/** `weighbridge restore ARGS` in the folder of the cluster. */
async function restore(
  { dir }: TestCluster,
  ...args: string[]
): Promise<{ stdout: string; stderr: string; code: number }> {
  const result = { stdout: '', stderr: '', code: 0 };
  const output = (name: 'stdout' | 'stderr'): Output => ({
    write(text) {
      result[name] += text;
    },
    isTTY: false,
    columns: 80,
    color: false,
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: {},
    cwd: dir,
    stdin: process.stdin,
    signal: new AbortController().signal,
    setExitCode(code) {
      result.code = code;
    },
  };
  await restoreCommand(io).parseAsync(['--kubeconfig', join(dir, 'kubeconfig'), ...args], { from: 'user' });
  return result;
}

/** A run that created a VirtualService and died. */
async function deadRun({ client, dir }: TestCluster, runId: string): Promise<UndoList> {
  const route = virtualService(runId, 10);
  const undo = new UndoList(client, join(dir, 'reports', runId, 'undo.ndjson'), runId, 'demo');
  await undo.record(keyOf(route), undefined);
  await client.create(route);
  return undo;
}

describe('weighbridge restore', () => {
  it('undoes the newest run that left something, releases the lease, and has nothing to do a second time', async () => {
    const cluster = await testCluster();
    await deadRun(cluster, 'run-1');
    expect((await restore(cluster)).stdout).toBe('run run-1, namespace demo:\n  deleted   VirtualService/demo/run-1\n');
    expect(await cluster.client.list('networking.istio.io/v1', 'VirtualService', 'demo')).toEqual([]);
    expect(await cluster.client.list('coordination.k8s.io/v1', 'Lease', 'demo')).toEqual([]);
    expect((await restore(cluster, '--json')).stdout).toBe('{"restored":[]}\n');
  });

  it('finds the list in the cluster alone, as another machine has to', async () => {
    const cluster = await testCluster();
    await deadRun(cluster, 'run-1');
    const { stdout } = await restore(cluster, '--namespace', 'demo', '--reports', 'elsewhere', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ runId: 'run-1', restored: [{ result: 'deleted' }] });
  });

  it('does not undo again what was undone from elsewhere, unless the run is named', async () => {
    const cluster = await testCluster();
    const undo = await deadRun(cluster, 'run-1');
    const list = readFileSync(join(cluster.dir, 'reports/run-1/undo.ndjson'), 'utf8');
    await undo.undo();
    writeFileSync(join(cluster.dir, 'reports/run-1/undo.ndjson'), list);
    await cluster.client.create(virtualService('run-1', 50));

    const { stdout, stderr } = await restore(cluster);
    expect(stdout).toMatch(/nothing to restore/);
    expect(stderr).toMatch(/already undone from elsewhere: run-1/);
    expect(await cluster.client.get(keyOf(virtualService('run-1', 50)))).toBeDefined();
    expect((await restore(cluster, 'run-1')).stdout).toMatch(/deleted +VirtualService\/demo\/run-1/);
  });

  it('refuses a run that another has taken over from', async () => {
    const cluster = await testCluster();
    const first = await deadRun(cluster, 'run-1');
    const list = readFileSync(join(cluster.dir, 'reports/run-1/undo.ndjson'), 'utf8');
    await first.undo();
    writeFileSync(join(cluster.dir, 'reports/run-1/undo.ndjson'), list);
    await deadRun(cluster, 'run-2');
    await expect(restore(cluster, 'run-1')).rejects.toThrow(/run run-2 has undone the changes of run-1/);
  });

  it('refuses a list of another cluster, and one that is not there', async () => {
    const cluster = await testCluster();
    const folder = join(cluster.dir, 'reports/run-9');
    mkdirSync(folder, { recursive: true });
    const entry = { key: keyOf(virtualService('x', 1)), before: null };
    const head = { runId: 'run-9', namespace: 'demo', server: 'https://prod.example.com' };
    writeFileSync(join(folder, 'undo.ndjson'), `${JSON.stringify(head)}\n${JSON.stringify(entry)}\n`);
    for (const args of [[], ['run-9']])
      await expect(restore(cluster, ...args)).rejects.toThrow(/changed the cluster https:\/\/prod\.example\.com, but/);
    await expect(restore(cluster, 'run-0')).rejects.toMatchObject({ code: 'E_RUN', exitCode: 4 });
  });

  it('waits for nobody: it is refused while a run works in the namespace', async () => {
    const cluster = await testCluster();
    await deadRun(cluster, 'run-1');
    await cluster.client.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'weighbridge', namespace: 'demo' },
      spec: {
        holderIdentity: 'elsewhere/1/run-2',
        leaseDurationSeconds: 30,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    });
    await expect(restore(cluster)).rejects.toMatchObject({ code: 'E_LEASE', exitCode: 4 });
    expect(await cluster.client.get(keyOf(virtualService('run-1', 10)))).toBeDefined();
  });

  it('ends with exit code 4 when something cannot be put back', async () => {
    const cluster = await testCluster();
    const undo = await deadRun(cluster, 'run-1');
    await undo.record(
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'gone', name: 'c' },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'gone' } },
    );
    const { stdout, code } = await restore(cluster);
    expect(stdout).toMatch(/failed +ConfigMap\/gone\/c/);
    expect(code).toBe(4);
  });
});
