import type { ClosedModel, OpenModel, UriOrder } from '../../scenario/types.js';

/** The counters and trends of every script. Their names and tags are a contract: whoever merges runners reads them. */
export const METRICS = {
  /** Counter: requests that were sent. Tag: `uri`. */
  requests: 'weighbridge_requests',
  /** Counter: requests that have ended. Tags: `AnswerTags`. */
  answers: 'weighbridge_answers',
  /** Trend, ms from the send to the end of the answer, connecting included; a timeout counts as the time after which it was given up, a broken connection has none. Tags: `uri`, `version`. */
  responseTime: 'weighbridge_response_time',
  /** Trend, ms from the end of the request to the first byte of its answer. Tags: `uri`, `version`. */
  waitingTime: 'weighbridge_waiting_time',
  /** Counter: requests that a user sent more than 50 ms after his think time was over. No tags. */
  late: 'weighbridge_late',
} as const;

/** The answer tells no version: its URI does not, or no text of the marker was found and none is meant by absence. */
export const UNMARKED = 'unmarked';
/** The request failed, and a failure does not tell who failed. */
export const UNKNOWN = 'unknown';

/** Tags of `weighbridge_answers`. Every request that ends is counted once. */
export interface AnswerTags {
  /** The name of the request, as `K6Request.name`: of a URI list, not of an address, so there are few. */
  readonly uri: string;
  /** A version of the marker, `unmarked` or `unknown`. */
  readonly version: string;
  readonly outcome: 'ok' | 'failed';
  /** Code of the answer; `0`: there was none. */
  readonly status: string;
  /** Only of a failed one: `status` (400 and above), `offline-page`, or why there was no answer: `timeout`, `connect-refused`, `reset`, ... */
  readonly error?: string;
}

/**
 * The data file of the scripts, named by the environment variable WEIGHBRIDGE_PLAN: one JSON document, made by `renderPlan`. What is large is in
 * lists, which k6 holds once for all users (SharedArray).
 */
export interface K6Plan {
  readonly settings: K6Settings;
  /** In the order of the URI list. */
  readonly requests: readonly K6Request[];
  /** For each part: positions in `requests`, each as often as it weighs, in the order of round robin. */
  readonly laps: readonly (readonly number[])[];
}

export interface K6Settings {
  /** Scripts of another version refuse it. */
  readonly planVersion: 1;
  readonly seed: number;
  readonly order: UriOrder;
  /** From the send to the end of the answer. */
  readonly timeoutMs: number;
  readonly marker: K6Marker;
  readonly parts: readonly K6Part[];
  readonly limits: K6Limits;
  /** k6's options, scenarios included. */
  readonly options: K6Options;
  /** Where a user asks before each request whether it may leave; absent: nobody pauses this load. */
  readonly gateUrl?: string;
}

/** A model of the load; a mixture has several. */
export interface K6Part {
  /** Of k6's scenario, unique. */
  readonly name: string;
  readonly model: ClosedModel | OpenModel;
}

/** Texts that tell, in a good answer to a URI that tells. */
export interface K6Marker {
  /** Version -> text. */
  readonly versions: Readonly<Record<string, string>>;
  /** A page with this text has failed, whatever its status. */
  readonly failed?: string;
  /** Meant by the absence of every text; absent: such an answer is `unmarked`. */
  readonly byAbsence?: string;
}

export interface K6Limits {
  /** Absent: until stopped from outside. */
  readonly durationMs?: number;
  readonly maxRequests?: number;
}

/** A request as it goes on the wire, its variables filled in. */
export interface K6Request {
  /** The target, after the method unless that is GET; the tag `uri`. */
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body?: string;
  /** A good answer tells the version. */
  readonly tellsVersion: boolean;
}

/** The options that a plan sets; everything else is k6's default. */
interface K6Options {
  readonly scenarios: Readonly<Record<string, K6Executor>>;
  /** None of them can be crossed: a threshold is what makes k6 tell a metric by its tags at the end. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
  readonly summaryTrendStats: readonly string[];
  readonly systemTags: readonly string[];
  /** `testid`, where runners are told apart from those of other runs. */
  readonly tags: Readonly<Record<string, string>>;
  readonly discardResponseBodies: true;
  /** True: every request has a connection of its own. False: a user keeps his. */
  readonly noConnectionReuse: boolean;
  readonly insecureSkipTLSVerify: boolean;
}

/** A scenario of k6; durations as k6 writes them, such as `1500ms`. */
export type K6Executor =
  | {
      readonly executor: 'constant-vus';
      readonly vus: number;
      readonly duration: string;
      readonly gracefulStop: string;
    }
  | {
      readonly executor: 'shared-iterations';
      readonly vus: number;
      readonly iterations: number;
      readonly maxDuration: string;
      readonly gracefulStop: string;
    }
  | {
      readonly executor: 'ramping-vus';
      readonly startVUs: number;
      readonly stages: readonly K6Stage[];
      readonly gracefulRampDown: string;
      readonly gracefulStop: string;
    }
  | (Arrivals & { readonly executor: 'constant-arrival-rate'; readonly rate: number; readonly duration: string })
  | (Arrivals & {
      readonly executor: 'ramping-arrival-rate';
      readonly startRate: number;
      readonly stages: readonly K6Stage[];
    });

interface Arrivals {
  readonly timeUnit: string;
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
  readonly gracefulStop: string;
}

export interface K6Stage {
  readonly duration: string;
  readonly target: number;
}
