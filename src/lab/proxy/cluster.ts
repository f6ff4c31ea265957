import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { groupsOf } from '../../mesh/loads.js';
import { sameItems } from '../../mesh/memo.js';
import type { Cluster, Endpoint } from '../../mesh/types.js';
import { canonicalRevisionOf, canonicalServiceOf } from '../control/identity.js';
import { choose } from './balancing.js';
import { HostHealth, OutlierDetector } from './outliers.js';
import { makePeer, type Peer } from './peer.js';

/** How often another host is drawn for a retry before the same one is taken again (Istio's `hostSelectionRetryMaxAttempts`). */
const HOST_SELECTION_ATTEMPTS = 5;

/** One endpoint as a proxy sees it. */
export class Host {
  endpoint: Endpoint;
  /** What the endpoint discovery tells of it: no app, no version. */
  readonly peer: Peer;
  /** Requests in flight. */
  active = 0;
  readonly health = new HostHealth();

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    const slash = endpoint.pod.indexOf('/');
    this.peer = makePeer({
      workload: endpoint.workload || 'unknown',
      namespace: endpoint.pod.slice(0, slash),
      canonicalService: canonicalServiceOf(endpoint.labels, endpoint.workload),
      canonicalRevision: canonicalRevisionOf(endpoint.labels),
      cluster: 'Kubernetes',
    });
  }
}

/** The running state of one upstream cluster: hosts, requests in flight, ejections, limits. */
export class ClusterState {
  private readonly clock: Clock;
  private readonly random: Random;
  private hosts: Host[] = [];
  /** Those that outlier detection lets take traffic: the same list until they change. */
  private taking: readonly Host[] = [];
  /** Whether it matters where the endpoints run. */
  private grouped = false;
  /** Made once for the same hosts. */
  private places: { readonly of: readonly Host[]; readonly groups: readonly Place[] } = { of: [], groups: [] };
  private rotation: number;
  private connections = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly detector: OutlierDetector;
  cluster: Cluster;

  constructor(cluster: Cluster, clock: Clock, random: Random) {
    this.cluster = cluster;
    this.clock = clock;
    this.random = random;
    this.rotation = Math.floor(random() * 1024);
    this.detector = new OutlierDetector(clock.now());
    this.update(cluster);
  }

  /** Takes over a newer configuration; hosts that stay keep their counts. */
  update(cluster: Cluster): void {
    const known = new Map(this.hosts.map((host) => [keyOf(host.endpoint), host]));
    this.cluster = cluster;
    this.taking = [];
    this.grouped = cluster.endpoints.some(({ priority, locality }) => priority || locality);
    this.hosts = cluster.endpoints
      .filter((endpoint) => endpoint.ready)
      .map((endpoint) => {
        const host = known.get(keyOf(endpoint));
        if (!host || !sameIdentity(host.endpoint, endpoint)) return new Host(endpoint);
        host.endpoint = endpoint;
        return host;
      });
  }

  /**
   * Chooses a host for one attempt.
   * @param hashKey value of the consistent-hash policy; undefined: none, or the request lacks it.
   * @param previous hosts of earlier attempts, avoided for a few draws.
   * @returns undefined when no host may take traffic (UH).
   */
  pick(hashKey: string | undefined, previous: ReadonlySet<Host> | undefined): Host | undefined {
    const hosts = this.eligible();
    if (hosts.length === 0) return undefined;
    const near = this.near(hosts);
    let host = this.draw(near, hashKey);
    for (let tried = 1; previous?.has(host) && tried < HOST_SELECTION_ATTEMPTS; tried++) {
      host = this.draw(near, undefined);
    }
    return host;
  }

  /**
   * Asks for a connection.
   * @returns `now`, `later` (run when one is free) or `overflow` (UO).
   */
  admit(run: () => void): 'now' | 'later' | 'overflow' {
    const { maxConnections, maxPending } = this.cluster.limits;
    if (maxConnections === undefined || this.connections < maxConnections) {
      this.connections += 1;
      return 'now';
    }
    if (maxPending !== undefined && this.waiting.length >= maxPending) return 'overflow';
    this.waiting.push(run);
    return 'later';
  }

  /** Takes back a request that was told `later`. @returns false when it runs already. */
  withdraw(run: () => void): boolean {
    const index = this.waiting.indexOf(run);
    if (index >= 0) this.waiting.splice(index, 1);
    return index >= 0;
  }

  /** Asks for a byte connection, which never waits for another to end. @returns false when the limit is reached (UO). */
  admitConnection(): boolean {
    const { maxConnections } = this.cluster.limits;
    if (maxConnections !== undefined && this.connections >= maxConnections) return false;
    this.connections += 1;
    return true;
  }

  /** Gives an admitted connection back. */
  release(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.connections -= 1;
  }

  /** Feeds outlier detection; an attempt that brought no answer reports the status that the proxy gives instead. */
  report(host: Host, status: number): void {
    const { outlier } = this.cluster;
    if (!outlier) return;
    const all = this.hosts.map((other) => other.health);
    this.detector.report(outlier, host.health, status, this.clock.now(), all);
  }

  /** Istio sets the panic threshold to 0: when every host is ejected, none serves. */
  private eligible(): readonly Host[] {
    if (!this.cluster.outlier) return this.hosts;
    const now = this.clock.now();
    const taking = this.hosts.filter((host) => host.health.takesTraffic(now));
    if (!sameItems(taking, this.taking)) this.taking = taking;
    return this.taking;
  }

  /** Those of one place: the nearest, or farther ones as far as near ones are missing. @param hosts those that may take traffic, not none. */
  private near(hosts: readonly Host[]): readonly Host[] {
    if (!this.grouped) return hosts;
    if (this.places.of !== hosts) this.places = { of: hosts, groups: placesOf(this.cluster.endpoints, hosts) };
    let left = this.random();
    const drawn = this.places.groups.find(({ load }) => {
      left -= load;
      return left < 0;
    });
    return drawn?.hosts ?? hosts;
  }

  private draw(hosts: readonly Host[], hashKey: string | undefined): Host {
    this.rotation = (this.rotation + 1) >>> 0;
    return choose(this.cluster.balancing, hosts, this.random, this.rotation, hashKey);
  }
}

/** Hosts that are equally near, and the part of the requests that they take. */
interface Place {
  readonly hosts: readonly Host[];
  readonly load: number;
}

function placesOf(endpoints: readonly Endpoint[], hosts: readonly Host[]): Place[] {
  const byEndpoint = new Map(hosts.map((host) => [host.endpoint, host]));
  return groupsOf(endpoints, (endpoint) => byEndpoint.has(endpoint)).map(({ healthy, load }) => ({
    hosts: healthy.flatMap((endpoint) => byEndpoint.get(endpoint) ?? []),
    load,
  }));
}

const keyOf = (endpoint: Endpoint): string => `${endpoint.ip}:${endpoint.targetPort}`;

const sameIdentity = (a: Endpoint, b: Endpoint): boolean =>
  a.pod === b.pod &&
  a.workload === b.workload &&
  canonicalServiceOf(a.labels, a.workload) === canonicalServiceOf(b.labels, b.workload) &&
  canonicalRevisionOf(a.labels) === canonicalRevisionOf(b.labels);
