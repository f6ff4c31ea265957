import type { KubeObject } from '../base/kubernetes.js';
import { connectCluster } from '../cluster/client.js';
import { readWholeMesh } from '../cluster/meshObjects.js';

/**
 * What a live cluster holds that decides where requests go, and what may not be read. Nothing is changed.
 * @param where.namespace read alone where the credentials may not read the whole cluster; default: that of the context
 */
export async function readLiveMesh(where: {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}): Promise<{ readonly objects: readonly KubeObject[]; readonly unread: readonly string[] }> {
  const { kubeconfig, context } = where;
  const client = await connectCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  await client.check();
  return readWholeMesh(client, where.namespace ?? client.kubeConfig.getContextObject(client.context)?.namespace);
}
