import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../../../src/lab/control/store.js';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { deployment, runningPod, virtualService } from '../../support/objects.js';

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
const labels = { app: 'web', version: 'v1' };
const map = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more });

describe('list', () => {
  it('selects by namespace, labels and fields, in order of names', async () => {
    const put = (name: string, namespace: string, of: Record<string, string>) =>
      cluster.store.put('pods', runningPod(name, namespace, of));
    put('c', 'shop', { app: 'web', version: 'v2' });
    put('a', 'shop', { app: 'web', version: 'v1' });
    put('b', 'shop', { app: 'db' });
    put('d', 'default', { app: 'web' });
    const names = async (path: string) =>
      (await cluster.call('GET', path)).json.items.map((pod: { metadata: { name: string } }) => pod.metadata.name);
    expect(await names(`${SHOP}/pods`)).toEqual(['a', 'b', 'c']);
    expect(await names('/api/v1/pods')).toEqual(['d', 'a', 'b', 'c']);
    expect(await names(`${SHOP}/pods?labelSelector=${encodeURIComponent('app=web,version in (v1, v3)')}`)).toEqual([
      'a',
    ]);
    expect(await names(`${SHOP}/pods?labelSelector=${encodeURIComponent('!version')}`)).toEqual(['b']);
    expect(await names('/api/v1/pods?fieldSelector=metadata.namespace%3Ddefault,status.phase%3DRunning')).toEqual([
      'd',
    ]);
    expect(await names('/api/v1/pods?fieldSelector=metadata.name!%3Da,metadata.namespace%3Dshop')).toEqual(['b', 'c']);
    cluster.store.remove('pods', 'default', 'd');
  });

  it('serves one object in every version of its group', async () => {
    await cluster.call('POST', '/apis/networking.istio.io/v1alpha3/namespaces/shop/virtualservices', {
      ...virtualService('a', { v1: 1 }),
      apiVersion: 'networking.istio.io/v1alpha3',
    });
    for (const version of ['v1', 'v1beta1', 'v1alpha3']) {
      const { json } = await cluster.call('GET', `/apis/networking.istio.io/${version}/virtualservices`);
      expect([json.apiVersion, json.items[0].apiVersion]).toEqual(Array(2).fill(`networking.istio.io/${version}`));
    }
    expect(cluster.store.get('virtualservices.networking.istio.io', 'shop', 'a')?.apiVersion).toBe(
      'networking.istio.io/v1',
    );
  });

  it('answers every resource that Kiali lists, with empty lists where nothing is', async () => {
    const wanted = [
      'api/v1/configmaps',
      'api/v1/endpoints',
      'api/v1/pods',
      'api/v1/services',
      ...['daemonsets', 'deployments', 'replicasets', 'statefulsets'].map((kind) => `apis/apps/v1/${kind}`),
      ...[
        'destinationrules',
        'gateways',
        'serviceentries',
        'sidecars',
        'virtualservices',
        'workloadentries',
        'workloadgroups',
      ].map((kind) => `apis/networking.istio.io/v1/${kind}`),
      'apis/networking.istio.io/v1alpha3/envoyfilters',
      ...['authorizationpolicies', 'peerauthentications', 'requestauthentications'].map(
        (kind) => `apis/security.istio.io/v1/${kind}`,
      ),
      'apis/telemetry.istio.io/v1/telemetries',
      'apis/telemetry.istio.io/v1alpha1/telemetries',
      'apis/extensions.istio.io/v1alpha1/wasmplugins',
    ];
    const answers = await Promise.all(
      wanted.map(async (path) => [path, (await cluster.call('GET', `/${path}?limit=500&resourceVersion=0`)).json]),
    );
    for (const [path, json] of answers) {
      expect([
        path,
        Array.isArray(json.items),
        json.kind.endsWith('List'),
        /^\d+$/.test(json.metadata.resourceVersion),
      ]).toEqual([path, true, true, true]);
    }
  });

  it('renders tables and metadata on request', async () => {
    await cluster.call('POST', `${SHOP}/configmaps`, map('a', { data: { k: 'v' } }));
    const table = await cluster.call('GET', `${SHOP}/configmaps/a`, undefined, {
      Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    });
    expect(table.json).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name', format: 'name' }, { name: 'Data' }, { name: 'Age' }],
      rows: [{ cells: ['a', 1, expect.stringMatching(/^\ds$/)], object: { kind: 'PartialObjectMetadata' } }],
    });
    const partial = await cluster.call('GET', `${SHOP}/configmaps`, undefined, {
      Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    });
    expect(partial.json).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'a' } }],
    });
    expect(partial.json.items[0].data).toBeUndefined();
  });
});

describe('delete', () => {
  const owned = (name: string, ...owners: { kind: string; name: string; uid?: string }[]) => {
    const { spec, ...pod } = runningPod(name, 'shop');
    const { nodeName: _, ...unbound } = spec;
    const ownerReferences = owners.map((owner) => ({ apiVersion: 'apps/v1', uid: '', ...owner }));
    return cluster.store.put('pods', { ...pod, spec: unbound, metadata: { ...pod.metadata, ownerReferences } });
  };
  const create = async (name: string) =>
    (await cluster.call('POST', `${APPS}/deployments`, deployment(name, labels))).json.metadata.uid as string;

  it('takes along what the object owned, down the chain, and leaves what has another owner', async () => {
    const uid = await create('web');
    const set = cluster.store.put('replicasets.apps', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: 'web-1',
        namespace: 'shop',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid }],
      },
    });
    owned('mine', { kind: 'ReplicaSet', name: 'web-1', uid: set.metadata.uid! });
    owned(
      'shared',
      { kind: 'ReplicaSet', name: 'web-1', uid: set.metadata.uid! },
      { kind: 'ReplicaSet', name: 'other', uid: 'other' },
    );
    const { json } = await cluster.call('DELETE', `${APPS}/deployments/web`, { propagationPolicy: 'Background' });
    expect(json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'web', group: 'apps', kind: 'deployments', uid },
    });
    expect(cluster.store.list('replicasets.apps', 'shop')).toEqual([]);
    expect(cluster.store.get('pods', 'shop', 'mine')).toBeUndefined();
    expect(cluster.store.get('pods', 'shop', 'shared')?.metadata.ownerReferences).toEqual([
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'other', uid: 'other' },
    ]);
  });

  it('orphans on request', async () => {
    const uid = await create('web');
    owned('left', { kind: 'Deployment', name: 'web', uid });
    await cluster.call('DELETE', `${APPS}/deployments/web?propagationPolicy=Orphan`);
    expect(cluster.store.get('pods', 'shop', 'left')?.metadata.ownerReferences).toBeUndefined();
    expect(cluster.store.get('pods', 'shop', 'left')).toBeDefined();
  });

  it('keeps preconditions, dry runs and unknown policies apart', async () => {
    const uid = await create('web');
    const path = `${APPS}/deployments/web`;
    expect((await cluster.call('DELETE', path, { preconditions: { uid: 'other' } })).json.reason).toBe('Conflict');
    expect((await cluster.call('DELETE', path, { preconditions: { resourceVersion: '1' } })).json.reason).toBe(
      'Conflict',
    );
    expect((await cluster.call('DELETE', path, { propagationPolicy: 'Nuke' })).status).toBe(422);
    expect((await cluster.call('DELETE', `${path}?dryRun=All`)).status).toBe(200);
    expect((await cluster.call('DELETE', path, { dryRun: ['All'] })).status).toBe(200);
    expect(cluster.store.get('deployments.apps', 'shop', 'web')?.metadata.uid).toBe(uid);
    expect((await cluster.call('DELETE', path, { preconditions: { uid } })).status).toBe(200);
    expect((await cluster.call('DELETE', path)).status).toBe(404);
  });

  it('waits for finalizers', async () => {
    const { json } = await cluster.call('POST', `${SHOP}/configmaps`, {
      ...map('held'),
      metadata: { name: 'held', finalizers: ['x/y'] },
    });
    const marked = await cluster.call('DELETE', `${SHOP}/configmaps/held`);
    expect(marked.json.metadata.deletionTimestamp).toMatch(/Z$/);
    const released = { ...json, metadata: { ...marked.json.metadata, finalizers: [] } };
    expect((await cluster.call('PUT', `${SHOP}/configmaps/held`, released)).status).toBe(200);
    expect((await cluster.call('GET', `${SHOP}/configmaps/held`)).status).toBe(404);
  });

  it('deletes a selection', async () => {
    for (const name of ['a', 'b', 'c'])
      await cluster.call('POST', `${SHOP}/configmaps`, {
        ...map(name),
        metadata: { name, labels: { half: name === 'c' ? 'no' : 'yes' } },
      });
    const { json } = await cluster.call('DELETE', `${SHOP}/configmaps?labelSelector=half%3Dyes`);
    expect(json.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['a', 'b']);
    expect(cluster.store.list('configmaps', 'shop').map(({ metadata }) => metadata.name)).toEqual(['c']);
  });

  it('empties a namespace, owners first, and protects the two that every cluster has', async () => {
    const uid = await create('web');
    owned('pod', { kind: 'Deployment', name: 'web', uid });
    const seen: string[] = [];
    const stop = cluster.store.subscribe(({ type, resource, object }) =>
      seen.push(`${type} ${resource} ${object.metadata.name}`),
    );
    await cluster.call('DELETE', '/api/v1/namespaces/shop');
    stop();
    expect(seen).toEqual([
      'MODIFIED namespaces shop',
      'DELETED deployments.apps web',
      'DELETED pods pod',
      'DELETED namespaces shop',
    ]);
    expect((await cluster.call('DELETE', '/api/v1/namespaces/default')).json).toMatchObject({
      code: 403,
      reason: 'Forbidden',
    });
  });

  it('gives a pod that runs on a node its time, and none when forced', async () => {
    cluster.store.put('pods', runningPod('bound', 'shop'));
    const path = `${SHOP}/pods/bound`;
    const { json } = await cluster.call('DELETE', path, { gracePeriodSeconds: 7 });
    expect(json.metadata).toMatchObject({ deletionGracePeriodSeconds: 7, deletionTimestamp: expect.any(String) });
    expect((await cluster.call('DELETE', path)).json.metadata).toEqual(json.metadata);
    expect((await cluster.call('DELETE', `${path}?gracePeriodSeconds=soon`)).status).toBe(400);
    expect((await cluster.call('DELETE', `${path}?gracePeriodSeconds=0`)).json.status).toBe('Success');
    expect(cluster.store.get('pods', 'shop', 'bound')).toBeUndefined();
  });

  it('evicts a pod', async () => {
    owned('pod');
    expect(
      (
        await cluster.call('POST', `${SHOP}/pods/pod/eviction`, {
          kind: 'Eviction',
          apiVersion: 'policy/v1',
          metadata: { name: 'pod' },
        })
      ).status,
    ).toBe(201);
    expect(cluster.store.get('pods', 'shop', 'pod')).toBeUndefined();
  });
});
