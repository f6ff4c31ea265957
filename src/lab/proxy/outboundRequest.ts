import type { IncomingMessage, ServerResponse } from 'node:http';
import { matchedPrefix, type PathPrefix, rewritePath } from '../../mesh/rewrite.js';
import type { Cluster, Route } from '../../mesh/types.js';
import type { DestinationService } from '../control/inboundPorts.js';
import { drawDestination, happens } from './draws.js';
import { Exchange, type Finished } from './exchange.js';
import { changeHeaders, headerValue, setHeader } from './headers.js';
import { sendCopies } from './mirror.js';
import type { OutboundContext } from './outboundContext.js';
import { PassThroughCall } from './passThrough.js';
import { PEER_HEADER, unknownPeer } from './peer.js';
import { locationOf } from './redirect.js';
import { hashKeyOf, splitTarget } from './requestTarget.js';
import { type Drawn, RoutedCall, type RoutedRequest } from './routedCall.js';
import { Timer } from './timer.js';

/**
 * One request that leaves a pod, in the order of Envoy's filters: route match, weighted draw, faults, mirrors, router.
 * Whatever ends it before the router (no route, fault, direct response) reaches no upstream and no retry.
 */
export class OutboundRequest extends Exchange {
  private readonly context: OutboundContext;
  private readonly method: string;
  private readonly port: number;
  private path: string;
  private authority: string;
  private service: DestinationService;
  private call: RoutedCall | PassThroughCall | undefined;
  private delay: Timer | undefined;

  /** @param port where a gateway took it; default: the port of its Host header, where a sidecar's client sent it. */
  constructor(context: OutboundContext, request: IncomingMessage, response: ServerResponse, port?: number) {
    super(request, response, context.clock);
    this.context = context;
    this.method = request.method ?? 'GET';
    const target = splitTarget(request.url ?? '/');
    this.path = target.path;
    this.authority = target.authority ?? request.headers.host ?? '';
    // Where no cluster is reached, the metrics name the Host header.
    const host = this.authority || 'unknown';
    this.port = port ?? portOf(this.authority);
    this.service = { host, name: host, namespace: 'unknown' };
  }

  /** Takes the request through the filters; called once. */
  start(): void {
    const { router } = this.context;
    const { port } = this;
    const matched = router.match(port, this.authority, this.method, this.path, this.request.headers);
    if (matched) {
      const { route, match, virtualHost } = matched;
      this.enterRoute(route, matchedPrefix(match, route.source ?? virtualHost.source));
    } else if (router.virtualHost(port, this.authority)) {
      this.flag('NR');
      this.reply(404, '');
    } else this.leaveTable(port);
  }

  private enterRoute(route: Route, prefix: PathPrefix | undefined): void {
    const { action } = route;
    if (action.kind === 'direct') {
      this.reply(action.status, action.body);
      return;
    }
    if (action.kind === 'redirect') {
      this.reply(action.status, '', ['location', locationOf(action, this.authority, this.path, prefix)]);
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
      } else this.forward({ route, destination, single: action.destinations.length === 1 }, cluster, prefix);
    };
    if (delay && happens(delay.share, this.context.random)) {
      this.flag('DI');
      this.delay = new Timer(this.clock, delay.duration, afterDelay);
    } else afterDelay();
  }

  private forward(drawn: Drawn, cluster: Cluster | undefined, prefix: PathPrefix | undefined): void {
    const { context } = this;
    const { route, destination } = drawn;
    if (!cluster) {
      // As the router finds no cluster, nothing is known of the Service either.
      this.flag('NC');
      this.reply(destination.missingStatus ?? 503, '');
      return;
    }
    const state = context.state(destination.cluster, cluster);
    const hashKey = cluster.hash && hashKeyOf(cluster.hash, this.headers, this.path, context.podIp);
    const host = context.pick(state, { connection: this.request.socket }, hashKey, undefined);
    if (!host) {
      this.flag('UH');
      this.reply(503, 'no healthy upstream');
      return;
    }
    const request = this.rewritten(drawn, prefix, hashKey);
    sendCopies(context, route, request);
    const call = new RoutedCall(context, state, drawn, request, this);
    this.call = call;
    if (this.requestComplete) call.startTimeout();
    call.start(host);
  }

  private rewritten(
    { route, destination, single }: Drawn,
    prefix: PathPrefix | undefined,
    hashKey: string | undefined,
  ): RoutedRequest {
    const { rewrite } = route;
    if (rewrite) this.path = rewritePath(this.path, rewrite, prefix);
    let headers = changeHeaders(this.headers, route.requestHeaders, destination.requestHeaders, single);
    if (rewrite?.authority !== undefined) headers = setHeader(headers, 'host', rewrite.authority);
    if (headerValue(headers, 'x-forwarded-proto') === undefined) headers.push('x-forwarded-proto', 'http');
    headers.push(PEER_HEADER, this.context.peerHeader);
    const { method, path, body } = this;
    return { method, path, headers, body, hashKey, connection: this.request.socket };
  }

  /** An address that no route knows: passed on as it was dialled, unless the mesh or the caller's Sidecar forbids it. */
  private leaveTable(port: number): void {
    const { context, method, path, body } = this;
    const { unknownHosts = 'allow-any' } = context.config;
    if (unknownHosts === 'not-found') {
      this.flag('NR');
      this.reply(404, '');
      return;
    }
    if (unknownHosts === 'registry-only') {
      this.service = { ...this.service, name: 'BlackHoleCluster' };
      this.reply(502, '');
      return;
    }
    this.service = { ...this.service, name: 'PassthroughCluster' };
    const call = new PassThroughCall(context.peers, this);
    this.call = call;
    const headers = [...this.headers, PEER_HEADER, context.plainPeerHeader];
    call.start(context.passThroughPool(this.authority.replace(/:\d+$/, ''), port), { method, path, headers, body });
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
