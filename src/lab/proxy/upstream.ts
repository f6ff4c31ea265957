import type { Failure, HttpRequest } from '../control/http1/connection.js';
import { type Call, HttpPool } from '../control/http1/pool.js';
import type { FlatHeaders } from '../control/http1/responseHead.js';

/** Why an attempt brought no complete response, in Envoy's flags. */
export type UpstreamFailure = 'UF' | 'UC' | 'UPE';

const FLAGS: Readonly<Record<Failure, UpstreamFailure>> = { connect: 'UF', closed: 'UC', malformed: 'UPE' };

/** Passed-through addresses whose connections a proxy keeps. */
const MAX_DIALLED = 256;

export interface AttemptEvents {
  /** @returns false to pause the body until `resume` is called. */
  onHeaders(status: number, headers: FlatHeaders, resume: () => void): boolean;
  onData(chunk: Buffer): boolean;
  onComplete(): void;
  onFailure(failure: UpstreamFailure): void;
}

/** The connections of one proxy to real ports of this machine, kept alive and reused. */
export class Upstreams {
  private readonly pools = new Map<number, HttpPool>();
  private readonly dialled = new Map<string, HttpPool>();

  pool(port: number): HttpPool {
    let pool = this.pools.get(port);
    if (!pool) {
      pool = new HttpPool(() => port);
      this.pools.set(port, pool);
    }
    return pool;
  }

  /**
   * Connections to an address that each lead wherever `dial` says, as with a ClusterIP behind which kube-proxy chooses.
   * Addresses come from clients: only the {@link MAX_DIALLED} newest are remembered.
   */
  dial(address: string, dial: () => number): HttpPool {
    let pool = this.dialled.get(address);
    if (!pool) {
      pool = new HttpPool(dial);
      const [oldest] = this.dialled.keys();
      if (oldest !== undefined && this.dialled.size >= MAX_DIALLED) {
        this.dialled.get(oldest)?.retire();
        this.dialled.delete(oldest);
      }
      this.dialled.set(address, pool);
    }
    return pool;
  }

  /** Gives up connections to ports that no endpoint uses any more; requests in flight end first. */
  retain(ports: ReadonlySet<number>): void {
    for (const [port, pool] of this.pools) {
      if (ports.has(port)) continue;
      this.pools.delete(port);
      pool.retire();
    }
  }

  close(): void {
    for (const pool of [...this.pools.values(), ...this.dialled.values()]) pool.close();
    this.pools.clear();
    this.dialled.clear();
  }
}

/** One try of a request on one host. After `cancel`, or after onComplete or onFailure, no event follows. */
export class Attempt {
  private readonly events: AttemptEvents;
  private call: Call | undefined;
  private over = false;
  /** True as soon as a connection to the host stood. */
  connected = false;

  constructor(events: AttemptEvents) {
    this.events = events;
  }

  /** @param pool undefined: nothing listens at the host's address, which is a refused connection. */
  send(pool: HttpPool | undefined, request: HttpRequest): void {
    if (!pool) {
      queueMicrotask(() => this.onFailure('connect'));
      return;
    }
    this.call = pool.request(request, this);
  }

  /** Ends the attempt by closing its connection; the other side sees its client leave. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.connected = this.call?.connected ?? false;
    this.call?.cancel();
  }

  onHeaders(status: number, headers: FlatHeaders, resume: () => void): boolean {
    this.connected = true;
    return this.over || this.events.onHeaders(status, headers, resume);
  }

  onData(chunk: Buffer): boolean {
    return this.over || this.events.onData(chunk);
  }

  onComplete(): void {
    if (this.over) return;
    this.over = true;
    this.events.onComplete();
  }

  onFailure(failure: Failure): void {
    if (this.over) return;
    this.over = true;
    this.connected = failure !== 'connect';
    this.events.onFailure(FLAGS[failure]);
  }
}
