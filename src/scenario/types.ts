import type { KubeObject } from '../base/kubernetes.js';
import type { Millis, Ratio } from '../base/units.js';

/** What is to be proven: the validated value of a scenario file. Plain data, can be written to JSON and read back. */
export interface Scenario {
  readonly name: string;
  /** The scenario file as the user named it. */
  readonly file: string;
  readonly mesh: 'istio' | 'linkerd' | 'gateway-api';
  readonly namespace: string;
  /** Name of the Service under release. */
  readonly service: string;
  /** The workload whose calls are judged; calls of others are foreign traffic. Absent: the load calls the Service itself, past any caller's proxy. */
  readonly from?: string;
  /** Version name -> the pod labels that tell it apart, in file order; the last is the one being released. */
  readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How the client tells the versions apart; undefined: it cannot (`marker: off`). */
  readonly marker: Marker | undefined;
  readonly load: LoadConfig;
  /** Names of the seed records to be created through the application's own forms before the load. */
  readonly seed: readonly SeedName[];
  readonly precision: Precision;
  readonly watch: Readonly<Record<WatchedPoint, WatchMode>>;
  /** Load before the counting window opens, after the stage has arrived. */
  readonly warmUp: Millis;
  /** Longest counting window of a stage; after it an undecided stage is inconclusive. */
  readonly maxDuration: Millis;
  readonly stages: readonly Stage[];
  readonly lab: LabConfig;
}

export type SeedName = 'customer' | 'vehicle' | 'maintenanceJob';
export type WatchedPoint = 'client' | 'source' | 'destination' | 'graph';
/** require: its checks decide the verdict; account: shown and reconciled; off: not asked. */
type WatchMode = 'require' | 'account' | 'off';

export interface Marker {
  /** Path pattern, `*` stands for any run of characters; answers to other URIs are `unmarked`. */
  readonly uri: string;
  /** Version name -> text whose presence in the body means this version. Exactly one version may have none: it is meant by absence. */
  readonly versions: Readonly<Record<string, string>>;
  /** Text whose presence in a body means that the page failed whatever its status. */
  readonly failed: string | undefined;
}

export interface Precision {
  /** Largest harmless deviation of a share. */
  readonly margin: Ratio;
  /** Probability that a run in which everything is as promised ends red; also the largest probability of missing a deviation of the margin. */
  readonly errorRate: Ratio;
  /** What "0 %" certifies: the share is below this. */
  readonly absence: Ratio;
  /** Deviation of a share that must not alarm either, below the margin; absent: none, by balancing a quarter of the margin. */
  readonly quiet?: Ratio;
}

export interface Stage {
  readonly name: string;
  readonly apply: readonly ManifestObject[];
  readonly delete: readonly ObjectRef[];
  readonly expect: Expectation;
  readonly precision: Precision;
  /** How long the load goes on after a pass while drift is watched for; absent: not at all. */
  readonly soak?: Millis;
}

export interface Expectation {
  /** Share of the requests by version, each in 0..1; versions that are not named are free. */
  readonly share: Readonly<Record<string, Ratio>> | undefined;
  /** weight: drawn per request by route weights; balancing: by the proxies over ready pods. */
  readonly by: 'weight' | 'balancing';
  /** Version -> copies per primary request, in 0..1. */
  readonly mirror: Readonly<Record<string, Ratio>> | undefined;
  readonly errors: ErrorExpectation | undefined;
  /** Absent: nothing is promised. */
  readonly responseTime?: ResponseTimeExpectation;
}

export interface ErrorExpectation {
  /** Most failing calls of all; undefined: no limit. */
  readonly max: Ratio | undefined;
  /** Version -> it fails at most `ratio` times as often as version `than`. */
  readonly notWorse?: Readonly<Record<string, { readonly than: string; readonly ratio: number }>>;
}

/** Response time counts from the intended start, at the client. */
export interface ResponseTimeExpectation {
  /** Of all answers, timeouts included. */
  readonly limits: ResponseTimeLimits;
  /** Of the answers that tell this version. */
  readonly versions: Readonly<Record<string, VersionResponseTime>>;
}

interface VersionResponseTime {
  readonly limits: ResponseTimeLimits;
  /** A typical answer takes at most (1 + margin) times as long as one of version `than`. */
  readonly notSlower: { readonly than: string; readonly margin: Ratio } | undefined;
}

export type Percentile = 'p50' | 'p90' | 'p95' | 'p99' | 'p999';
/** Largest value of a percentile. */
export type ResponseTimeLimits = Readonly<Partial<Record<Percentile, Millis>>>;

export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** An object of a manifest with its place in the file. */
export interface ManifestObject {
  readonly object: KubeObject;
  /** As the user would type it, relative to the working directory. */
  readonly file: string;
  /** 1-based line where the document starts. */
  readonly line: number;
  /** Field path such as `spec.http[0].route[1].weight` -> 1-based line. */
  readonly lines: Readonly<Record<string, number>>;
}

export interface UriEntry {
  readonly method: string;
  /** Path with query, or absolute http(s) URI; may hold `{customerId}`-like variables. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: none. Text is sent as UTF-8, its `{variables}` filled in; the content of a file is sent as it is. */
  readonly body?: { readonly text: string } | { readonly base64: string };
  /** How often it is asked for beside the others, a whole number; default 1. */
  readonly weight?: number;
  /** 1-based line in the URI file; 0 for entries mixed in by weighbridge. */
  readonly line: number;
}

/** A user's pause between an answer and the next request. Exponential and lognormal pauses are cut off where 1 draw in 20,000 to 30,000 lies. */
export type ThinkTime =
  | { readonly kind: 'constant'; readonly ms: Millis }
  | { readonly kind: 'uniform'; readonly minMs: Millis; readonly maxMs: Millis }
  | { readonly kind: 'exponential'; readonly meanMs: Millis }
  /** sigma: standard deviation of the logarithm. */
  | { readonly kind: 'lognormal'; readonly medianMs: Millis; readonly sigma: number };

/** A change of the level of a load, linear in time from what was before; 0 ms: at once. */
export interface LoadStage {
  readonly ms: Millis;
  /** Users, or arrivals per second, at its end. */
  readonly to: number;
}

/** A level of the load over active time: `start`, then the stages one after the other; the last level stays. */
export interface LoadLevels {
  readonly start: number;
  readonly stages: readonly LoadStage[];
}

/** Users who wait for an answer, pause, and ask again. */
export interface ClosedModel {
  readonly kind: 'closed';
  /** At the start; without stages for ever. */
  readonly users: number;
  readonly thinkTime: ThinkTime;
  readonly stages?: readonly LoadStage[];
}

/** Arrivals that do not wait for answers. */
export interface OpenModel {
  readonly kind: 'open';
  /** At the start; without stages for ever. */
  readonly ratePerSecond: number;
  readonly arrivals: 'constant' | 'poisson';
  /** Arrivals beyond this are dropped and counted. */
  readonly maxInFlight: number;
  readonly stages?: readonly LoadStage[];
}

/** Several models at once, each with its own random streams. */
interface MixedModel {
  readonly kind: 'mixed';
  readonly parts: readonly MixedPart[];
}

export interface MixedPart {
  readonly model: ClosedModel | OpenModel;
  /** Path pattern of the URIs it asks for, as in `marker.uri`; absent: all. */
  readonly uris?: string;
}

export type LoadModel = ClosedModel | OpenModel | MixedModel;

/** round-robin: the list in its order, heavier URIs more often and evenly spread. random: each request draws. shuffled: the list in a new order every lap. */
export const URI_ORDERS = ['round-robin', 'random', 'shuffled'] as const;
export type UriOrder = (typeof URI_ORDERS)[number];

interface LoadConfig {
  readonly uris: readonly UriEntry[];
  /** The URI file as the user would type it. */
  readonly urisFile: string;
  readonly model: LoadModel;
  readonly order: UriOrder;
  /** Whole response; default 10 s. */
  readonly timeout: Millis;
  /** Threads that send; default 1. */
  readonly workers?: number;
  /** A thread of its own paces the load; default false. */
  readonly precise?: boolean;
  /** Share of the requests that get a connection of their own; default 0. */
  readonly freshConnections?: Ratio;
}

export interface LabConfig {
  /** Objects that exist when the lab starts; on a real cluster they are expected to be there. */
  readonly objects: readonly ManifestObject[];
  /** Default 1 s. */
  readonly scrapeInterval: Millis;
  /** Delay from a changed object to changed sidecars; default 300 ms. */
  readonly propagation: Millis;
  /** Workload -> how many of its proxies, in the order in which they start, keep the routes they have when the lab is up. */
  readonly stale: Readonly<Record<string, number>>;
  /** Keyed by workload name, image or app label; the most specific (in this order) wins field by field. */
  readonly apps: Readonly<Record<string, AppBehaviour>>;
}

/** Behaviour of an application container in the lab; every field has the built-in app's own default. */
export interface AppBehaviour {
  readonly latency?:
    | { readonly kind: 'constant'; readonly ms: Millis }
    | { readonly kind: 'uniform'; readonly minMs: Millis; readonly maxMs: Millis }
    | { readonly kind: 'lognormal'; readonly medianMs: Millis; readonly sigma: number };
  /** Share of requests answered with `errorStatus`. */
  readonly errors?: Ratio;
  readonly errorStatus?: number;
  /** From container start to ready. */
  readonly startUp?: Millis;
  /** Calls made, one after the other, for each request: `http://host:port/path`. */
  readonly calls?: readonly string[];
}
