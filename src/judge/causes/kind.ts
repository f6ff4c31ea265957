import type { WatchedPoint } from '../../scenario/types.js';
import type { Cause, CauseCode, Granularity } from '../types.js';
import type { DiagnosisInput } from './objects.js';

/** One kind of cause: what shows it, and what it makes of the counts. */
export interface CauseKind {
  readonly code: CauseCode;
  /** Position in the catalogue, 1 to 37. */
  readonly number: number;
  /** One line, a clause: `the caller has no sidecar`. */
  readonly title: string;
  /** Every place that may be this cause. Reads live objects, which may have any shape, and counts; never throws. */
  confirm(input: DiagnosisInput): readonly Candidate[];
  /** What each vantage point would see if this candidate, and nothing else, broke the promise. */
  predict(candidate: Candidate, input: DiagnosisInput): Prediction;
}

export interface Candidate extends Omit<Cause, 'code' | 'title' | 'likelihood' | 'confirmedBy'> {
  /** objects: a live object shows it; counts: nothing but the numbers suggests it. */
  readonly confirmedBy: 'objects' | 'counts';
  /** The version that it concerns, where it is about one. */
  readonly version?: string;
  /**
   * Nats by which what `points` does not hold speaks for it against the promise: series, points in time, single proxies. Where it was told at
   * error rate alpha, that is ln(1/alpha). Default 0.
   */
  readonly lnEvidence?: number;
}

/** What a cause predicts. Points that are absent look as promised. */
export interface Prediction {
  readonly points: Partial<Readonly<Record<WatchedPoint, PointPrediction>>>;
  /** Contradictions of the ledger that it makes; others remain unexplained. */
  readonly residuals?: readonly ResidualPrediction[];
  /** For what a version is drawn; absent: it does not say. */
  readonly unit?: Granularity['unit'];
  /** Shares that were taken from the counts themselves, each at a price; default 0. */
  readonly fitted?: number;
}

/** Parts of the requests that a vantage point counts. */
export interface PointPrediction {
  /** Version -> part that reaches it; with `lost` these make 1. */
  readonly share: Readonly<Record<string, number>>;
  /** `503 UH` -> part that reaches no version; absent: none. */
  readonly lost?: Readonly<Record<string, number>>;
  /** Version -> part of its own requests that fail; absent: what the stage tolerates. */
  readonly failed?: Readonly<Record<string, number>>;
  /** It counts nothing at all, while others do. */
  readonly silent?: boolean;
}

export interface ResidualPrediction {
  readonly vantagePoint: WatchedPoint;
  /** `requests to v2`, as the ledger's account; absent: every account of the point. */
  readonly account?: string;
  /** more: requests that nothing explains; fewer: requests that are missing. */
  readonly sign: 'more' | 'fewer';
}

/** Where calls of the service go, on their first attempt. */
export interface Flow {
  /** Version -> part of the calls. With `lost` these make 1. */
  readonly share: Readonly<Record<string, number>>;
  /** `<status> <flag>` -> part of the calls that reaches no version. */
  readonly lost: Readonly<Record<string, number>>;
  /** Version -> copies per call. */
  readonly copies: Readonly<Record<string, number>>;
}
