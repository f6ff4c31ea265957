import type { Readable } from 'node:stream';
import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import type { Cluster, Endpoint, Route } from '../../mesh/types.js';
import type { HttpPool } from '../control/http1/pool.js';
import type { ClusterState, Host } from './cluster.js';
import { happens } from './draws.js';
import type { RoutedRequest } from './routedCall.js';
import { Timer } from './timer.js';
import { Attempt, type UpstreamFailure } from './upstream.js';

interface MirrorContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly podIp: string;
  readonly clusters: Readonly<Record<string, Cluster>>;
  state(name: string, cluster: Cluster): ClusterState;
  poolOf(endpoint: Endpoint): HttpPool | undefined;
}

/** Sends the copies of a request that its route asks for: drawn one by one, once whatever the retries, never awaited. */
export function sendCopies(context: MirrorContext, route: Route, request: RoutedRequest): void {
  for (const mirror of route.mirrors) {
    if (!happens(mirror.share, context.random)) continue;
    const cluster = context.clusters[mirror.cluster];
    if (cluster) new MirrorCopy(context, context.state(mirror.cluster, cluster), route, request).start();
  }
}

/**
 * One copy. It outlives the request that it was made of, keeps to the limits of its cluster and feeds its outlier
 * detection; nobody hears of its answer.
 */
class MirrorCopy {
  private readonly context: MirrorContext;
  private readonly state: ClusterState;
  private readonly route: Route;
  private readonly request: RoutedRequest;
  private body: Readable | null = null;
  private timeout: Timer | undefined;

  constructor(context: MirrorContext, state: ClusterState, route: Route, request: RoutedRequest) {
    this.context = context;
    this.state = state;
    this.route = route;
    this.request = request;
  }

  start(): void {
    const admission = this.state.admit(this.run);
    if (admission === 'overflow') return;
    // Opened now, while the whole body can still be had.
    this.body = this.request.body?.open('copy') ?? null;
    if (admission === 'now') this.run();
  }

  private readonly run = (): void => {
    const host = this.state.pick(undefined, undefined);
    if (host) this.send(host);
    else {
      this.body?.destroy();
      this.state.release();
    }
  };

  private send(host: Host): void {
    const { context, request, state } = this;
    host.active += 1;
    const attempt = new Attempt({
      onHeaders: (status) => {
        state.report(host, status);
        return true;
      },
      onData: () => true,
      onComplete: () => this.end(host),
      onFailure: (failure: UpstreamFailure) => {
        state.report(host, failure === 'UPE' ? 502 : 503);
        this.end(host);
      },
    });
    const { timeout } = this.route;
    if (timeout !== undefined) {
      this.timeout = new Timer(context.clock, timeout, () => {
        attempt.cancel();
        state.report(host, 504);
        this.end(host);
      });
    }
    attempt.send(context.poolOf(host.endpoint), {
      method: request.method,
      path: request.path,
      headers: [...request.headers, 'x-forwarded-for', context.podIp],
      body: this.body,
    });
  }

  private end(host: Host): void {
    this.timeout?.cancel();
    host.active -= 1;
    this.state.release();
  }
}
