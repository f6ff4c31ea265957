import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import { type Authorization, type AuthorizedRequest, authorizationOf, isAllowed } from '../../mesh/authorization.js';
import type { FlatHeaders } from '../control/http1/responseHead.js';
import { type DestinationService, type InboundPort, inboundPort, passthroughPort } from '../control/inboundPorts.js';
import { Exchange, type Finished } from './exchange.js';
import { inspect } from './headers.js';
import type { IstioMetrics } from './metrics.js';
import { encodePeer, PEER_HEADER, type Peer, PeerReader } from './peer.js';
import { splitTarget } from './requestTarget.js';
import { failureReply } from './routedCall.js';
import { Attempt, Upstreams } from './upstream.js';

/** What the inbound side of one proxy shares between its requests. */
export class InboundContext {
  readonly clock: Clock;
  readonly metrics: IstioMetrics;
  readonly own: Peer;
  readonly told: Peer;
  readonly peerHeader: string;
  readonly peers = new PeerReader();
  readonly upstreams = new Upstreams();
  private readonly ports = new Map<number, InboundPort>();
  private readonly localPort: (port: number) => number | undefined;
  private authorization: Authorization = { deny: [], allow: undefined };

  /** @param localPort where the application listens for a port of the pod; undefined: nothing listens. */
  constructor(clock: Clock, metrics: IstioMetrics, own: Peer, told: Peer, localPort: InboundContext['localPort']) {
    this.clock = clock;
    this.metrics = metrics;
    this.own = own;
    this.told = told;
    this.peerHeader = encodePeer(told);
    this.localPort = localPort;
  }

  configure(objects: readonly KubeObject[], pod: KubeObject, ports: Iterable<number>): void {
    this.authorization = authorizationOf(objects, pod);
    this.ports.clear();
    for (const port of ports) {
      const known = inboundPort(objects, pod, port);
      if (known) this.ports.set(port, known);
    }
  }

  port(port: number): InboundPort {
    return this.ports.get(port) ?? passthroughPort(this.own);
  }

  /** @param request looked at only where a policy governs the pod. */
  allows(request: () => AuthorizedRequest): boolean {
    const { deny, allow } = this.authorization;
    return (deny.length === 0 && allow === undefined) || isAllowed(this.authorization, request());
  }

  local(port: number): number | undefined {
    return this.localPort(port);
  }
}

/** One request that arrives at a pod: forwarded to its application, counted with what the caller's sidecar told. */
export class InboundRequest extends Exchange {
  private readonly context: InboundContext;
  private readonly service: DestinationService;
  private readonly attempt: Attempt;
  private readonly port: number;

  constructor(context: InboundContext, port: number, request: IncomingMessage, response: ServerResponse) {
    super(request, response, context.clock);
    this.context = context;
    this.port = port;
    this.service = context.port(port).service;
    this.attempt = new Attempt({
      onHeaders: (status, raw, resume) => this.onHeaders(status, raw, resume),
      onData: (chunk) => this.send(chunk, this.resume),
      onComplete: () => this.end(),
      onFailure: (failure) => {
        this.flag(failure);
        if (this.started) return this.cut();
        const { status, text } = failureReply(failure);
        this.reply(status, text, [PEER_HEADER, this.context.peerHeader]);
      },
    });
  }

  private resume: () => void = () => undefined;

  start(): void {
    const { path } = splitTarget(this.request.url ?? '/');
    if (!this.context.allows(() => this.asked(path))) {
      // What Envoy's filter answers, and no flag for it.
      this.reply(403, 'RBAC: access denied', [PEER_HEADER, this.context.peerHeader]);
      return;
    }
    const real = this.context.local(this.port);
    this.attempt.send(real === undefined ? undefined : this.context.upstreams.pool(real), {
      method: this.request.method ?? 'GET',
      path,
      headers: this.headers,
      body: this.body?.open('attempt') ?? null,
    });
  }

  private asked(path: string): AuthorizedRequest {
    const { principal } = this.context.peers.read(this.toldPeer);
    return {
      principal: principal === 'unknown' ? undefined : principal,
      method: this.request.method ?? 'GET',
      path: path.split('?', 1)[0] ?? '/',
      port: this.port,
    };
  }

  private onHeaders(status: number, raw: FlatHeaders, resume: () => void): boolean {
    const { headers } = inspect(raw);
    this.resume = resume;
    headers.push(PEER_HEADER, this.context.peerHeader);
    this.begin(status, headers);
    return true;
  }

  protected override onRequestComplete(): void {
    // Nothing waits for the end of the request here: inbound routes have no timeout.
  }

  protected override onLeft(): void {
    this.attempt.cancel();
  }

  protected override record(result: Finished): void {
    const { metrics, own, peers } = this.context;
    const source = peers.read(this.toldPeer);
    const protocol = this.isGrpc ? 'grpc' : 'http';
    const key = `${source.id}|${this.service.host}|${this.service.name}|${result.code}|${result.flags}|${protocol}`;
    metrics
      .httpSeries(key, () => ({
        reporter: 'destination',
        source,
        destination: own,
        service: this.service,
        protocol,
        code: result.code,
        flags: result.flags,
        security: source.principal === 'unknown' ? 'none' : 'mutual_tls',
      }))
      .count(result.durationMs, result.requestBytes, result.responseBytes);
  }
}
