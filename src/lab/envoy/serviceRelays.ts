import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../../base/random.js';
import { closeServer, listen } from '../control/httpServer.js';
import type { ServiceAddresses } from '../control/serviceAddress.js';
import { join } from '../control/sockets.js';

/** Addresses that a pod's proxy passes through and that stay open; more are too many for a rehearsal. */
const MAX_RELAYS = 256;

/** Plays kube-proxy for what a sidecar passes through: behind an address of a Service it draws a pod for every connection. */
export class ServiceRelays {
  private readonly addresses: ServiceAddresses;
  private readonly namespace: string;
  private readonly random: Random;
  private readonly relays = new Map<string, { readonly server: Server; readonly port: Promise<number> }>();
  private readonly sockets = new Set<Socket>();

  constructor(addresses: ServiceAddresses, namespace: string, random: Random) {
    this.addresses = addresses;
    this.namespace = namespace;
    this.random = random;
  }

  /** A real port that stands for the address. */
  port(host: string, port: number): Promise<number> {
    const key = `${host}:${port}`;
    let relay = this.relays.get(key);
    if (!relay) {
      const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
        this.relay(socket, this.addresses.connect(host, port, this.namespace, this.random)),
      );
      relay = { server, port: listen(server) };
      const [oldest] = this.relays;
      if (oldest && this.relays.size >= MAX_RELAYS) {
        this.relays.delete(oldest[0]);
        void closeServer(oldest[1].server);
      }
      this.relays.set(key, relay);
    }
    return relay.port;
  }

  async close(): Promise<void> {
    const closed = [...this.relays.values()].map(({ server }) => closeServer(server));
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(closed);
  }

  private relay(downstream: Socket, real: number | 'refused' | 'unknown-host'): void {
    this.track(downstream);
    downstream.on('error', () => undefined);
    if (typeof real !== 'number') return void downstream.resetAndDestroy();
    const upstream = connect({ host: '127.0.0.1', port: real, allowHalfOpen: true, noDelay: true });
    this.track(upstream);
    join(downstream, upstream);
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}
