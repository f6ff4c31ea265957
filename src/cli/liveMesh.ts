import type { KubeObject } from '../base/kubernetes.js';
import { connectCluster } from '../cluster/client.js';
import { readWholeMesh } from '../cluster/meshObjects.js';

/** What a live cluster holds that decides where requests go, and what may not be read. Nothing is changed. */
export async function readLiveMesh(where: {
  readonly kubeconfig?: string;
  readonly context?: string;
}): Promise<{ readonly objects: readonly KubeObject[]; readonly unread: readonly string[] }> {
  const { kubeconfig, context } = where;
  const client = await connectCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  await client.check();
  return readWholeMesh(client);
}
