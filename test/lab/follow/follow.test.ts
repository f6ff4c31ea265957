import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClusterClient, connectCluster } from '../../../src/cluster/client.js';
import { type Lab, startLab } from '../../../src/lab/lab.js';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { deployment, service } from '../../support/objects.js';
import { eventually } from '../../support/poll.js';

const labels = { app: 'web', version: 'v1' };
const SHOP = '/api/v1/namespaces/shop';
const APPS = '/apis/apps/v1/namespaces/shop';

let cluster: Cluster;
let client: ClusterClient;
let folder: string;
let labs: Lab[];

/** An API server without controllers: objects stay as they were written. */
beforeEach(async () => {
  cluster = await startCluster();
  folder = mkdtempSync(join(tmpdir(), 'follow-'));
  writeFileSync(join(folder, 'kubeconfig'), cluster.server.kubeconfig());
  client = await connectCluster({ kubeconfig: join(folder, 'kubeconfig') });
  labs = [];
  await cluster.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
});
afterEach(async () => {
  for (const lab of labs) await lab.close();
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
});

const following = async (): Promise<Lab> => {
  const errors: unknown[] = [];
  const lab = await startLab({ objects: [], apps: {}, follow: client, onError: (error) => errors.push(error) });
  labs.push(lab);
  return lab;
};
const pods = async () => (await cluster.call('GET', `${SHOP}/pods`)).json.items;
const ready = async (count: number) =>
  eventually(async () => {
    const found = (await pods()).filter(
      (pod: { metadata: { deletionTimestamp?: string } }) => !pod.metadata.deletionTimestamp,
    );
    expect(found).toHaveLength(count);
    for (const { status } of found)
      expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    const { status } = (await cluster.call('GET', `${APPS}/deployments/web`)).json;
    expect(status).toMatchObject({ replicas: count, readyReplicas: count });
  });

describe('a lab that follows another API server', () => {
  it('makes ReplicaSets, pods and endpoints there of what is applied there, and their status', async () => {
    await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels, { replicas: 2 }));
    await cluster.call('POST', `${SHOP}/services`, service('web', labels));
    await following();
    await ready(2);
    const [set] = (await cluster.call('GET', `${APPS}/replicasets`)).json.items;
    const { uid } = (await cluster.call('GET', `${APPS}/deployments/web`)).json.metadata;
    expect(set.metadata.ownerReferences[0].uid).toBe(uid);
    for (const pod of await pods()) {
      expect(pod.metadata.ownerReferences[0].uid).toBe(set.metadata.uid);
      expect(pod.spec.nodeName).toBe('lab');
    }
    await eventually(async () => {
      const { subsets } = (await cluster.call('GET', `${SHOP}/endpoints/web`)).json;
      expect(subsets[0].addresses).toHaveLength(2);
    });
  });

  it('follows scaling, new templates and deletions', async () => {
    await following();
    await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels));
    await ready(1);
    const merge = { 'Content-Type': 'application/merge-patch+json' };
    await cluster.call('PATCH', `${APPS}/deployments/web`, { spec: { replicas: 3 } }, merge);
    await ready(3);
    const [before] = await pods();
    await cluster.call('DELETE', `${SHOP}/pods/${before.metadata.name}`);
    await eventually(async () =>
      expect((await pods()).map(({ metadata }: never) => (metadata as { name: string }).name)).not.toContain(
        before.metadata.name,
      ),
    );
    await ready(3);
    await cluster.call('DELETE', `${APPS}/deployments/web`);
    await eventually(async () => expect(await pods()).toEqual([]));
    expect((await cluster.call('GET', `${APPS}/replicasets`)).json.items).toEqual([]);
  });

  it('takes over what an earlier one left', async () => {
    await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels, { replicas: 2 }));
    const first = await following();
    await ready(2);
    const names = (await pods()).map((pod: { metadata: { name: string } }) => pod.metadata.name).sort();
    await first.close();
    labs = [];
    await following();
    await ready(2);
    expect((await pods()).map((pod: { metadata: { name: string } }) => pod.metadata.name).sort()).toEqual(names);
  });

  it('comes to rest: an unchanged cluster is not written to', async () => {
    await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels, { replicas: 2 }));
    await cluster.call('POST', `${SHOP}/services`, service('web', labels));
    await following();
    await ready(2);
    let version = -1;
    await eventually(async () => {
      const before = version;
      version = cluster.store.resourceVersion;
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(cluster.store.resourceVersion).toBe(before);
    }, 10_000);
  });

  it('refuses a cluster that has nodes of its own', async () => {
    await cluster.call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1' } });
    await expect(following()).rejects.toMatchObject({ code: 'E_FOLLOW', exitCode: 4 });
  });
});
