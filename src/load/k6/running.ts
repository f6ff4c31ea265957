import { readFile } from 'node:fs/promises';
import { type Clock, sleep } from '../../base/clock.js';
import { ActiveTime } from '../activeTime.js';
import { maxInFlight } from '../demand.js';
import { NO_READINGS } from '../health.js';
import { LatencyHistogram } from '../latency.js';
import type { GeneratorReadings, LoadRun, LoadSnapshot } from '../loadRun.js';
import { responseTimeCounts } from '../responseTimes.js';
import { summaryOf as loadSummaryOf } from '../snapshot.js';
import type {
  ClientCounts,
  GeneratorHealth,
  LatencySummary,
  LoadSpec,
  LoadSummary,
  ResponseTimeCounts,
} from '../types.js';
import { differences, type K6Books } from './books.js';
import { exitText } from './exits.js';
import type { Gate } from './gate.js';
import { assessK6 } from './health.js';
import type { K6Process } from './process.js';
import type { PointStream } from './stream.js';
import type { K6EndOfTest } from './summary.js';

/** How often k6's processor time is read. */
const MEASURE_MS = 200;
/** Beyond a request's own limit: until k6 has given it up and written its sample. */
const DRAIN_GRACE_MS = 5000;
/** What a k6 that has sent everything may take to end. */
const END_GRACE_MS = 1000;

/** What a k6 that sends consists of. */
export interface Parts {
  readonly books: K6Books;
  readonly stream: PointStream;
  readonly process: K6Process;
  readonly gate: Gate | undefined;
  readonly summaryFile: string;
  /** It is not one of the package. */
  readonly ownScript: boolean;
  /** Removes the files, and closes the gate. */
  close(): Promise<void>;
}

/** A load that k6 sends. What it tells while it runs is up to half a second old; at a pause and at the end it is exact. */
export class K6Load implements LoadRun {
  readonly finished: Promise<LoadSummary>;
  readonly #spec: LoadSpec;
  readonly #program: string;
  readonly #clock: Clock;
  readonly #parts: Parts;
  readonly #active: ActiveTime;
  readonly #timer: NodeJS.Timeout;
  #window: Mark;
  #stopping = false;
  /** As many requests as were asked for have ended. */
  #complete = false;
  /** Ends the wait of a pause. */
  #drained: AbortController | undefined;
  /** Active seconds of the whole load, once it has ended. */
  #seconds: number | undefined;
  /** What is wrong with the process or its totals. */
  #faults: readonly string[] = [];

  constructor(spec: LoadSpec, program: string, clock: Clock, parts: Parts) {
    this.#spec = spec;
    this.#program = program;
    this.#clock = clock;
    this.#parts = parts;
    this.#active = new ActiveTime(clock.now());
    this.#window = this.#mark();
    this.#timer = setInterval(() => parts.process.measure(), MEASURE_MS);
    parts.books.onChange(() => this.#look());
    this.finished = this.#end();
  }

  counts(): ClientCounts {
    return this.#parts.books.counts();
  }

  inFlight(): number {
    const { books } = this.#parts;
    return this.#parts.process.ended ? 0 : Math.max(0, books.sent - books.ended);
  }

  snapshot(): LoadSnapshot {
    const { books } = this.#parts;
    const responseTime = books.responseTime('run');
    return {
      counts: this.counts(),
      inFlight: this.inFlight(),
      seconds: this.#elapsed(),
      responseTime,
      // k6 knows no intended start: both begin with the send.
      serviceTime: responseTime,
      generator: this.#readings(undefined),
      window: {
        responseTime: books.responseTime('window'),
        responseTimes: books.windowResponseTimes(),
        generator: this.#readings(this.#window),
      },
    };
  }

  resetWindow(): void {
    this.#parts.books.resetWindow();
    this.#window = this.#mark();
  }

  windowLatency(): LatencySummary {
    return LatencyHistogram.of(this.#parts.books.responseTime('window')).summary();
  }

  windowResponseTimes(): ResponseTimeCounts | undefined {
    const data = this.#parts.books.windowResponseTimes();
    return data && responseTimeCounts(data);
  }

  health(): GeneratorHealth {
    return assessK6(this.#readings(this.#window), this.#program, this.#faults);
  }

  async pause(): Promise<void> {
    const { gate, books, process } = this.#parts;
    if (!gate) throw new Error('this load was started as one that nobody pauses');
    gate.pause();
    this.#active.pause(this.#clock.now());
    if (books.ended >= gate.granted) return;
    const drained = new AbortController();
    this.#drained = drained;
    void process.exited.then(() => drained.abort());
    await sleep(this.#clock, this.#spec.timeoutMs + DRAIN_GRACE_MS, drained.signal);
  }

  /** A request has ended. */
  #look(): void {
    const { gate, books } = this.#parts;
    if (gate && books.ended >= gate.granted) this.#drained?.abort();
    if (books.ended >= (this.#spec.maxRequests ?? Number.POSITIVE_INFINITY)) void this.#allSent();
  }

  /** Users that share a number of requests end by themselves, and an interrupt could meet their end; stages and arrivals go on without sending. */
  async #allSent(): Promise<void> {
    if (this.#complete) return;
    this.#complete = true;
    const ended = new AbortController();
    void this.#parts.process.exited.then(() => ended.abort());
    await sleep(this.#clock, END_GRACE_MS, ended.signal);
    if (!this.#parts.process.ended) void this.stop();
  }

  resume(): void {
    this.#active.resume(this.#clock.now());
    this.#parts.gate?.resume();
  }

  stop(): Promise<LoadSummary> {
    if (!this.#stopping) {
      this.#stopping = true;
      // Interrupted at once k6 would cut what is in flight.
      void (this.#parts.gate ? this.pause() : Promise.resolve()).then(() => this.#parts.process.interrupt());
    }
    return this.finished;
  }

  async #end(): Promise<LoadSummary> {
    const { books, stream, process, close } = this.#parts;
    const exit = await process.exited;
    clearInterval(this.#timer);
    this.#seconds = this.#parts.gate ? this.#elapsed() : books.seconds;
    this.#faults = [
      exitText(exit, this.#stopping),
      process.scriptErrors > 0
        ? `the script threw ${process.scriptErrors === 1 ? 'an error' : `${process.scriptErrors} errors`}: ${process.words.at(-1)}`
        : undefined,
      stream.end() || stream.malformed > 0 ? 'the samples of k6 are cut' : undefined,
      exit.code === null ? undefined : await crossCheck(books, this.#parts),
    ].filter((fault) => fault !== undefined);
    await close();
    const summary = loadSummaryOf(this.snapshot());
    return { ...summary, generator: assessK6(this.#readings(undefined), this.#program, this.#faults) };
  }

  #elapsed(): number {
    return this.#seconds ?? this.#active.elapsed(this.#clock.now()) / 1000;
  }

  #mark(): Mark {
    const { books, process } = this.#parts;
    process.measure();
    return {
      sent: books.sent,
      late: books.late,
      dropped: books.dropped,
      outOfSockets: books.errorCount('out-of-sockets'),
      outOfPorts: books.errorCount('out-of-ports'),
      seconds: this.#elapsed(),
      cpuSeconds: process.cpuSeconds,
    };
  }

  /** @param since undefined: the start. */
  #readings(since: Mark | undefined): GeneratorReadings {
    const now = this.#mark();
    const between = Object.fromEntries(
      Object.entries(now).map(([key, value]) => [key, value - (since?.[key as keyof Mark] ?? 0)]),
    ) as unknown as Mark;
    return {
      ...NO_READINGS,
      ...between,
      peakRssBytes: this.#parts.process.peakRssBytes,
      maxInFlight: maxInFlight(this.#spec.model),
    };
  }
}

type Mark = Pick<
  GeneratorReadings,
  'sent' | 'late' | 'dropped' | 'outOfSockets' | 'outOfPorts' | 'seconds' | 'cpuSeconds'
>;

/** The totals that k6 counted itself against its samples. @returns what is wrong. */
async function crossCheck(books: K6Books, { summaryFile, ownScript }: Parts): Promise<string | undefined> {
  let told: K6EndOfTest;
  try {
    told = JSON.parse(await readFile(summaryFile, 'utf8')) as K6EndOfTest;
  } catch (error) {
    // A script of the user need not tell any.
    if (ownScript && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return 'the totals that k6 writes at its end are missing or cut: its samples stand alone';
  }
  const differing = differences(books.totals(), told);
  return differing.length === 0 ? undefined : `k6 contradicts itself (${differing.join('; ')})`;
}
