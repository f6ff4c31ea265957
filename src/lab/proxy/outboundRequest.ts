import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cluster, Destination, Route } from '../../mesh/types.js';
import type { FlatHeaders } from '../control/http1/responseHead.js';
import type { ClusterState, Host } from './cluster.js';
import { drawDestination, happens } from './draws.js';
import { Exchange, type Finished } from './exchange.js';
import { changeHeaders, headerValue, inspect, setHeader } from './headers.js';
import type { DestinationService } from './labels.js';
import type { OutboundContext } from './outboundContext.js';
import { PEER_HEADER, type Peer, unknownPeer } from './peer.js';
import { backOffMs, retriesFailure, retriesStatus } from './retries.js';
import { hashKeyOf, rewritePath, splitTarget } from './rewrite.js';
import { Timer } from './timer.js';
import { Attempt, discard, type UpstreamFailure } from './upstream.js';

const RESET_BODY = {
  UF: 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused',
  UC: 'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
  UPE: 'upstream connect error or disconnect/reset before headers. reset reason: protocol error',
} as const;

/**
 * One request that leaves a pod, as Envoy's HTTP filters and router treat it: route match, faults, weighted draw,
 * mirrors, host choice, attempts, timeouts, response.
 */
export class OutboundRequest extends Exchange {
  private readonly context: OutboundContext;
  private readonly method: string;
  private path: string;
  private authority: string;
  private route: Route | undefined;
  private matchedPrefix: string | undefined;
  private state: ClusterState | undefined;
  private admitted = false;
  private waiting: (() => void) | undefined;
  private attempt: Attempt | undefined;
  private host: Host | undefined;
  private previous: Set<Host> | undefined;
  private attempts = 0;
  private service: DestinationService;
  private peer: Peer = unknownPeer;
  private principal = 'unknown';
  private timeout: Timer | undefined;
  private perTry: Timer | undefined;
  private pause: Timer | undefined;

  constructor(context: OutboundContext, request: IncomingMessage, response: ServerResponse) {
    super(request, response, context.clock);
    this.context = context;
    this.method = request.method ?? 'GET';
    const target = splitTarget(request.url ?? '/');
    this.path = target.path;
    this.authority = target.authority ?? request.headers.host ?? '';
    this.service = { host: this.authority || 'unknown', name: this.authority || 'unknown', namespace: 'unknown' };
  }

  /** Takes the request through the filters; called once. */
  start(): void {
    const { router } = this.context;
    const port = portOf(this.authority);
    const matched = router.match(port, this.authority, this.method, this.path, this.request.headers);
    if (!matched) {
      if (router.virtualHost(port, this.authority)) {
        this.flag('NR');
        return this.reply(404, '');
      }
      return this.passThrough(port);
    }
    const { route } = matched;
    this.route = route;
    this.matchedPrefix = matched.match?.path?.kind.endsWith('prefix') ? matched.match.path.value : undefined;
    const { delay } = route.fault;
    if (route.action.kind === 'forward' && delay && happens(delay.share, this.context.random)) {
      this.service = this.serviceOfFirst(route) ?? this.service;
      this.flag('DI');
      this.pause = new Timer(this.clock, delay.duration, () => this.afterDelay(route));
    } else this.afterDelay(route);
  }

  private afterDelay(route: Route): void {
    if (this.finished) return;
    const { action } = route;
    if (action.kind === 'direct') return this.reply(action.status, action.body);
    if (action.kind === 'redirect') return this.redirect(action);
    // The destination is drawn with the route, before the fault filter ends the request.
    const destination = drawDestination(action.destinations, this.context.random);
    const { abort } = route.fault;
    const cluster = this.context.clusters[destination.cluster];
    if (cluster) this.service = serviceOf(cluster);
    if (abort && happens(abort.share, this.context.random)) {
      this.flag('FI');
      return this.reply(abort.status, 'fault filter abort');
    }
    this.forward(route, destination, cluster);
  }

  private forward(route: Route, destination: Destination, cluster: Cluster | undefined): void {
    if (!cluster) {
      this.flag('NC');
      return this.reply(503, '');
    }
    const state = this.context.state(destination.cluster, cluster);
    this.state = state;
    this.rewrite(route);
    const host = state.pick(this.hashKey(cluster), undefined);
    if (!host) {
      this.flag('UH');
      return this.reply(503, 'no healthy upstream');
    }
    this.mirror(route);
    if (this.requestComplete) this.onRequestComplete();
    this.waiting = () => {
      this.waiting = undefined;
      this.admitted = true;
      this.try(state.pick(this.hashKey(cluster), undefined));
    };
    const admission = state.admit(this.waiting);
    if (admission === 'now') {
      this.waiting = undefined;
      this.admitted = true;
      this.try(host);
    } else if (admission === 'overflow') {
      this.flag('UO');
      const reason = 'upstream connect error or disconnect/reset before headers. reset reason: overflow';
      this.reply(503, reason, ['x-envoy-overloaded', 'true']);
    }
  }

  private rewrite(route: Route): void {
    const { rewrite } = route;
    if (rewrite?.uri !== undefined) this.path = rewritePath(this.path, this.matchedPrefix, rewrite.uri);
    if (rewrite?.authority !== undefined) this.authority = rewrite.authority;
    this.headers = changeHeaders(this.headers, route.requestHeaders);
    if (rewrite?.authority !== undefined) this.headers = setHeader(this.headers, 'host', this.authority);
    if (headerValue(this.headers, 'x-forwarded-proto') === undefined) this.headers.push('x-forwarded-proto', 'http');
    this.headers.push(PEER_HEADER, this.context.peerHeader);
  }

  /** Copies are drawn one by one, sent once whatever the retries, and outlive the request. */
  private mirror(route: Route): void {
    for (const mirror of route.mirrors) {
      if (!happens(mirror.share, this.context.random)) continue;
      const cluster = this.context.clusters[mirror.cluster];
      const state = cluster && this.context.state(mirror.cluster, cluster);
      const host = state?.pick(undefined, undefined);
      if (!host) continue;
      host.active += 1;
      const copy = new Attempt(
        discard(() => {
          host.active -= 1;
        }),
      );
      copy.send(this.context.poolOf(host.endpoint), {
        method: this.method,
        path: this.path,
        headers: [...this.headers, 'x-forwarded-for', this.context.podIp],
        body: this.body?.open('copy') ?? null,
      });
    }
  }

  private try(host: Host | undefined): void {
    if (this.finished || !this.route) return;
    if (!host) {
      this.flag('UH');
      return this.fail(503, 'no healthy upstream');
    }
    this.attempts += 1;
    this.host = host;
    this.peer = host.peer;
    this.principal = 'unknown';
    host.active += 1;
    const attempt = new Attempt({
      onHeaders: (status, raw, resume) => this.onHeaders(host, status, raw, resume),
      onData: (chunk) => this.discarding || this.send(chunk, this.resume),
      onComplete: () => this.onComplete(host),
      onFailure: (failure) => this.onFailure(host, failure),
    });
    this.attempt = attempt;
    const { perTryTimeout } = this.route.retries;
    if (perTryTimeout !== undefined)
      this.perTry = new Timer(this.clock, perTryTimeout, () => this.onPerTryTimeout(attempt, host));
    attempt.send(this.context.poolOf(host.endpoint), {
      method: this.method,
      path: this.path,
      headers: this.headers,
      body: this.body?.open('attempt') ?? null,
    });
  }

  private resume: () => void = () => undefined;
  /** The attempt's answer is not for the client: another attempt follows. */
  private discarding = false;

  private onHeaders(host: Host, status: number, raw: FlatHeaders, resume: () => void): boolean {
    this.perTry?.cancel();
    const { headers, peer } = inspect(raw);
    this.learn(host, peer);
    this.state?.report(host, status >= 500);
    const route = this.route;
    if (route && retriesStatus(route.retries, status) && this.mayRetry(route)) {
      this.discarding = true;
      return true;
    }
    this.resume = resume;
    const out = route ? changeHeaders(headers, route.responseHeaders) : headers;
    this.begin(status, out);
    return true;
  }

  private learn(host: Host, told: string | undefined): void {
    if (told !== undefined) this.peer = this.context.peers.read(told);
    this.principal = this.context.network.listeners(host.endpoint.ip)?.principal ?? 'unknown';
  }

  private onComplete(host: Host): void {
    this.leave(host);
    if (!this.discarding) return this.complete();
    this.discarding = false;
    this.retry(host);
  }

  private onFailure(host: Host, failure: UpstreamFailure): void {
    const wasConnected = this.attempt?.connected === true;
    this.leave(host);
    this.perTry?.cancel();
    if (this.discarding) {
      this.discarding = false;
      return this.retry(host);
    }
    if (wasConnected) this.principal = this.context.network.listeners(host.endpoint.ip)?.principal ?? 'unknown';
    this.state?.report(host, true);
    if (this.started) {
      this.flag(failure);
      this.dispose();
      return this.cut();
    }
    if (this.route && retriesFailure(this.route.retries, failure) && this.mayRetry(this.route)) return this.retry(host);
    this.flag(failure);
    this.fail(failure === 'UPE' ? 502 : 503, RESET_BODY[failure]);
  }

  private onPerTryTimeout(attempt: Attempt, host: Host): void {
    if (this.finished || this.attempt !== attempt || this.started || this.discarding) return;
    attempt.cancel();
    this.learn(host, undefined);
    this.leave(host);
    this.state?.report(host, true);
    if (this.route && retriesFailure(this.route.retries, 'timeout') && this.mayRetry(this.route))
      return this.retry(host);
    this.flag('UT');
    this.fail(504, 'upstream request timeout');
  }

  /** Spends one retry; raises URX when one was due and none is left. */
  private mayRetry({ retries }: Route): boolean {
    if (retries.attempts <= 0 || (this.body && !this.body.replayable)) return false;
    if (this.attempts <= retries.attempts) return true;
    this.flag('URX');
    return false;
  }

  private retry(host: Host): void {
    if (this.finished) return;
    this.previous ??= new Set();
    this.previous.add(host);
    this.pause = new Timer(this.clock, backOffMs(this.attempts, this.context.random), () => {
      if (!this.finished) this.try(this.state?.pick(undefined, this.previous));
    });
  }

  protected override onRequestComplete(): void {
    const timeout = this.route?.timeout;
    if (timeout === undefined || this.timeout || this.finished || !this.state) return;
    this.timeout = new Timer(this.clock, timeout, () => this.onTimeout());
  }

  private onTimeout(): void {
    if (this.finished) return;
    const { attempt, host } = this;
    attempt?.cancel();
    if (attempt && host) {
      if (attempt.connected && !this.started) this.learn(host, undefined);
      this.leave(host);
      this.state?.report(host, true);
    }
    this.flag('UT');
    if (this.started) {
      this.dispose();
      this.cut();
    } else this.fail(504, 'upstream request timeout');
  }

  private redirect(action: Extract<Route['action'], { kind: 'redirect' }>): void {
    const path = action.uri ?? this.path;
    this.reply(action.status, '', ['location', `http://${action.authority ?? this.authority}${path}`]);
  }

  /** An address that no route knows: connected as it was dialled, unless the mesh allows registered hosts only. */
  private passThrough(port: number): void {
    if (this.context.registryOnly) {
      this.service = { ...this.service, name: 'BlackHoleCluster' };
      return this.reply(502, '');
    }
    this.service = { ...this.service, name: 'PassthroughCluster' };
    const real = this.context.connect(this.authority.replace(/:\d+$/, ''), port);
    const attempt = new Attempt({
      onHeaders: (status, raw, resume) => {
        const { headers, peer } = inspect(raw);
        this.peer = this.context.peers.read(peer);
        this.resume = resume;
        this.begin(status, headers);
        return true;
      },
      onData: (chunk) => this.send(chunk, this.resume),
      onComplete: () => this.end(),
      onFailure: (failure) => {
        this.flag(failure);
        if (this.started) this.cut();
        else this.reply(failure === 'UPE' ? 502 : 503, RESET_BODY[failure]);
      },
    });
    this.attempt = attempt;
    this.headers.push(PEER_HEADER, this.context.peerHeader);
    attempt.send(real === undefined ? undefined : this.context.upstreams.pool(real), {
      method: this.method,
      path: this.path,
      headers: this.headers,
      body: this.body?.open('attempt') ?? null,
    });
  }

  private hashKey(cluster: Cluster): string | undefined {
    return cluster.hash && hashKeyOf(cluster.hash, this.headers, this.path, this.context.podIp);
  }

  private serviceOfFirst(route: Route): DestinationService | undefined {
    const first = route.action.kind === 'forward' ? route.action.destinations[0] : undefined;
    const cluster = first && this.context.clusters[first.cluster];
    return cluster && serviceOf(cluster);
  }

  private complete(): void {
    this.dispose();
    this.end();
  }

  private fail(status: number, text: string): void {
    this.dispose();
    this.reply(status, text);
  }

  protected override onLeft(): void {
    this.attempt?.cancel();
    if (this.host && this.attempt) {
      if (this.attempt.connected && this.peer === this.host.peer)
        this.principal = this.context.network.listeners(this.host.endpoint.ip)?.principal ?? 'unknown';
      this.leave(this.host);
    }
    this.dispose();
  }

  /** The attempt on this host is over. */
  private leave(host: Host): void {
    if (this.host !== host) return;
    this.host = undefined;
    host.active -= 1;
  }

  private dispose(): void {
    this.timeout?.cancel();
    this.perTry?.cancel();
    this.pause?.cancel();
    if (this.waiting) this.state?.withdraw(this.waiting);
    if (this.admitted) this.state?.release();
    this.admitted = false;
    this.waiting = undefined;
  }

  protected override record(result: Finished): void {
    const { metrics, own } = this.context;
    const { peer, principal, service } = this;
    const protocol = headerValue(this.headers, 'content-type')?.startsWith('application/grpc') ? 'grpc' : 'http';
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
