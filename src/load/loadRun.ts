import type {
  ClientCounts,
  FailureSample,
  GeneratorHealth,
  LatencySummary,
  LoadSummary,
  ResponseTimeCounts,
} from './types.js';

/** What a histogram holds, as it can be sent to another thread. */
export interface HistogramData {
  /** By bucket, up to the last one that is not empty. */
  readonly counts: Uint32Array;
  readonly maxUs: number;
  readonly sumUs: number;
}

/** What one thread that sends has seen of itself in a span of time; those of several threads can be merged. */
export interface GeneratorReadings {
  readonly sent: number;
  readonly late: number;
  readonly dropped: number;
  /** Requests that failed because the process could open no more files. */
  readonly outOfSockets: number;
  /** Requests that failed because no local port was free. */
  readonly outOfPorts: number;
  /** Actual send minus intended start. */
  readonly lateness: HistogramData;
  /** Without pauses. */
  readonly seconds: number;
  /** User and system time of the whole process, whatever its threads. */
  readonly cpuSeconds: number;
  /** Threads that send. */
  readonly threads: number;
  /** Of the process, since it was started. */
  readonly peakRssBytes: number;
  /** 99th percentile of the event loop's delay, ms; of several threads the worst. */
  readonly loopDelayP99: number;
  /** The delay that the loop has reached in more than 1 % of its turns, and at least five times, ms; of several threads the worst. */
  readonly sustainedLoopDelayMs: number;
  /** Time in which garbage collection stopped the thread; of several threads the worst. */
  readonly gcMs: number;
  readonly longestGcMs: number;
  /** Time in which the thread was ready to run but others had the core; of several threads the worst. Undefined: the system does not tell. */
  readonly waitedForCoreMs: number | undefined;
  /** Open model: its limit, for all threads together. */
  readonly maxInFlight: number | undefined;
}

/** The books behind `ResponseTimeCounts`, which add up without loss. */
export interface ResponseTimeData {
  readonly limits: readonly number[];
  readonly all: TimedAnswersData;
  readonly versions: Readonly<Record<string, TimedAnswersData>>;
  readonly pairs: ResponseTimeCounts['pairs'];
}

export interface TimedAnswersData {
  /** Answers above each limit. */
  readonly over: readonly number[];
  readonly histogram: HistogramData;
}

/** Where a load stands, as it can be sent to another thread and added to that of others without loss. */
export interface LoadSnapshot {
  readonly counts: ClientCounts;
  readonly inFlight: number;
  /** Without pauses. */
  readonly seconds: number;
  /** Since the start; end minus intended start. */
  readonly responseTime: HistogramData;
  /** Since the start; end minus actual send. */
  readonly serviceTime: HistogramData;
  readonly generator: GeneratorReadings;
  readonly window: WindowSnapshot;
  /** Undefined: none were asked for. */
  readonly samples?: { readonly most: number; readonly list: readonly FailureSample[] };
}

/** Since the window began. */
interface WindowSnapshot {
  readonly responseTime: HistogramData;
  /** Undefined: none are judged. */
  readonly responseTimes?: ResponseTimeData | undefined;
  readonly generator: GeneratorReadings;
}

/** A running load. All engines answer this interface. */
export interface LoadRun {
  /** Everything of now; costs more than `counts`. */
  snapshot(): LoadSnapshot;
  counts(): ClientCounts;
  /** Requests in flight now. */
  inFlight(): number;
  /** Starts a new window of latency, generator health and what connections tell (per stage); the overall ones go on. */
  resetWindow(): void;
  /** Response time since the last resetWindow. */
  windowLatency(): LatencySummary;
  /** Since the last resetWindow; undefined: none were to be judged. */
  windowResponseTimes(): ResponseTimeCounts | undefined;
  /** Stops sending and resolves when nothing is in flight any more; the users' clocks stand still meanwhile, so nothing bursts afterwards. */
  pause(): Promise<void>;
  resume(): void;
  /** From now on this share of the requests gets a connection of its own, 0..1. Absent: the engine cannot do that. */
  readonly setFreshShare?: ((share: number) => void) | undefined;
  /** Since the last resetWindow; the summary's is that of the whole load. */
  health(): GeneratorHealth;
  /** Stops for good (in-flight requests are awaited up to their timeout) and resolves with the summary; idempotent. */
  stop(): Promise<LoadSummary>;
  /** Resolves when the load ended by itself or by stop(). */
  readonly finished: Promise<LoadSummary>;
}
