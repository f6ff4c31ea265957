import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cluster, Destination, Route } from '../../mesh/types.js';
import type { Host } from './cluster.js';
import { drawDestination, happens } from './draws.js';
import { Exchange, type Finished } from './exchange.js';
import { changeHeaders, headerValue, setHeader } from './headers.js';
import type { DestinationService } from './labels.js';
import type { OutboundContext } from './outboundContext.js';
import { PassThroughCall } from './passThrough.js';
import { PEER_HEADER, unknownPeer } from './peer.js';
import { hashKeyOf, rewritePath, splitTarget } from './rewrite.js';
import { RoutedCall, type RoutedRequest } from './routedCall.js';
import { Timer } from './timer.js';
import { Attempt, discard } from './upstream.js';

/**
 * One request that leaves a pod, in the order of Envoy's filters: route match, weighted draw, faults, mirrors, router.
 * Whatever ends it before the router (no route, fault, direct response) reaches no upstream and no retry.
 */
export class OutboundRequest extends Exchange {
  private readonly context: OutboundContext;
  private readonly method: string;
  private path: string;
  private authority: string;
  private service: DestinationService;
  private call: RoutedCall | PassThroughCall | undefined;
  private delay: Timer | undefined;

  constructor(context: OutboundContext, request: IncomingMessage, response: ServerResponse) {
    super(request, response, context.clock);
    this.context = context;
    this.method = request.method ?? 'GET';
    const target = splitTarget(request.url ?? '/');
    this.path = target.path;
    this.authority = target.authority ?? request.headers.host ?? '';
    // Where no cluster is reached, the metrics name the Host header.
    const host = this.authority || 'unknown';
    this.service = { host, name: host, namespace: 'unknown' };
  }

  /** Takes the request through the filters; called once. */
  start(): void {
    const { router } = this.context;
    const port = portOf(this.authority);
    const matched = router.match(port, this.authority, this.method, this.path, this.request.headers);
    if (matched) {
      const prefix = matched.match?.path?.kind.endsWith('prefix') ? matched.match.path.value : undefined;
      this.enterRoute(matched.route, prefix);
    } else if (router.virtualHost(port, this.authority)) {
      this.flag('NR');
      this.reply(404, '');
    } else this.passThrough(port);
  }

  private enterRoute(route: Route, prefix: string | undefined): void {
    const { action } = route;
    if (action.kind === 'direct') {
      this.reply(action.status, action.body);
      return;
    }
    if (action.kind === 'redirect') {
      const location = `http://${action.authority ?? this.authority}${action.uri ?? this.path}`;
      this.reply(action.status, '', ['location', location]);
      return;
    }
    // The destination is drawn with the route, so that even a request that a fault ends names its Service.
    const destination = drawDestination(action.destinations, this.context.random);
    const cluster = this.context.clusters[destination.cluster];
    if (cluster) this.service = serviceOf(cluster);
    const { delay, abort } = route.fault;
    const afterDelay = () => {
      if (this.finished) return;
      if (abort && happens(abort.share, this.context.random)) {
        this.flag('FI');
        this.reply(abort.status, 'fault filter abort');
      } else this.forward(route, destination, cluster, prefix);
    };
    if (delay && happens(delay.share, this.context.random)) {
      this.flag('DI');
      this.delay = new Timer(this.clock, delay.duration, afterDelay);
    } else afterDelay();
  }

  private forward(
    route: Route,
    destination: Destination,
    cluster: Cluster | undefined,
    prefix: string | undefined,
  ): void {
    if (!cluster) {
      // As the router finds no cluster, nothing is known of the Service either.
      this.flag('NC');
      this.reply(503, '');
      return;
    }
    const state = this.context.state(destination.cluster, cluster);
    const hashKey = cluster.hash && hashKeyOf(cluster.hash, this.headers, this.path, this.context.podIp);
    const host = state.pick(hashKey, undefined);
    if (!host) {
      this.flag('UH');
      this.reply(503, 'no healthy upstream');
      return;
    }
    const request = this.rewritten(route, prefix, hashKey);
    this.mirror(route, request);
    const call = new RoutedCall(this.context, state, route, request, this);
    this.call = call;
    if (this.requestComplete) call.startTimeout();
    call.start(host);
  }

  private rewritten(route: Route, prefix: string | undefined, hashKey: string | undefined): RoutedRequest {
    const { rewrite } = route;
    if (rewrite?.uri !== undefined) this.path = rewritePath(this.path, prefix, rewrite.uri);
    let headers = changeHeaders(this.headers, route.requestHeaders);
    if (rewrite?.authority !== undefined) headers = setHeader(headers, 'host', rewrite.authority);
    if (headerValue(headers, 'x-forwarded-proto') === undefined) headers.push('x-forwarded-proto', 'http');
    headers.push(PEER_HEADER, this.context.peerHeader);
    return { method: this.method, path: this.path, headers, body: this.body, hashKey };
  }

  /** Copies are drawn one by one, sent once whatever the retries, and outlive the request. */
  private mirror(route: Route, request: RoutedRequest): void {
    for (const mirror of route.mirrors) {
      if (!happens(mirror.share, this.context.random)) continue;
      const cluster = this.context.clusters[mirror.cluster];
      const host = cluster && this.context.state(mirror.cluster, cluster).pick(undefined, undefined);
      if (host) this.copy(host, request);
    }
  }

  private copy(host: Host, { method, path, headers, body }: RoutedRequest): void {
    host.active += 1;
    const attempt = new Attempt(
      discard(() => {
        host.active -= 1;
      }),
    );
    attempt.send(this.context.poolOf(host.endpoint), {
      method,
      path,
      headers: [...headers, 'x-forwarded-for', this.context.podIp],
      body: body?.open('copy') ?? null,
    });
  }

  /** An address that no route knows: connected as it was dialled, unless the mesh allows registered hosts only. */
  private passThrough(port: number): void {
    const { context } = this;
    if (context.registryOnly) {
      this.service = { ...this.service, name: 'BlackHoleCluster' };
      this.reply(502, '');
      return;
    }
    this.service = { ...this.service, name: 'PassthroughCluster' };
    const real = context.connect(this.authority.replace(/:\d+$/, ''), port);
    const call = new PassThroughCall(context.peers, this);
    this.call = call;
    const headers = [...this.headers, PEER_HEADER, context.peerHeader];
    const { method, path, body } = this;
    const pool = real === undefined ? undefined : context.upstreams.pool(real);
    call.start(pool, { method, path, headers, body, hashKey: undefined });
  }

  protected override onRequestComplete(): void {
    this.call?.startTimeout();
  }

  protected override onLeft(): void {
    this.delay?.cancel();
    this.call?.abandon();
  }

  protected override record(result: Finished): void {
    const { metrics, own } = this.context;
    const { service } = this;
    const peer = this.call?.peer ?? unknownPeer;
    const principal = this.call?.principal ?? 'unknown';
    const protocol = this.isGrpc ? 'grpc' : 'http';
    const key = `${peer.id}|${principal}|${service.host}|${service.name}|${result.code}|${result.flags}|${protocol}`;
    metrics
      .httpSeries(key, () => ({
        reporter: 'source',
        source: own,
        destination: { ...peer, principal },
        service,
        protocol,
        code: result.code,
        flags: result.flags,
        security: 'unknown',
      }))
      .count(result.durationMs, result.requestBytes, result.responseBytes);
  }
}

const serviceOf = (cluster: Cluster): DestinationService => ({
  host: cluster.host,
  name: cluster.serviceName,
  namespace: cluster.serviceNamespace,
});

/** The port of a Host header; 80 without one. */
function portOf(authority: string): number {
  const colon = authority.lastIndexOf(':');
  const port = colon < 0 || authority.endsWith(']') ? Number.NaN : Number(authority.slice(colon + 1));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 80;
}
