import type { LoadModel, Marker, UriEntry, UriOrder } from '../scenario/types.js';
import type { ReplayModel } from './workload/replay.js';

/** `node`: HTTP/1.1 on Node's own sockets. `undici`: the library, to compare with. `k6`: a process of k6, on all cores. `npm run bench -- --only engines` measures what they cost. */
export const LOAD_ENGINES = ['node', 'undici', 'k6'] as const;
export type LoadEngine = (typeof LOAD_ENGINES)[number];

/** When and by whom requests are sent. */
export type Workload = LoadModel | ReplayModel;

/** What to send. */
export interface LoadSpec {
  /** `http://127.0.0.1:7005`; relative URIs are resolved against it. */
  readonly baseUrl: string;
  readonly uris: readonly UriEntry[];
  /** Values of `{name}` in URIs. */
  readonly variables: Readonly<Record<string, string>>;
  readonly model: Workload;
  readonly order: UriOrder;
  readonly seed: number;
  /** From the send to the end of the answer. */
  readonly timeoutMs: number;
  /** From the send until the connection is established, TLS included; undefined: only the whole answer's limit counts. */
  readonly connectTimeoutMs?: number;
  /** From when the request could be written to the first byte of the answer; undefined: only the whole answer's limit counts. */
  readonly firstByteTimeoutMs?: number;
  /** What puts requests on the wire; default `node`. */
  readonly engine?: LoadEngine;
  /** `per-user`: no user's request goes over the connection of another (arrivals of an open model share theirs); default `shared`: over any that is free. */
  readonly connections?: 'per-user' | 'shared';
  /** Share of the requests that get a connection of their own, 0..1, drawn from the seed; default 0. */
  readonly freshShare?: number;
  /** Redirects that a request may follow, to origins of the list only; default 0: a redirect is an answer. */
  readonly followRedirects?: number;
  /** So many failed requests are kept with what came back; default 0. */
  readonly captureFailures?: number;
  /** Whom https trusts; default: the authorities that Node knows. */
  readonly tls?: TlsTrust;
  readonly marker: Marker | undefined;
  /** Version meant when the marker finds no text; undefined: such answers are unmarked. */
  readonly defaultVersion: string | undefined;
  /** A thread of its own wakes the generator, which then sends within about 0.2 ms of the due time instead of 1 ms; default false. */
  readonly precise?: boolean;
  /** Threads that send, each a part of the users or arrivals; never more than users. Default 1. */
  readonly workers?: number;
  /** What of the response times is judged; default: nothing. */
  readonly responseTimes?: ResponseTimeWatch;
  /** Stops by itself after so many sent requests; undefined: no limit. */
  readonly maxRequests?: number;
  /** Stops by itself after this time; undefined: until stopped. */
  readonly durationMs?: number;
}

export interface TlsTrust {
  /** PEM certificates of the authorities that are trusted, in place of those that Node knows. */
  readonly ca?: string;
  /** Certificates are not checked. */
  readonly insecure?: boolean;
}

/** Cumulative counts of the client since the start. Every sent request that has ended is in exactly one of versions, unmarked, failed. */
export interface ClientCounts {
  readonly sent: number;
  readonly ended: number;
  /** Answers attributed to a version by the marker. */
  readonly versions: Readonly<Record<string, number>>;
  /** Good answers that do not tell the version. */
  readonly unmarked: number;
  /** Error status (>= 400), offline page, timeout, broken connection. */
  readonly failed: number;
  /** Due, but never sent (open model at its in-flight limit). */
  readonly dropped: number;
  readonly bytesReceived: number;
  readonly status: Readonly<Record<string, number>>;
  /** By kind: timeout, connect-timeout, first-byte-timeout, connect-refused, reset, closed, protocol, offline-page, ... */
  readonly errors: Readonly<Record<string, number>>;
  /** Undefined: the engine does not know its connections. */
  readonly connections?: ConnectionCounts;
  /** In the order of the URI list. */
  readonly byUri: readonly UriCounts[];
}

/** What the client's own connections tell about the unit of choice: a version drawn per connection never changes on one. */
export interface ConnectionCounts {
  /** Established ones. */
  readonly opened: number;
  /** Requests that were sent on a connection of their own. */
  readonly fresh: number;
  /** Answers that tell their version and have a predecessor on their connection since the last resetWindow that does; answers in between that do not are passed over. */
  readonly pairs: number;
  /** Those of the pairs in which both, an answer and its latest predecessor, tell the same one. */
  readonly agreeing: number;
  /** Versions of the first answer that tells one, of every connection; one that is older than the last resetWindow before that answer is left out. */
  readonly first: Readonly<Record<string, number>>;
}

export interface UriCounts {
  readonly uri: string;
  readonly versions: Readonly<Record<string, number>>;
  readonly unmarked: number;
  readonly failed: number;
}

/** Milliseconds. Percentile p is the smallest recorded value such that at least p of all values are <= it, at 3 significant digits. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Non-empty histogram buckets for drawing, at most 120: upper bound in ms (inclusive) and count. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
}

/** What of the response times is to be counted as answers end. */
export interface ResponseTimeWatch {
  /** ms. */
  readonly limits: readonly number[];
  /** Versions whose answers are counted apart. */
  readonly versions: readonly string[];
  /** Is an answer of the candidate more than (1 + margin) times as long as one of the baseline? */
  readonly pairs: readonly { readonly candidate: string; readonly baseline: string; readonly margin: number }[];
}

/** Response times of a counting window, from the intended start; exact counts. */
export interface ResponseTimeCounts {
  /** Whole answers, failed ones too, and timeouts as the time after which they were given up. */
  readonly all: TimedAnswers;
  /** Good answers that tell their version. */
  readonly versions: Readonly<Record<string, TimedAnswers>>;
  /** Pairs of answers of different versions, and in how many the candidate's is the longer one by more than the margin. */
  readonly pairs: readonly (ResponseTimeWatch['pairs'][number] & { readonly slower: number; readonly total: number })[];
}

export interface TimedAnswers {
  readonly total: number;
  /** Limit in ms -> answers that took longer. */
  readonly over: Readonly<Record<string, number>>;
  /** As in `LatencySummary`. */
  readonly buckets: LatencySummary['buckets'];
}

/** How the generator itself did. Times in ms; of several threads the worst, unless it is a sum. */
export interface GeneratorHealth {
  /** False: the generator was the bottleneck; a pass becomes inconclusive. */
  readonly valid: boolean;
  /** User and system time of the process. */
  readonly cpuSeconds: number;
  /** Of one core for each thread that sends; can be above 1, because a process has helper threads. */
  readonly cpuShare: number;
  /** Share of requests sent more than 50 ms after they were due, 0..1. */
  readonly lateShare: number;
  /** Number of those. */
  readonly late: number;
  /** The program that sent, where it is one of its own: `k6 1.1.0`. What follows up to longestGcMs such a one does not tell. */
  readonly program?: string;
  /** Actual send minus intended start; never below 0. Percentiles as in `LatencySummary`. */
  readonly lateness?: { readonly p50: number; readonly p99: number; readonly max: number };
  /** 99th percentile of the event loop's delay. */
  readonly loopDelayP99?: number;
  /** Share of the time in which garbage collection stopped the thread, 0..1. */
  readonly gcShare?: number;
  readonly longestGcMs?: number;
  readonly peakRssBytes: number;
  /** Threads that send, when there are several. */
  readonly threads?: number;
  /** Why invalid and what to do; undefined when valid. */
  readonly reason?: string;
  /** What to keep in mind with a valid one. */
  readonly note?: string;
}

export interface LoadSummary {
  readonly counts: ClientCounts;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** End minus intended start. */
  readonly responseTime: LatencySummary;
  /** End minus actual send. */
  readonly serviceTime: LatencySummary;
  readonly generator: GeneratorHealth;
  /** The first failed requests, as many as were asked for. */
  readonly samples?: readonly FailureSample[];
}

/** A failed request. What servers sent has its secrets masked and its control characters made visible; lines end with a line feed. */
export interface FailureSample {
  /** Active time since the start at which it ended, ms. */
  readonly atMs: number;
  /** As in the counts by URI. */
  readonly uri: string;
  /** Number of its connection, unique and rising as each thread opens them; undefined: it had none, or the engine does not know. */
  readonly connection?: number;
  /** The status code, or a key of `ClientCounts.errors`. */
  readonly failure: string;
  /** More about it, such as why a certificate is refused. */
  readonly reason?: string;
  /** Status line and fields; as far as they were received. */
  readonly head: string;
  /** The first 4 KiB after the head, as they were received: the sizes of chunks are a part of it. */
  readonly body: string;
}
