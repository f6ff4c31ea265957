import type { PodProxyOptions } from '../control/podProxy.js';
import type { Dialled } from './outboundListeners.js';
import type { ServiceRelays } from './serviceRelays.js';

/** An address that nothing of the cluster has. */
const NO_ADDRESS = '192.0.2.1';

/**
 * What a process of a pod dials when it writes `host:port`: the address in the cluster, and the real port behind it that a
 * connection would reach if it was passed through; undefined: nothing listens there.
 */
export async function placeOf(
  host: string,
  port: number,
  namespace: string,
  relays: ServiceRelays,
  { addresses, network, random }: Pick<PodProxyOptions, 'addresses' | 'network' | 'random'>,
): Promise<{ readonly dialled: Dialled; readonly real: number | undefined }> {
  const resolved = addresses.resolve(host, namespace);
  switch (resolved?.kind) {
    case undefined:
      return { dialled: { ip: NO_ADDRESS, port, host: undefined }, real: undefined };
    case 'loopback':
      return { dialled: { ip: '127.0.0.1', port, host: undefined }, real: port };
    case 'pod':
      return { dialled: { ip: resolved.ip, port, host: undefined }, real: network.dial(resolved.ip, port) };
    case 'service': {
      const { name, namespace: owner = 'default' } = resolved.service.metadata;
      const fqdn = `${name}.${owner}.svc.cluster.local`;
      const clusterIp = resolved.service.spec?.clusterIP;
      if (clusterIp === 'None') {
        // DNS gives the client the address of a pod.
        const pod = addresses.draw(resolved.service, port, random);
        const real = pod && network.dial(pod.ip, pod.port);
        return { dialled: { ip: pod?.ip ?? NO_ADDRESS, port, host: fqdn }, real };
      }
      const reachable = typeof addresses.connect(host, port, namespace, random) === 'number';
      const real = reachable ? await relays.port(host, port) : undefined;
      return { dialled: { ip: typeof clusterIp === 'string' ? clusterIp : NO_ADDRESS, port, host: fqdn }, real };
    }
  }
}
