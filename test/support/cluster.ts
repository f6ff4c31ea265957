import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { type ClusterClient, connectCluster } from '../../src/cluster/client.js';
import { startApiServer } from '../../src/lab/api/server.js';
import { Store } from '../../src/lab/control/store.js';
import type { ResolvePodPort } from '../../src/lab/control/types.js';

export interface TestCluster {
  readonly client: ClusterClient;
  /** The lab's; of another API server's there is none. */
  readonly store: Store;
  readonly dir: string;
}

type ClusterSource = (resolvePodPort: ResolvePodPort) => Promise<TestCluster>;

let source: ClusterSource = onTheLab;

/** Lets the tests of this file run on another API server. */
export function useClusters(other: ClusterSource): void {
  source = other;
}

/** False: the tests of this file run on another API server, whose store nobody can look into. */
export const onLab = (): boolean => source === onTheLab;

/** A Kubernetes API with nothing but the namespace `demo`, a client for it, and a folder; gone when the test ends. */
export const testCluster = (resolvePodPort: ResolvePodPort = () => undefined): Promise<TestCluster> =>
  source(resolvePodPort);

async function onTheLab(resolvePodPort: ResolvePodPort): Promise<TestCluster> {
  const store = new Store();
  store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } });
  const server = await startApiServer({ store, resolvePodPort });
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
  onTestFinished(async () => {
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig());
  return { client: await connectCluster({ kubeconfig }), store, dir };
}

/** A client of the API server that a kubeconfig's text names. */
export async function clientOf(kubeconfig: string): Promise<ClusterClient> {
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'kubeconfig'), kubeconfig);
  return connectCluster({ kubeconfig: join(dir, 'kubeconfig') });
}

export const virtualService = (name: string, weight: number): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'demo', labels: { team: 'a' } },
  spec: {
    hosts: ['shop'],
    http: [
      {
        route: [
          { destination: { host: 'shop', subset: 'v1' }, weight: 100 - weight },
          { destination: { host: 'shop', subset: 'v2' }, weight },
        ],
      },
    ],
  },
});
