import type { Socket } from 'node:net';
import type { ClusterState, Host } from './cluster.js';

/**
 * The pods that clients dialled by the name of a headless Service. DNS gives a connection one ready pod, and all its
 * requests go there, whatever the route says and even after the pod is gone (Envoy's ORIGINAL_DST clusters).
 */
export class DialledHosts {
  private readonly byConnection = new WeakMap<Socket, Map<string, Host>>();

  /** @returns undefined when the name had no ready pod to dial (UH). */
  hostOf(connection: Socket, state: ClusterState): Host | undefined {
    const { host: name, port } = state.cluster;
    const key = `${name}:${port}`;
    let hosts = this.byConnection.get(connection);
    const dialled = hosts?.get(key);
    if (dialled) return dialled;
    const host = state.pick(undefined, undefined);
    if (!host) return undefined;
    if (!hosts) {
      hosts = new Map();
      this.byConnection.set(connection, hosts);
    }
    hosts.set(key, host);
    return host;
  }
}
