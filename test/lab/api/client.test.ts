import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, until } from '../../support/api-server.js';
import { deployment, runningPod, virtualService } from '../../support/objects.js';

let cluster: Cluster;
const config = new KubeConfig();
beforeAll(async () => {
  cluster = await startCluster();
  config.loadFromString(cluster.server.kubeconfig());
});
afterAll(() => cluster.close());

const namespace = 'default';
const ISTIO = { group: 'networking.istio.io', version: 'v1', namespace, plural: 'virtualservices' };

describe('the official JavaScript client', () => {
  it('reads the version and creates, replaces, patches, scales and deletes a Deployment', async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.\d+\.\d+/);
    const apps = config.makeApiClient(AppsV1Api);
    const created = await apps.createNamespacedDeployment({ namespace, body: deployment('web', { app: 'web' }) });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    created.spec!.replicas = 2;
    const replaced = await apps.replaceNamespacedDeployment({ namespace, name: 'web', body: created });
    expect(replaced.metadata?.generation).toBe(2);
    await expect(apps.replaceNamespacedDeployment({ namespace, name: 'web', body: created })).rejects.toMatchObject({
      code: 409,
    });
    const json = await apps.patchNamespacedDeployment({
      namespace,
      name: 'web',
      body: [{ op: 'add', path: '/metadata/labels/x', value: 'y' }],
    });
    expect(json.metadata?.labels).toEqual({ app: 'web', x: 'y' });
    const merge = await apps.patchNamespacedDeployment(
      {
        namespace,
        name: 'web',
        body: { spec: { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } } },
      },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
    expect(merge.spec?.template.spec?.containers[0]).toMatchObject({ image: 'web:2', env: [{ name: 'A' }] });
    const scaled = await apps.patchNamespacedDeploymentScale(
      { namespace, name: 'web', body: { spec: { replicas: 5 } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    expect(scaled.spec?.replicas).toBe(5);
    expect((await apps.deleteNamespacedDeployment({ namespace, name: 'web' })).status).toBe('Success');
    await expect(apps.readNamespacedDeployment({ namespace, name: 'web' })).rejects.toMatchObject({ code: 404 });
  });

  it('handles custom objects and applies them on the server', async () => {
    const custom = config.makeApiClient(CustomObjectsApi);
    await custom.createNamespacedCustomObject({ ...ISTIO, body: virtualService('web', { v1: 90, v2: 10 }) });
    const listed = (await custom.listNamespacedCustomObject(ISTIO)) as { items: { metadata: { name: string } }[] };
    expect(listed.items.map(({ metadata }) => metadata.name)).toEqual(['web']);
    const { apiVersion, kind, spec } = virtualService('web', { v1: 50, v2: 50 });
    const apply = (fieldManager: string, force?: boolean) =>
      custom.patchNamespacedCustomObject(
        {
          ...ISTIO,
          name: 'web',
          fieldManager,
          ...(force ? { force } : {}),
          body: { apiVersion, kind, metadata: { name: 'web' }, spec },
        },
        setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
      );
    await expect(apply('weighbridge')).rejects.toMatchObject({ code: 409 });
    expect(await apply('weighbridge', true)).toMatchObject({
      spec: { http: [{ route: [{ weight: 50 }, { weight: 50 }] }] },
    });
    await custom.deleteNamespacedCustomObject({ ...ISTIO, name: 'web' });
  });

  it('finds kinds by discovery', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const created = await objects.create({
      ...virtualService('found', { v1: 1 }),
      metadata: { name: 'found', namespace },
    });
    expect(created.metadata).toHaveProperty('uid');
    expect(
      await objects.read({
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: 'found', namespace },
      }),
    ).toMatchObject({ kind: 'VirtualService' });
    await objects.delete({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'found', namespace },
    });
  });

  it('watches', async () => {
    const seen: string[] = [];
    const request = await new Watch(config).watch(
      '/api/v1/namespaces/default/pods',
      { allowWatchBookmarks: true },
      (phase, object) => seen.push(`${phase} ${object.metadata.name}`),
      () => {},
    );
    cluster.store.put('pods', runningPod('one', namespace));
    cluster.store.remove('pods', namespace, 'one');
    await until('both events', () => (seen.length >= 2 ? seen : undefined));
    expect(seen).toEqual(['ADDED one', 'DELETED one']);
    request.abort();
  });

  it('keeps a cache by an informer', async () => {
    const core = config.makeApiClient(CoreV1Api);
    cluster.store.put('pods', runningPod('first', namespace));
    const informer = makeInformer(config, '/api/v1/namespaces/default/pods', () =>
      core.listNamespacedPod({ namespace }),
    );
    const seen: string[] = [];
    informer.on('add', (pod) => seen.push(`add ${pod.metadata?.name}`));
    informer.on('update', (pod) => seen.push(`update ${pod.metadata?.name}`));
    informer.on('delete', (pod) => seen.push(`delete ${pod.metadata?.name}`));
    await informer.start();
    cluster.store.put('pods', runningPod('second', namespace));
    cluster.store.put('pods', runningPod('second', namespace, { a: 'b' }));
    cluster.store.remove('pods', namespace, 'first');
    await until('all events', () => (seen.length >= 4 ? seen : undefined));
    expect(seen).toEqual(['add first', 'add second', 'update second', 'delete first']);
    await informer.stop();
  });

  it('deletes namespaces', async () => {
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespace({ body: { metadata: { name: 'shop' } } });
    await core.createNamespacedConfigMap({ namespace: 'shop', body: { metadata: { name: 'a' }, data: { b: 'c' } } });
    await core.deleteNamespace({ name: 'shop' });
    await expect(core.listNamespacedConfigMap({ namespace: 'shop' })).resolves.toMatchObject({ items: [] });
    await expect(
      core.createNamespacedConfigMap({ namespace: 'shop', body: { metadata: { name: 'a' } } }),
    ).rejects.toMatchObject({ code: 404 });
  });
});
