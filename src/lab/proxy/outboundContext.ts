import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { compileRouter, type Router } from '../../mesh/router.js';
import type { Cluster, Endpoint, ProxyConfig } from '../../mesh/types.js';
import type { HttpPool } from '../control/http1/pool.js';
import type { PodNetwork } from '../control/network.js';
import type { ServiceAddresses } from '../control/serviceAddress.js';
import { ClusterState, type Host } from './cluster.js';
import { DialledHosts } from './dialled.js';
import type { IstioMetrics } from './metrics.js';
import { encodePeer, type Peer, PeerReader } from './peer.js';
import { Upstreams } from './upstream.js';

export interface OutboundOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: IstioMetrics;
  readonly network: PodNetwork;
  readonly addresses: ServiceAddresses;
  readonly own: Peer;
  readonly told: Peer;
  readonly namespace: string;
  readonly podIp: string;
}

const EMPTY: ProxyConfig = { ports: [], clusters: {}, warnings: [] };

/** What the outbound side of one proxy shares between its requests. */
export class OutboundContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: IstioMetrics;
  readonly network: PodNetwork;
  readonly own: Peer;
  readonly told: Peer;
  readonly peerHeader: string;
  /** What a passed-through request tells: no identity, since it carries no certificate. */
  readonly plainPeerHeader: string;
  readonly podIp: string;
  readonly peers = new PeerReader();
  readonly upstreams = new Upstreams();
  config: ProxyConfig = EMPTY;
  router: Router = compileRouter(EMPTY);
  private readonly addresses: ServiceAddresses;
  private readonly namespace: string;
  private readonly states = new Map<string, ClusterState>();
  private readonly dialled = new DialledHosts();
  private readonly sockets = new Set<Socket>();

  constructor(options: OutboundOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.metrics = options.metrics;
    this.network = options.network;
    this.addresses = options.addresses;
    this.own = options.own;
    this.told = options.told;
    this.peerHeader = encodePeer(options.told);
    this.plainPeerHeader = encodePeer({ ...options.told, principal: 'unknown' });
    this.namespace = options.namespace;
    this.podIp = options.podIp;
  }

  get clusters(): ProxyConfig['clusters'] {
    return this.config.clusters;
  }

  /** Takes over a new configuration; requests in flight keep what they have chosen. */
  configure(config: ProxyConfig): void {
    this.config = config;
    this.router = compileRouter(config);
    for (const [name, state] of this.states) {
      const cluster = config.clusters[name];
      if (cluster) state.update(cluster);
      else this.states.delete(name);
    }
    const ports = new Set<number>();
    for (const cluster of Object.values(config.clusters))
      for (const endpoint of cluster.endpoints) {
        const real = this.network.dial(endpoint.ip, endpoint.targetPort);
        if (real !== undefined) ports.add(real);
      }
    this.upstreams.retain(ports);
  }

  state(name: string, cluster: Cluster): ClusterState {
    let state = this.states.get(name);
    if (!state) {
      state = new ClusterState(cluster, this.clock, this.random);
      this.states.set(name, state);
    }
    return state;
  }

  /** @returns undefined when nothing listens at the endpoint. */
  poolOf(endpoint: Endpoint): HttpPool | undefined {
    const real = this.network.dial(endpoint.ip, endpoint.targetPort);
    return real === undefined ? undefined : this.upstreams.pool(real);
  }

  /** The host for one attempt of a request; undefined: none may take it (UH). */
  pick(
    state: ClusterState,
    request: { readonly connection: Socket },
    hashKey: string | undefined,
    previous: ReadonlySet<Host> | undefined,
  ): Host | undefined {
    if (state.cluster.balancing === 'original-dst') return this.dialled.hostOf(request.connection, state);
    return state.pick(hashKey, previous);
  }

  /** Connections to an address that no route knows; kube-proxy chooses for each of them. */
  passThroughPool(host: string, port: number): HttpPool {
    return this.upstreams.dial(`${host}:${port}`, () => {
      const real = this.connect(host, port);
      if (real === undefined) throw new Error(`connect ECONNREFUSED ${host}:${port}`);
      return real;
    });
  }

  /** Where a new connection to an address that no route knows really leads; undefined: nowhere. */
  connect(host: string, port: number): number | undefined {
    const target = this.addresses.connect(host, port, this.namespace, this.random);
    return typeof target === 'number' ? target : undefined;
  }

  /**
   * True when connections to the address meet no HTTP listener and are passed on as bytes. A Service that the proxy has
   * not been told of yet is not among them, so that its connections are routed as soon as it is.
   */
  passesBytes(host: string, port: number): boolean {
    const { ports, hidden = [] } = this.config;
    if (ports.some((known) => known.port === port && known.virtualHosts.length > 0)) return false;
    const name = host.toLowerCase();
    if (hidden.some((service) => service.port === port && service.domains.includes(name))) return true;
    return this.addresses.resolve(host, this.namespace)?.kind !== 'service';
  }

  /** Remembers a connection that lives outside the pools, so that closing ends it. */
  track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.upstreams.close();
  }
}
