import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import type { Random } from '../../base/random.js';
import type { Caller } from '../../mesh/types.js';
import type { ConfiguredProxy } from './distribution.js';
import { identityOfPod } from './identity.js';
import { isGatewayPod } from './injection.js';
import type { Dial, PodNetwork } from './network.js';
import { applicationPlace } from './scraping.js';
import type { ServiceAddresses } from './serviceAddress.js';

/** What a sidecar is started with. */
export interface PodProxyOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: PodNetwork;
  readonly addresses: ServiceAddresses;
  readonly podIp: string;
  readonly pod: KubeObject;
  readonly workload: string;
  readonly serviceAccount: string;
  /** Ports of the pod that take requests. */
  readonly appPorts: readonly number[];
  /** Where the application listens for one of them; undefined: it does not (yet). */
  readonly localPort: (port: number) => number | undefined;
  /** Told when a proxy that was up has ended by itself, and when it is up again. */
  readonly onHealth?: (up: boolean) => void;
}

/** The proxy container of one pod, whichever program it is. */
export interface PodProxy extends ConfiguredProxy {
  /** The real port behind a port of the proxy (15000, 15001, 15020, 15021, 15090). */
  port(port: number): number | undefined;
  /** The real port where connections from outside the pod arrive for one of its ports. */
  inbound(port: number): number | undefined;
  /** Takes over a connection from outside the pod. @returns false when it must be dialled. */
  accept(port: number, socket: Socket): boolean;
  /** Where a connection of the pod's application to `host:port` is redirected to, as by iptables. */
  outbound(host: string, port: number): Dial | Promise<Dial>;
  /** Resolves when the newest configuration is in force, or refused. */
  settled(): Promise<void>;
  /** An application of the pod has opened a port. */
  appOpened(): void;
  close(): Promise<void>;
}

/** Opens every listener of a proxy. It routes nothing before it is configured. */
export type StartPodProxy = (options: PodProxyOptions) => Promise<PodProxy>;

/** How a proxy is called and calls itself. */
export interface ProxyNames {
  readonly id: string;
  readonly caller: Caller;
  readonly identity: ReturnType<typeof identityOfPod>;
}

export function proxyNames({ pod, workload, serviceAccount }: PodProxyOptions): ProxyNames {
  const { name, namespace = 'default', labels = {} } = pod.metadata;
  return {
    id: `${name}.${namespace}`,
    caller: { workload, namespace, labels, gateway: isGatewayPod(pod) },
    identity: identityOfPod(pod, workload, serviceAccount),
  };
}

/** Opens a proxy; one that cannot be opened is closed again. */
export async function opened<P extends { close(): Promise<void> }>(proxy: P, open: () => Promise<void>): Promise<P> {
  try {
    await open();
    return proxy;
  } catch (error) {
    await proxy.close();
    throw error;
  }
}

/** Where the application of a pod serves metrics of its own on this machine; undefined: it does not (yet). */
export function applicationUrl({ pod, localPort }: PodProxyOptions): string | undefined {
  const place = applicationPlace(pod);
  const real = place && localPort(place.port);
  return real === undefined ? undefined : `http://127.0.0.1:${real}${place?.path}`;
}
