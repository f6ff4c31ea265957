import type { ResponseTimeCounts, UriCounts } from '../load/types.js';
import type { WatchedPoint } from '../scenario/types.js';

/** Answers of one kind with their response times. */
export type { TimedAnswers } from '../load/types.js';

/** Counts since the counting window opened. */
export interface WindowCounts {
  /** Version name of the scenario -> requests of the service under release, and how many of them failed (5xx or no response). */
  readonly versions: Readonly<Record<string, { readonly total: number; readonly failed: number }>>;
  /** Requests that reached no known version (no endpoint, no route, aborted, unknown label), and how many of them failed. */
  readonly unknown: { readonly total: number; readonly failed: number };
  /** "status flags" -> count, such as `503 UH`; flags sorted and comma-joined, `-` for none. Empty at the client and the graph. */
  readonly responses: Readonly<Record<string, number>>;
  /** Requests of the service that came from other workloads, by `workload.namespace`; not in the numbers above. */
  readonly foreign: Readonly<Record<string, number>>;
  /** Those of them that reached a version, by version; absent: none did, or it was not asked. */
  readonly foreignVersions?: Readonly<Record<string, number>>;
  /** Client only. */
  readonly unmarked: number;
  readonly failed: number;
  readonly sent: number;
  readonly byUri: readonly UriCounts[];
  /** Client only, when response times are promised. */
  readonly responseTimes?: ResponseTimeCounts;
}

/** What one vantage point says at one look. Counts are cumulative since the window opened. */
export type Observation =
  | {
      readonly status: 'ok';
      readonly vantagePoint: WatchedPoint;
      readonly counts: WindowCounts;
      /** Counts carry a rounding error of at most this many requests (Kiali's rates); 0 when exact. */
      readonly rounding: number;
      /**
       * Ratio by which all counts together may be too high, because Kiali's rates extrapolate to the ends of the window (two scrape
       * intervals at most); shares are not touched by it. Absent: counts do not extrapolate, or the scrape interval is not known.
       */
      readonly extrapolation?: number;
      /** Graph vantage point only. */
      readonly graph?: TrafficGraph;
      /** Destination vantage point only: requests that the `from` workload's own proxy received (the front door of the load), all sources. */
      readonly frontDoor?: number;
      /** Proxies whose counters went back to zero in the window. */
      readonly resets: number;
      /** Client only, where the engine knows its connections: what they tell about the unit of choice. */
      readonly clientConnections?: ClientConnections;
      /** Source vantage point only: requests by the proxy that counted them. */
      readonly proxies?: readonly ProxyCounts[];
      /** Source vantage point only: connections opened to ports that are routed as TCP, by version; absent when there is no such series. */
      readonly connections?: Readonly<Record<string, number>>;
      /** Source vantage point only: requests whose duration was measured, and ms in all, by version. */
      readonly durations?: Readonly<Record<string, { readonly count: number; readonly sumMs: number }>>;
    }
  | { readonly status: 'no-data'; readonly vantagePoint: WatchedPoint; readonly reason: string };

/** Answers on the load's own connections, since the counting window opened. */
export interface ClientConnections {
  /** Consecutive answers on one connection that both tell their version, and those of them in which both tell the same one. */
  readonly pairs: number;
  readonly agreeing: number;
  /** Versions of the first answer of each connection that was opened since then. */
  readonly first: Readonly<Record<string, number>>;
}

export interface ProxyCounts {
  /** The pod, else the address that is scraped. */
  readonly name: string;
  readonly versions: Readonly<Record<string, number>>;
}

export interface TrafficGraph {
  readonly nodes: readonly {
    readonly id: string;
    readonly kind: 'workload' | 'service' | 'unknown';
    readonly namespace: string;
    readonly app: string;
    readonly version: string;
    readonly label: string;
    /** Requests per second, in and out. */
    readonly inRate: number;
    readonly outRate: number;
    readonly flags: readonly string[];
  }[];
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    /** Requests per second. */
    readonly rate: number;
    /** Percentage of the source node's requests, 0..100, as Kiali shows it. */
    readonly percent: number;
    /** Percentage of the edge's requests that failed, 0..100. */
    readonly errorPercent: number;
    /** ms, undefined when Kiali knows none. */
    readonly responseTime?: number;
  }[];
}

/** What the proxies' series tell beside the counts: asked once, at the end of a window that did not pass. */
export interface Evidence {
  readonly source?: SeriesFacts;
  readonly destination?: SeriesFacts;
  /** Scrape targets of the namespace; absent: not known. */
  readonly targets?: readonly ScrapeTarget[];
}

/** Growth of the service's series at one side since the counting window opened. */
export interface SeriesFacts {
  /** Requests of the judged workload: version (`unknown` without one) -> `status flags` -> count. */
  readonly responses: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What the series call those who answered, whoever called; the most frequent first. */
  readonly labels: readonly {
    /** As written, the host where no route was found. */
    readonly service: string;
    readonly workload: string;
    readonly version: string;
    readonly revision: string;
    readonly count: number;
  }[];
  /** Proxies that counted requests, whoever called: pod (else address) -> version -> count. */
  readonly proxies: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Proxies whose series are there more than once, by the labels in which the copies differ: `job="a"` -> count. */
  readonly copies: readonly { readonly proxy: string; readonly counts: Readonly<Record<string, number>> }[];
}

export interface ScrapeTarget {
  /** The pod, else the address. */
  readonly name: string;
  /** Did the last scrape work? */
  readonly up: boolean;
}

/** One vantage point. */
export interface Observer {
  readonly vantagePoint: WatchedPoint;
  /** Reachable and answering like what it should be? Throws EnvironmentError with the address and the remedy. */
  check(signal?: AbortSignal): Promise<void>;
  /** Takes the base of the counting window. Throws when it cannot. */
  open(signal?: AbortSignal): Promise<void>;
  /** Never throws: what cannot be read is an observation `no-data`. */
  look(signal?: AbortSignal): Promise<Observation>;
  /** True when everything that happened before `wallMs` is in its data (every target was scraped later than that). */
  settled(wallMs: number, signal?: AbortSignal): Promise<boolean>;
  /** What else its data tell of the window, as of the last look; never throws, what cannot be read is left out. Absent: nothing. */
  evidence?(signal?: AbortSignal): Promise<Evidence>;
}
