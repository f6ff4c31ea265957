import type { Observation } from '../observe/types.js';
import type { Percentile, WatchedPoint } from '../scenario/types.js';

export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'no-data' | 'not-applicable';
export type VantagePoint = WatchedPoint | 'config';

/** One look at all vantage points; `at` in ms since the counting window opened. */
export interface Look {
  readonly at: number;
  readonly observations: readonly Observation[];
  /** The last look: the load is paused, nothing in flight, every target scraped since. */
  readonly settled: boolean;
}

/** The outcome of one check; its JSON form is a contract (report.json). */
export interface CheckResult {
  /** `share:v2`, `mirror:v2`, `proxies:v2`, `errors`, `errors:v2`, `responseTime:p95`, `responseTime:v2:p95`, `responseTime:v2`. */
  readonly name: string;
  readonly vantagePoint: VantagePoint;
  readonly required: boolean;
  /** While undecided: `inconclusive`, or `no-data` as long as nothing could be observed. */
  readonly verdict: Verdict;
  readonly expected: {
    readonly share?: number;
    readonly margin?: number;
    readonly max?: number;
    readonly absence?: number;
    /** Response times: this percentile is at most `limitMs`, so at most `max` of the answers take longer. */
    readonly percentile?: Percentile;
    readonly limitMs?: number;
    /** The version that another one is compared with: errors by `ratio`, response times by `margin`. */
    readonly than?: string;
    readonly ratio?: number;
  };
  /** Interval: anytime-valid at errorRate; count of total. undefined when nothing was observed. */
  readonly observed:
    | {
        readonly share: number;
        readonly low: number;
        readonly high: number;
        readonly count: number;
        readonly total: number;
        /** Of the percentile, ms; high null: no bound yet. `share` is that of the answers above the limit. */
        readonly responseTime?: { readonly value: number; readonly low: number; readonly high: number | null };
        /** Of the version's odds of failing to the other's; high null: no bound yet. `share` is that of its failed calls. */
        readonly ratio?: { readonly low: number; readonly high: number | null };
      }
    | undefined;
  /** The part of the run's error rate that this check may spend. */
  readonly errorRate: number;
  /** Anytime-valid p-value of the promise: 1 over the largest e-value of all looks. Absent where the counts are no such evidence. */
  readonly pValue?: number;
  /** One plain sentence with the numbers, for who decides on the release. */
  readonly reason: string;
  /** The same for a statistician: method, evidence, error rates. Absent when nothing was counted. */
  readonly statistics?: string;
  /** Later looks do not change the verdict of a decided check, except that a certified "none" is refuted by the first request astray. */
  readonly decided: boolean;
  /** Drift: when the change most likely began, ms since the window opened. */
  readonly changedAt?: number;
  /** ms since the window opened when it was decided. */
  readonly decidedAt?: number;
  /** How far the evidence has come to a pass, 0..1. */
  readonly progress: number;
  /** About how many more requests are needed; undefined when decided or unknown. */
  readonly need?: number;
}

export interface Finding {
  readonly level: 'info' | 'warning';
  readonly code: string;
  readonly message: string;
}

/** A named part of a line of the ledger; `low` to `high` is all that the other counts leave possible. */
export interface LedgerPart {
  readonly what:
    | 'answers'
    | 'calls'
    | 'retries'
    | 'never reached'
    | 'mirror copies'
    | 'in flight'
    | 'foreign callers'
    | 'other pages';
  readonly count: number;
  readonly low: number;
  readonly high: number;
}

/** A line of the ledger: where a count came from, and what explains it. */
export interface LedgerLine {
  readonly vantagePoint: WatchedPoint;
  /** `requests sent`, `answers from v1`, `calls to v2`, `mirror copies to v2`, ... */
  readonly account: string;
  readonly count: number;
  /** The other lines that this one is made of, in words and numbers; empty when it is a source line. */
  readonly explanation: string;
  /** What the line is made of, by name; empty when it is a source line. */
  readonly parts: readonly LedgerPart[];
  /** Requests that nothing explains; 0 when the ledger closes. */
  readonly residual: number;
  /** All that the residual can be: in an open window counts are in flight, or not scraped yet. Without 0 inside it is a contradiction. */
  readonly residualRange: { readonly low: number; readonly high: number };
}

export interface Ledger {
  readonly lines: readonly LedgerLine[];
  /** True when the last look was settled and every residual is 0 (within rounding). */
  readonly closed: boolean;
}

/** Codes are a contract. In the order of the catalogue: `causes/catalogue.ts` says what each is. */
export type CauseCode =
  | 'CALLER_WITHOUT_SIDECAR'
  | 'ROUTE_HOST_DIFFERS'
  | 'ROUTE_GATEWAY_DIFFERS'
  | 'PORT_NOT_HTTP'
  | 'SUBSET_MISSING'
  | 'SUBSET_WITHOUT_ENDPOINTS'
  | 'SUBSETS_OVERLAP'
  | 'VERSION_NOT_READY'
  | 'ROUTE_CAPTURED'
  | 'COOKIE_KEEPS_VERSION'
  | 'HASH_KEEPS_POD'
  | 'ROUTE_BY_CONNECTION'
  | 'PROXY_STALE'
  | 'ROUTE_OVERWRITTEN'
  | 'WEIGHT_NORMALISED'
  | 'RETRIES_INFLATE'
  | 'MIRROR_NOT_SPLIT'
  | 'MIRROR_LOST'
  | 'VERSION_WITHOUT_SIDECAR'
  | 'VERSION_LABEL_MISSING'
  | 'METRIC_LABELS_STALE'
  | 'SCRAPED_TWICE'
  | 'TELEMETRY_DROPPED'
  | 'FOREIGN_TRAFFIC'
  | 'ENDPOINTS_EJECTED'
  | 'CIRCUIT_BREAKER_OPEN'
  | 'ROUTE_NOT_ATTACHED'
  | 'RULE_HIDDEN'
  | 'SERVICE_BYPASSED'
  | 'ROLLOUT_RACE'
  | 'ANSWER_NOT_FROM_VERSION'
  | 'FAULT_LEFT_OVER'
  | 'WEIGHT_DIFFERS'
  | 'ROUTE_LEFT_OVER'
  | 'SELECTOR_PINS_VERSION'
  | 'VERSION_FAILS'
  | 'ROUTE_MISSING';

export interface Cause {
  readonly code: CauseCode;
  /** `Kind/namespace/name` */
  readonly object: string;
  readonly field: string;
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
  /** Where the scenario's manifest writes this field, `file:line`, when it does. */
  readonly place?: string;
  /** One line on what this kind of cause is. */
  readonly title?: string;
  /** objects: a live object shows it; counts: nothing but the numbers suggests it. */
  readonly confirmedBy?: 'objects' | 'counts';
  /** How likely it made the counts, 0..1, among the causes named and "something else"; absent where nothing was counted. */
  readonly likelihood?: number;
}

/** For what a version is drawn, and how that is known. */
export interface Granularity {
  /** group: not per request, and more is not known; unknown: not observable. */
  readonly unit: 'request' | 'connection' | 'client' | 'group' | 'unknown';
  readonly evidence: 'objects' | 'series' | 'connections' | 'dispersion' | 'none';
  readonly sentence: string;
  /** Would requests on connections of their own be draws? Absent where every request is one, or the unit is not known. */
  readonly fresh?: FreshConnections;
}

export interface FreshConnections {
  readonly helps: boolean;
  /** A clause: `the load's own connections are what is drawn for`. */
  readonly why: string;
}

export interface StageAssessment {
  /** Worst of the required checks: fail, no-data, inconclusive, pass; never pass without a required check that passed. */
  readonly verdict: Verdict;
  /** Nothing that could still come would change the verdict: the window may close. */
  readonly decided: boolean;
  readonly checks: readonly CheckResult[];
  readonly findings: readonly Finding[];
  readonly ledger: Ledger;
  readonly granularity: Granularity;
}

/**
 * How a check decides.
 * gate: sequential test of a share; dark: no attributed request may go astray; copies: mirror copies against primaries, settled counts only;
 * proxies: every caller proxy draws alike; ceiling: failures against a maximum; ratio: failures of a version against those of another; limit: a percentile of the response time;
 * pairs: answers of two versions, which takes longer; account: consistency with the source proxy; none: cannot be decided, `why` says why.
 */
export type CheckRule =
  | 'gate'
  | 'dark'
  | 'copies'
  | 'proxies'
  | 'ceiling'
  | 'ratio'
  | 'limit'
  | 'pairs'
  | 'account'
  | 'none';

/** A check of a stage before anything was observed. */
export interface CheckPlan {
  /** `share:v2`, `mirror:v2`, `errors`. */
  readonly name: string;
  readonly vantagePoint: WatchedPoint;
  /** Version name of the scenario; undefined for `errors` and response times of all answers. */
  readonly version: string | undefined;
  readonly rule: CheckRule;
  readonly required: boolean;
  readonly expected: CheckResult['expected'];
  /** Probability of a fail although the promise holds: this check's part of the run's error rate. */
  readonly alpha: number;
  /** Probability of a pass although the promise is broken by the margin or more. */
  readonly beta: number;
  /** Rule `gate`: deviation that must not alarm either; absent: none. */
  readonly quiet?: number;
  /** What is counted where that is not what the vantage point usually counts, in the plural: `connections`. */
  readonly counted?: string;
  /** An undecided check gives up at so many requests (the exact 99.99 % quantile under the promise); undefined: no cap. */
  readonly cap: number | undefined;
  /** Rule `none` only: why, and the verdict that follows. */
  readonly why?: { readonly verdict: 'no-data' | 'not-applicable'; readonly reason: string };
}

/** A check before the error rate is split. */
export type CheckDraft = Omit<CheckPlan, 'alpha' | 'beta' | 'cap'>;
