import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../../../src/lab/control/store.js';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { deployment, service, virtualService } from '../../support/objects.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ store: new Store() });
});
afterAll(() => cluster.close());
beforeEach(async () => {
  await cluster.call('DELETE', '/api/v1/namespaces/shop');
  await cluster.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
});

const SHOP = '/api/v1/namespaces/shop';
const APPS = '/apis/apps/v1/namespaces/shop';
const ISTIO = '/apis/networking.istio.io/v1/namespaces/shop';
const labels = { app: 'web', version: 'v1' };
const map = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more });

describe('update', () => {
  it('raises the generation with the spec only, and the version with anything', async () => {
    const { json: created } = await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels));
    const labelled = { ...created, metadata: { ...created.metadata, labels: { x: 'y' } } };
    const { json: first } = await cluster.call('PUT', `${APPS}/deployments/web`, labelled);
    expect(first.metadata.generation).toBe(1);
    expect(Number(first.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion));
    const scaled = { ...first, spec: { ...first.spec, replicas: 2 } };
    const { json: second } = await cluster.call('PUT', `${APPS}/deployments/web`, scaled);
    expect(second.metadata).toMatchObject({
      generation: 2,
      uid: created.metadata.uid,
      creationTimestamp: created.metadata.creationTimestamp,
    });
    const { json: same } = await cluster.call('PUT', `${APPS}/deployments/web`, second);
    expect(same.metadata.resourceVersion).toBe(second.metadata.resourceVersion);
  });

  it('refuses a version that is not the newest, and takes none for built-in kinds', async () => {
    const { json: created } = await cluster.call('POST', `${SHOP}/configmaps`, map('a', { data: { n: '1' } }));
    await cluster.call('PUT', `${SHOP}/configmaps/a`, { ...created, data: { n: '2' } });
    const stale = await cluster.call('PUT', `${SHOP}/configmaps/a`, { ...created, data: { n: '3' } });
    expect(stale.json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: expect.stringContaining('Operation cannot be fulfilled on configmaps "a": the object has been modified'),
    });
    expect((await cluster.call('PUT', `${SHOP}/configmaps/a`, map('a', { data: { n: '4' } }))).json.data).toEqual({
      n: '4',
    });
    await cluster.call('POST', `${ISTIO}/virtualservices`, virtualService('a', { v1: 1 }));
    const blind = await cluster.call('PUT', `${ISTIO}/virtualservices/a`, virtualService('a', { v1: 2 }));
    expect(blind.json.message).toBe(
      'virtualservices.networking.istio.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  });

  it('keeps what must not change', async () => {
    const { json } = await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels));
    const other = { ...json, spec: deployment('web', { app: 'other' }).spec };
    expect((await cluster.call('PUT', `${APPS}/deployments/web`, other)).json.message).toContain(
      'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    );
    const foreign = { ...json, metadata: { ...json.metadata, uid: 'other' } };
    expect((await cluster.call('PUT', `${APPS}/deployments/web`, foreign)).json.message).toContain(
      'Precondition failed: UID in precondition: other',
    );
    const renamed = { ...json, metadata: { ...json.metadata, name: 'x' } };
    expect((await cluster.call('PUT', `${APPS}/deployments/web`, renamed)).status).toBe(400);
  });

  it('separates status from the rest', async () => {
    const { json } = await cluster.call('POST', `${APPS}/deployments`, {
      ...deployment('web', labels),
      status: { replicas: 9 },
    });
    expect(json.status).toEqual({});
    const { json: reported } = await cluster.call('PUT', `${APPS}/deployments/web/status`, {
      ...json,
      spec: { ...json.spec, replicas: 7 },
      status: { replicas: 1, observedGeneration: 1 },
    });
    expect([reported.status.replicas, reported.spec.replicas, reported.metadata.generation]).toEqual([1, 1, 1]);
    const patch = { metadata: { labels: { a: 'b' } }, spec: { replicas: 2 }, status: { replicas: 5 } };
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    const { json: patched } = await cluster.call('PATCH', `${APPS}/deployments/web`, patch, headers);
    expect([patched.status.replicas, patched.spec.replicas, patched.metadata.labels.a]).toEqual([1, 2, 'b']);
    const { json: status } = await cluster.call('PATCH', `${APPS}/deployments/web/status`, patch, headers);
    expect([status.status.replicas, status.spec.replicas]).toEqual([5, 2]);
  });
});

describe('scale', () => {
  it('reads and writes replicas as a Scale', async () => {
    await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels, { replicas: 2 }));
    const { json } = await cluster.call('GET', `${APPS}/deployments/web/scale`);
    expect(json).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=web,version=v1' },
    });
    const put = await cluster.call('PUT', `${APPS}/deployments/web/scale`, { ...json, spec: { replicas: 4 } });
    expect(put.json.spec).toEqual({ replicas: 4 });
    expect(
      (await cluster.call('PUT', `${APPS}/deployments/web/scale`, { ...json, spec: { replicas: 5 } })).json.reason,
    ).toBe('Conflict');
    const negative = await cluster.call(
      'PATCH',
      `${APPS}/deployments/web/scale`,
      { spec: { replicas: -1 } },
      { 'Content-Type': 'application/merge-patch+json' },
    );
    expect(negative.json.reason).toBe('Invalid');
    expect(cluster.store.get('deployments.apps', 'shop', 'web')?.metadata.generation).toBe(2);
  });
});

describe('dry runs', () => {
  it('answer what would be and store nothing', async () => {
    const before = cluster.store.resourceVersion;
    const created = await cluster.call('POST', `${SHOP}/services?dryRun=All`, service('dry', labels));
    expect(created.status).toBe(201);
    expect(created.json.metadata).toMatchObject({ name: 'dry' });
    expect(created.json.metadata.resourceVersion).toBeUndefined();
    expect(cluster.store.resourceVersion).toBe(before);
    expect(
      (await cluster.call('POST', `${ISTIO}/virtualservices?dryRun=All`, virtualService('a', { v1: 0, v2: 0 }))).status,
    ).toBe(400);
  });
});

describe('a server with a token', () => {
  it('refuses requests without it', async () => {
    const closed = await startCluster({ token: 'secret' });
    expect((await closed.call('GET', '/api')).json).toMatchObject({ code: 401, reason: 'Unauthorized' });
    expect((await closed.call('GET', '/api', undefined, { Authorization: 'Bearer secret' })).status).toBe(200);
    expect(closed.server.kubeconfig()).toContain('token: secret');
    await closed.close();
  });
  it('names the port that it cannot have', async () => {
    await expect(startCluster({ port: cluster.server.port })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${cluster.server.port}: listen EADDRINUSE`,
    );
  });
});
