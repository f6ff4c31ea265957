import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { connectCluster, keyOf } from '../../../src/cluster/client.js';
import { Store } from '../../../src/lab/control/store.js';
import { RemoteApi } from '../../../src/lab/follow/remoteApi.js';
import { applyStartObjects } from '../../../src/lab/startObjects.js';
import { defineCustomResources } from '../../support/apiTargets.js';
import { useClusters } from '../../support/cluster.js';
import { compared } from '../../support/comparisons.js';
import { hasKubernetes, type RealApiServer, startRealApiServer } from '../../support/kubeApiserver.js';
import { definition } from '../../support/objects.js';

const LEFT_BEHIND = [
  ['v1', 'ConfigMap'],
  ['v1', 'Service'],
  ['coordination.k8s.io/v1', 'Lease'],
  ['networking.istio.io/v1', 'VirtualService'],
  ['networking.istio.io/v1', 'DestinationRule'],
  ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
  ['apps/v1', 'Deployment'],
] as const;

/** The harness' own tests of `cluster/` and of what a stage changes, on a real kube-apiserver instead of the lab's. */
describe.skipIf(!hasKubernetes())('on a real kube-apiserver', async () => {
  let server: RealApiServer;
  beforeAll(async () => {
    server = await startRealApiServer();
    await defineCustomResources(server);
    const client = await connectCluster({ kubeconfig: server.kubeconfig });
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } });
  }, 120_000);
  afterAll(() => server?.stop());
  afterEach(() => compared('kube-apiserver'));

  useClusters(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
    const kubeconfig = join(dir, 'kubeconfig');
    copyFileSync(server.kubeconfig, kubeconfig);
    const client = await connectCluster({ kubeconfig });
    onTestFinished(async () => {
      for (const [apiVersion, kind] of LEFT_BEHIND)
        for (const object of await client.list(apiVersion, kind, 'demo')) {
          if (object.metadata.finalizers) {
            const { finalizers: _, ...metadata } = object.metadata;
            await client.replace({ ...object, metadata });
          }
          await client.remove(keyOf(object));
        }
      rmSync(dir, { recursive: true, force: true });
    });
    return { client, dir, store: new Store() };
  });

  it('a kind that was just defined is waited for', async () => {
    const api = new RemoteApi(await connectCluster({ kubeconfig: server.kubeconfig }));
    const widget = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'one', namespace: 'demo' },
      spec: {},
    };
    const given = [widget, definition('Namespaced', 'widgets', 'Widget')];
    expect(await applyStartObjects(api.request.bind(api), given, systemClock, 'kept')).toEqual([]);
    const { body } = await api.request('GET', '/apis/example.com/v1/namespaces/demo/widgets/one');
    expect(body).toMatchObject({ spec: { size: 3 } });
  });

  await import('../../cluster/client.test.js');
  await import('../../cluster/lease.test.js');
  await import('../../cluster/restore.test.js');
  await import('../../cluster/undo.test.js');
  await import('../../release/changes.test.js');
});
