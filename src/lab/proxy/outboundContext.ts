import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { compileRouter, type Router } from '../../mesh/router.js';
import type { Cluster, Endpoint, ProxyConfig } from '../../mesh/types.js';
import type { HttpPool } from '../control/http1/pool.js';
import type { PodNetwork } from '../control/network.js';
import type { ServiceAddresses } from '../control/serviceAddress.js';
import { ClusterState } from './cluster.js';
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
  readonly podIp: string;
  readonly peers = new PeerReader();
  readonly upstreams = new Upstreams();
  /** Hosts that no Service has are refused (`outboundTrafficPolicy: REGISTRY_ONLY`). */
  registryOnly = false;
  config: ProxyConfig = EMPTY;
  router: Router = compileRouter(EMPTY);
  private readonly addresses: ServiceAddresses;
  private readonly namespace: string;
  private readonly states = new Map<string, ClusterState>();
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

  /** Where an address that no route knows really leads; undefined: nowhere. */
  connect(host: string, port: number): number | undefined {
    const target = this.addresses.connect(host, port, this.namespace, this.random);
    return typeof target === 'number' ? target : undefined;
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
