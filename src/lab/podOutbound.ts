import { createServer } from 'node:net';
import type { KubeObject } from '../base/kubernetes.js';
import type { Random } from '../base/random.js';
import { closeServer, listen } from './control/httpServer.js';
import { connectTo, type Dial } from './control/network.js';
import type { PodProxy } from './control/podProxy.js';
import type { ServiceAddresses } from './control/serviceAddress.js';
import { join } from './control/sockets.js';

export interface PodOutboundOptions {
  readonly namespace: string;
  readonly addresses: ServiceAddresses;
  /** Undefined: the pod has none (yet). */
  readonly sidecar: () => PodProxy | undefined;
  /** Draws pods for connections that no sidecar takes. */
  readonly random: Random;
  /** Where connections of a pod without sidecar to a Service go. */
  readonly openService?: ((service: KubeObject, port: number) => Promise<number>) | undefined;
}

/** Where the connections go that a pod's processes open. */
export class PodOutbound {
  private readonly options: PodOutboundOptions;
  private readonly ended = new AbortController();
  private readonly closers: (() => Promise<void>)[] = [];

  constructor(options: PodOutboundOptions) {
    this.options = options;
  }

  /** Through the sidecar, else to what kube-proxy draws. */
  connect(host: string, port: number): Dial | 'refused' | 'unknown-host' | Promise<Dial> {
    const { addresses, namespace, random } = this.options;
    const sidecar = this.options.sidecar();
    if (!sidecar) return addresses.connect(host, port, namespace, random);
    return addresses.resolve(host, namespace) ? sidecar.outbound(host, port) : 'unknown-host';
  }

  /** Where this pod's connections to a Service go, as one real port that stays the same. */
  async route(service: KubeObject, port: number): Promise<number> {
    const { name, namespace } = service.metadata;
    const sidecar = this.options.sidecar();
    if (sidecar) {
      const outbound = () => sidecar.outbound(`${name}.${namespace}.svc.cluster.local`, port);
      const dial = await outbound();
      return typeof dial === 'number' ? dial : this.front(outbound);
    }
    if (!this.options.openService) throw new Error('this cluster has no way to its Services from outside');
    return this.options.openService(service, port);
  }

  async close(): Promise<void> {
    this.ended.abort();
    await Promise.all(this.closers.splice(0).map((closer) => closer()));
  }

  /** A port for processes that cannot say first what the sidecar must be told of a connection. */
  private front(outbound: () => Dial | Promise<Dial>): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', () => undefined);
      this.ended.signal.addEventListener('abort', () => socket.destroy(), { once: true });
      Promise.resolve(outbound()).then(
        (dial) => join(socket, connectTo(dial)),
        () => socket.destroy(),
      );
    });
    this.closers.push(() => closeServer(server));
    return listen(server);
  }
}
