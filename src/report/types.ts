import type { ExitCode } from '../base/errors.js';
import type { Cause, CheckResult, Finding, Look, StageAssessment, VantagePoint, Verdict } from '../judge/types.js';
import type { GeneratorHealth, LatencySummary, LoadSummary } from '../load/types.js';
import type { TrafficGraph } from '../observe/types.js';
import type { RunEvent, RunEventBody } from '../release/events.js';
import type { Stage } from '../scenario/types.js';

type Body<T extends RunEventBody['type']> = Extract<RunEventBody, { type: T }>;

/** All that is known of a run after some events: a pure fold, the same value for the live view, every reporter and the exit code. */
export interface RunModel {
  readonly facts: Omit<Body<'run-started'>, 'type'>;
  /** Wall clock, ms. */
  readonly startedAt: number;
  /** Wall clock of the newest event, ms. */
  readonly lastAt: number;
  /** The journal ends in the middle of this line, from 1; undefined: it does not. */
  readonly cutLine: number | undefined;
  /** The journal ends with run-finished. */
  readonly finished: boolean;
  /** All stages that the run set out to walk, in order. */
  readonly stages: readonly StageModel[];
  readonly uris: readonly string[];
  readonly mixedIn: readonly string[];
  /** Vantage points that only account and did not answer before the load. */
  readonly unreachable: readonly { readonly vantagePoint: string; readonly reason: string }[];
  readonly seeded: Omit<Body<'seeded'>, 'type'> | undefined;
  /** undefined before the load has ended. */
  readonly load: LoadSummary | undefined;
  /** Newest state of the generator, also while the load runs. */
  readonly generator: GeneratorHealth | undefined;
  readonly interrupted: 'SIGINT' | 'SIGTERM' | undefined;
  readonly failure: Omit<Body<'failed'>, 'type'> | undefined;
  readonly restored: Omit<Body<'restored'>, 'type'> | undefined;
  readonly verdict: Verdict;
  /** Of a run that ends here; 4 when the journal breaks off without a reason. */
  readonly exitCode: ExitCode;
  /** One plain sentence: why the verdict is what it is. */
  readonly headline: string;
}

/** What happens in a stage, in this order. */
export type StagePhase =
  | 'not-reached'
  | 'changing'
  | 'arriving'
  | 'warming-up'
  | 'counting'
  | 'settling'
  | 'soaking'
  | 'finished';

export interface StageModel {
  readonly name: string;
  readonly stage: Stage;
  readonly phase: StagePhase;
  /** Wall clock, ms. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly windowOpenedAt: number | undefined;
  readonly closeReason: Body<'window-closed'>['reason'] | undefined;
  readonly changes: readonly { readonly object: string; readonly result: Body<'changed'>['result'] }[];
  /** What the stage waits for just now; undefined when it waits for nothing. */
  readonly waitingFor: string | undefined;
  readonly arrival: Omit<Body<'arrived'>, 'type' | 'stage'> | undefined;
  /** The barrier gave up: the stage was judged all the same. */
  readonly notArrived: Omit<Body<'not-arrived'>, 'type' | 'stage'> | undefined;
  readonly looks: number;
  readonly lastLook: Look | undefined;
  readonly assessment: StageAssessment | undefined;
  /** Of the stage: the assessment's, but a pass is inconclusive when the generator was invalid. */
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly causes: readonly Cause[];
  readonly series: readonly CheckSeries[];
  readonly latency: LatencySummary | undefined;
  /** Client, at the last look under load, since the one before. */
  readonly rps: number;
  readonly generator: GeneratorHealth | undefined;
  /** The newest graph that has an edge. */
  readonly graph: TrafficGraph | undefined;
}

/** The course of one check at one vantage point. */
export interface CheckSeries {
  readonly name: string;
  readonly vantagePoint: VantagePoint;
  /** Empty where the check only has to agree with the source proxy. */
  readonly expected: CheckResult['expected'];
  /** At most `MAX_POINTS`, in order of time. */
  readonly points: readonly SeriesPoint[];
}

export interface SeriesPoint {
  /** ms since the window opened. */
  readonly at: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;
