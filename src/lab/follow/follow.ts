import type { Clock } from '../../base/clock.js';
import { EnvironmentError, errorText } from '../../base/errors.js';
import type { KubeObject } from '../../base/kubernetes.js';
import type { ClusterClient } from '../../cluster/client.js';
import { resourceFor } from '../control/resources.js';
import type { Store } from '../control/store.js';
import type { ResolvePodPort } from '../control/types.js';
import { startKubeletServer } from './kubeletServer.js';
import { LEFT_OUT, Mirror } from './mirror.js';
import { RemoteApi } from './remoteApi.js';

export interface Following {
  readonly api: RemoteApi;
  /** Where the node's kubelet serves port-forwards. */
  readonly kubeletPort: number;
  close(): Promise<void>;
}

/**
 * Lets the lab work for another API server: its objects come into the Store, what the controllers make of them goes back, and its
 * port-forwards reach the lab's pods.
 * @throws EnvironmentError when the server does not answer, or has nodes of its own, whose pods the lab must not touch.
 */
export async function follow(
  client: ClusterClient,
  options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly onError: (error: unknown) => void;
    readonly resolvePodPort: ResolvePodPort;
  },
): Promise<Following> {
  await client.check();
  const foreign = (await client.list('v1', 'Node')).filter(({ metadata }) => metadata.name !== 'lab');
  if (foreign.length > 0) {
    throw new EnvironmentError(
      'E_FOLLOW',
      `the cluster ${client.server} has nodes of its own (${foreign.map(({ metadata }) => metadata.name).join(', ')})`,
      'the lab plays controllers, kubelet and mesh, so it follows only an API server that has none',
    );
  }
  const api = new RemoteApi(client);
  const kubelet = await startKubeletServer(options.store, options.resolvePodPort);
  const mirror = new Mirror({ ...options, remote: api });
  try {
    await mirror.start();
  } catch (error) {
    await kubelet.close();
    throw new EnvironmentError('E_FOLLOW', `cannot follow ${api.server}: ${errorText(error)}`, 'check --kubeconfig', {
      cause: error,
    });
  }
  return {
    api,
    kubeletPort: kubelet.port,
    async close() {
      await mirror.close();
      await kubelet.close();
    },
  };
}

/** Waits until the Store holds objects that were written to the server; at most 10 s. */
export async function untilSeen(store: Store, objects: readonly KubeObject[]): Promise<void> {
  const missing = () =>
    objects.some(({ apiVersion, kind, metadata: { namespace, name } }) => {
      const entry = resourceFor(apiVersion, kind);
      if (!entry || LEFT_OUT.has(entry.resource)) return false;
      return !store.get(entry.resource, entry.namespaced ? (namespace ?? 'default') : undefined, name);
    });
  for (let tries = 0; missing() && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
}
