import { createServer, type Server, type Socket } from 'node:net';
import type { KubeObject } from '../../base/kubernetes.js';
import { telemetryOf } from '../../mesh/telemetry.js';
import type { Caller, ProxyConfig } from '../../mesh/types.js';
import { agentListener, proxyMetricsListener } from '../control/agent.js';
import { closeServer, httpServer, listen } from '../control/httpServer.js';
import { gatewayListeners, targetPorts } from '../control/inboundPorts.js';
import { applicationUrl, opened, type PodProxy, type PodProxyOptions, proxyNames } from '../control/podProxy.js';
import { adminListener } from './admin.js';
import { InboundContext, InboundRequest } from './inbound.js';
import { IstioMetrics } from './metrics.js';
import { OutboundContext } from './outboundContext.js';
import { OutboundRequest } from './outboundRequest.js';
import { makePeer } from './peer.js';
import { receivePeer, SERVER_PATIENCE_MS } from './peerExchange.js';
import { passThroughOutbound, serveTcp, tcpOutbound } from './tcp.js';

/** Methods that start an HTTP request line, as the protocol detection of a listener sees them. */
const HTTP_START = /^(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE|CONNECT) /;

/** The proxy container of one pod with all its listeners. */
export class Sidecar implements PodProxy {
  readonly id: string;
  readonly caller: Caller;
  readonly metrics = new IstioMetrics();
  private readonly options: PodProxyOptions;
  private readonly outboundContext: OutboundContext;
  private readonly inboundContext: InboundContext;
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly listeners = new Map<number, number>();
  private readonly inboundPorts = new Map<number, number>();
  private readonly inboundHandlers = new Map<number, (socket: Socket) => void>();
  private readonly bytesListeners = new Map<string, Promise<number>>();
  private outboundPort = 0;
  private configured = false;
  private opening: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(options: PodProxyOptions) {
    const { id, caller, identity } = proxyNames(options);
    const { namespace } = caller;
    this.options = options;
    this.id = id;
    this.caller = caller;
    const own = makePeer(identity.own);
    const told = makePeer(identity.told);
    this.outboundContext = new OutboundContext({ ...options, metrics: this.metrics, own, told, namespace });
    this.inboundContext = new InboundContext(options.clock, this.metrics, own, told, options.localPort);
  }

  /** Opens every listener of the proxy. It routes nothing before it is configured. */
  static start(options: PodProxyOptions): Promise<Sidecar> {
    const sidecar = new Sidecar(options);
    return opened(sidecar, () => sidecar.open());
  }

  /** The real port behind a port of the proxy (15000, 15001, 15020, 15021, 15090). */
  port(port: number): number | undefined {
    return this.listeners.get(port);
  }

  /** The real port where connections from outside the pod arrive for one of its ports. */
  inbound(port: number): number | undefined {
    return this.inboundPorts.get(port) ?? (port >= 15_000 && port < 15_100 ? this.listeners.get(port) : undefined);
  }

  /** Takes over a connection from outside the pod. @returns false when the pod has no such port. */
  accept(port: number, socket: Socket): boolean {
    const handler = this.inboundHandlers.get(port);
    handler?.(socket);
    return handler !== undefined;
  }

  /** Where a connection of the pod's application to `host:port` is redirected to, as by iptables. */
  outbound(host: string, port: number): number | Promise<number> {
    const { outboundContext: context } = this;
    const service = () => context.router.tcp(port, host);
    if (service()) return this.bytesOutbound(`tcp ${host}:${port}`, () => tcpOutbound(context, service));
    if (!this.configured || !context.passesBytes(host, port)) return this.outboundPort;
    return this.bytesOutbound(`any ${host}:${port}`, () => passThroughOutbound(context, host, port));
  }

  async settled(): Promise<void> {
    // Routes are in force at once, a gateway's new ports when they listen.
    await this.opening;
  }

  appOpened(): void {
    // Where the application listens is asked for every request.
  }

  private bytesOutbound(key: string, make: () => Server): Promise<number> {
    let listener = this.bytesListeners.get(key);
    if (!listener) {
      listener = this.serve(make());
      this.bytesListeners.set(key, listener);
    }
    return listener;
  }

  configure(config: ProxyConfig, objects: readonly KubeObject[]): void {
    this.outboundContext.configure(config);
    const { namespace = 'default', labels = {} } = this.options.pod.metadata;
    this.metrics.configure(telemetryOf(objects).of(namespace, labels));
    if (this.caller.gateway) {
      const places = config.ports.flatMap(({ port }) =>
        gatewayListeners(objects, this.options.pod, port).map((at) => this.openGateway(at, port)),
      );
      this.opening = Promise.all(places).then(
        () => undefined,
        () => undefined,
      );
      this.configured = true;
      return;
    }
    const ports = new Set([...this.options.appPorts, ...targetPorts(objects, this.options.pod)]);
    this.inboundContext.configure(objects, this.options.pod, ports);
    // A port need not be declared to be open: what a Service expects of the pod gets its listener when it is known.
    for (const port of ports) void this.openInbound(port).catch(() => undefined);
    this.configured = true;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.servers.map(closeServer).concat([this.cutConnections()]));
    this.outboundContext.close();
    this.inboundContext.upstreams.close();
  }

  private async cutConnections(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
  }

  private async open(): Promise<void> {
    const beside = {
      proxyMetrics: () => this.metrics.render(),
      ready: () => this.configured,
      application: () => applicationUrl(this.options),
    };
    const config = () => (this.configured ? this.outboundContext.config : undefined);
    const outbound = httpServer((request, response) =>
      new OutboundRequest(this.outboundContext, request, response).start(),
    );
    const [admin, outboundPort, agent, metrics] = await Promise.all([
      this.serve(httpServer(adminListener({ metrics: this.metrics, config }))),
      this.serve(outbound),
      this.serve(httpServer(agentListener(beside))),
      this.serve(httpServer(proxyMetricsListener(beside))),
      ...this.options.appPorts.map((port) => this.openInbound(port)),
    ]);
    this.outboundPort = outboundPort;
    this.listeners.set(15_000, admin);
    this.listeners.set(15_001, outboundPort);
    for (const port of [15_020, 15_021]) this.listeners.set(port, agent);
    this.listeners.set(15_090, metrics);
  }

  /** A gateway takes requests from outside by the routes that leave it. @param at port of the pod. @param port by which its Gateways know it. */
  private async openGateway(at: number, port: number): Promise<void> {
    if (this.inboundHandlers.has(at) || this.closed) return;
    const server = httpServer((request, response) =>
      new OutboundRequest(this.outboundContext, request, response, port).start(),
    );
    this.inboundHandlers.set(at, (socket) => {
      this.track(socket);
      server.emit('connection', socket);
      socket.resume();
    });
    this.inboundPorts.set(at, await this.serve(server));
  }

  private async openInbound(port: number): Promise<void> {
    if (this.inboundHandlers.has(port) || this.closed) return;
    this.inboundPorts.set(port, await this.serve(this.inboundServer(port)));
  }

  /** One port of the pod: HTTP, bytes, or whichever the first bytes of a connection look like. */
  private inboundServer(port: number): Server {
    const http = httpServer((request, response) =>
      new InboundRequest(this.inboundContext, port, request, response).start(),
    );
    const accept = (socket: Socket) => {
      this.track(socket);
      const { protocol } = this.inboundContext.port(port);
      if (protocol === 'http') {
        http.emit('connection', socket);
        return void socket.resume();
      }
      socket.on('error', () => socket.destroy());
      receivePeer(socket, this.inboundContext.peers, SERVER_PATIENCE_MS, (peer) => {
        if (protocol === 'tcp') return serveTcp(this.inboundContext, port, socket, peer);
        this.detect(socket, (isHttp) => {
          if (isHttp) http.emit('connection', socket);
          else serveTcp(this.inboundContext, port, socket, peer);
        });
      });
    };
    this.inboundHandlers.set(port, accept);
    return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accept);
  }

  private detect(socket: Socket, decide: (isHttp: boolean) => void): void {
    const chunk = socket.read() as Buffer | null;
    if (chunk) socket.unshift(chunk);
    decide(chunk !== null && HTTP_START.test(chunk.subarray(0, 8).toString('latin1')));
  }

  private serve(server: Server): Promise<number> {
    this.servers.push(server);
    server.on('connection', (socket: Socket) => this.track(socket));
    return listen(server);
  }

  private track(socket: Socket): void {
    if (this.sockets.has(socket)) return;
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}
