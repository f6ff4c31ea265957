import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import type { Destination, Route } from '../../mesh/types.js';
import type { HttpPool } from '../control/http1/pool.js';
import type { FlatHeaders } from '../control/http1/responseHead.js';
import type { PodNetwork } from '../control/network.js';
import type { ClusterState, Host } from './cluster.js';
import type { Downstream } from './exchange.js';
import { changeHeaders, inspect } from './headers.js';
import { type Peer, type PeerReader, unknownPeer } from './peer.js';
import type { RequestBody } from './requestBody.js';
import { backOffMs, retriesFailure, retriesStatus } from './retries.js';
import { Timer } from './timer.js';
import { Attempt, type UpstreamFailure } from './upstream.js';

const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';
const REASONS = {
  UF: `${RESET}remote connection failure, transport failure reason: delayed connect error: Connection refused`,
  UC: `${RESET}connection termination`,
  UPE: `${RESET}protocol error`,
} as const;

/** What the answer of a proxy says when an attempt brought none. */
export const failureReply = (failure: UpstreamFailure): { status: number; text: string } => ({
  status: failure === 'UPE' ? 502 : 503,
  text: REASONS[failure],
});

export interface CallContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: PodNetwork;
  readonly peers: PeerReader;
  poolOf(endpoint: Host['endpoint']): HttpPool | undefined;
  pick(
    state: ClusterState,
    request: RoutedRequest,
    hashKey: string | undefined,
    previous: ReadonlySet<Host> | undefined,
  ): Host | undefined;
}

/** Where a request was sent: the route that matched, and which of its destinations was drawn. */
export interface Drawn {
  readonly route: Route;
  readonly destination: Destination;
  /** The route has no other destination. */
  readonly single: boolean;
}

export interface RoutedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: FlatHeaders;
  readonly body: RequestBody | undefined;
  /** Value of the consistent-hash policy, where there is one. */
  readonly hashKey: string | undefined;
  /** The client's connection. */
  readonly connection: Socket;
}

/** The router's part of a request: attempts on hosts of one cluster until one answers, time is up, or retries are spent. */
export class RoutedCall {
  /** Who answered, as far as it is known. */
  peer: Peer = unknownPeer;
  /** The identity that the chosen host's sidecar showed in the handshake. */
  principal = 'unknown';
  private readonly context: CallContext;
  private readonly state: ClusterState;
  private readonly drawn: Drawn;
  private readonly route: Route;
  private readonly request: RoutedRequest;
  private readonly downstream: Downstream;
  private attempt: Attempt | undefined;
  private host: Host | undefined;
  private previous: Set<Host> | undefined;
  private attempts = 0;
  private admitted = false;
  private timeout: Timer | undefined;
  private perTry: Timer | undefined;
  private backOff: Timer | undefined;
  /** The attempt's answer is not for the client: another attempt follows. */
  private discarding = false;
  private resume: () => void = () => undefined;

  constructor(context: CallContext, state: ClusterState, drawn: Drawn, request: RoutedRequest, downstream: Downstream) {
    this.context = context;
    this.state = state;
    this.drawn = drawn;
    this.route = drawn.route;
    this.request = request;
    this.downstream = downstream;
  }

  /** Begins with the host that was chosen for the first attempt, as soon as the cluster's limits allow. */
  start(host: Host): void {
    const admission = this.state.admit(this.run);
    if (admission === 'overflow') {
      this.downstream.flag('UO');
      this.downstream.reply(503, `${RESET}overflow`, ['x-envoy-overloaded', 'true']);
    } else if (admission === 'now') {
      this.admitted = true;
      this.try(host);
    }
  }

  /** The whole request has arrived: from now on the route's timeout runs. */
  startTimeout(): void {
    const { timeout } = this.route;
    if (timeout === undefined || this.timeout || this.downstream.finished) return;
    this.timeout = new Timer(this.context.clock, timeout, () => this.onTimeout());
  }

  /** The client left: the attempt under way ends. */
  abandon(): void {
    this.cancelAttempt();
    this.dispose();
  }

  private readonly run = (): void => {
    this.admitted = true;
    this.try(this.pick(this.request.hashKey));
  };

  private pick(hashKey: string | undefined): Host | undefined {
    return this.context.pick(this.state, this.request, hashKey, this.previous);
  }

  private try(host: Host | undefined): void {
    const { downstream, request, route } = this;
    if (downstream.finished) return;
    if (!host) {
      downstream.flag('UH');
      this.fail(503, 'no healthy upstream');
      return;
    }
    this.attempts += 1;
    this.host = host;
    this.peer = host.peer;
    this.principal = 'unknown';
    host.active += 1;
    const attempt = new Attempt({
      onHeaders: (status, headers, resume) => this.onHeaders(host, status, headers, resume),
      onData: (chunk) => this.discarding || downstream.send(chunk, this.resume),
      onComplete: () => this.onComplete(host),
      onFailure: (failure) => this.onFailure(host, failure),
    });
    this.attempt = attempt;
    const { perTryTimeout } = route.retries;
    if (perTryTimeout !== undefined)
      this.perTry = new Timer(this.context.clock, perTryTimeout, () => this.onPerTryTimeout(attempt, host));
    attempt.send(this.context.poolOf(host.endpoint), {
      method: request.method,
      path: request.path,
      headers: request.headers,
      body: request.body?.open('attempt') ?? null,
    });
  }

  private onHeaders(host: Host, status: number, lines: FlatHeaders, resume: () => void): boolean {
    this.perTry?.cancel();
    const { headers, peer } = inspect(lines);
    this.identify(host);
    if (peer !== undefined) this.peer = this.context.peers.read(peer);
    this.state.report(host, status);
    if (retriesStatus(this.route.retries, status) && this.mayRetry()) {
      this.discarding = true;
      return true;
    }
    this.resume = resume;
    const { destination, single } = this.drawn;
    this.downstream.begin(
      status,
      changeHeaders(headers, this.route.responseHeaders, destination.responseHeaders, single),
    );
    return true;
  }

  private onComplete(host: Host): void {
    this.leave(host);
    if (this.discarding) {
      this.discarding = false;
      this.retry(host);
      return;
    }
    this.dispose();
    this.downstream.end();
  }

  private onFailure(host: Host, failure: UpstreamFailure): void {
    this.perTry?.cancel();
    this.leave(host);
    if (this.discarding) {
      this.discarding = false;
      this.retry(host);
      return;
    }
    if (failure !== 'UF') this.identify(host);
    const { status, text } = failureReply(failure);
    this.state.report(host, status);
    if (!this.downstream.started && retriesFailure(this.route.retries, failure) && this.mayRetry()) {
      this.retry(host);
      return;
    }
    this.downstream.flag(failure);
    this.fail(status, text);
  }

  private onPerTryTimeout(attempt: Attempt, host: Host): void {
    const { downstream } = this;
    if (downstream.finished || downstream.started || this.attempt !== attempt || this.discarding) return;
    this.cancelAttempt();
    this.state.report(host, 504);
    if (retriesFailure(this.route.retries, 'timeout') && this.mayRetry()) {
      this.retry(host);
      return;
    }
    downstream.flag('UT');
    this.fail(504, 'upstream request timeout');
  }

  private onTimeout(): void {
    if (this.downstream.finished) return;
    if (this.host) this.state.report(this.host, 504);
    this.cancelAttempt();
    this.downstream.flag('UT');
    this.fail(504, 'upstream request timeout');
  }

  /** Spends one retry; raises URX when one was due and none is left. */
  private mayRetry(): boolean {
    const { retries } = this.route;
    const { body } = this.request;
    if (retries.attempts <= 0 || (body && !body.replayable)) return false;
    if (this.attempts <= retries.attempts) return true;
    this.downstream.flag('URX');
    return false;
  }

  private retry(host: Host): void {
    if (this.downstream.finished) return;
    this.previous ??= new Set();
    this.previous.add(host);
    const { clock, random } = this.context;
    this.backOff = new Timer(clock, backOffMs(this.attempts, random), () => this.try(this.pick(undefined)));
  }

  /** A response that has begun can only be cut; any other is the proxy's own. */
  private fail(status: number, text: string): void {
    this.dispose();
    if (this.downstream.started) this.downstream.cut();
    else this.downstream.reply(status, text);
  }

  private identify(host: Host): void {
    this.principal = this.context.network.listeners(host.endpoint.ip)?.principal ?? 'unknown';
  }

  private cancelAttempt(): void {
    const { attempt, host } = this;
    if (!attempt || !host) return;
    attempt.cancel();
    if (attempt.connected && this.principal === 'unknown') this.identify(host);
    this.leave(host);
  }

  private leave(host: Host): void {
    if (this.host !== host) return;
    this.host = undefined;
    host.active -= 1;
  }

  private dispose(): void {
    this.timeout?.cancel();
    this.perTry?.cancel();
    this.backOff?.cancel();
    if (this.admitted) this.state.release();
    else this.state.withdraw(this.run);
    this.admitted = false;
  }
}
