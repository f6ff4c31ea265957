import type { Clock } from '../base/clock.js';
import { millis } from '../base/units.js';
import { ActiveTime } from './activeTime.js';
import { Books } from './books.js';
import { connectionsAhead, modelsOf } from './demand.js';
import type { Carrier, Flight } from './flight.js';
import { Flights } from './flights.js';
import { FreshArm } from './freshArm.js';
import { Excerpts } from './http1/excerpt.js';
import { nodeWire } from './http1/nodeWire.js';
import type { LoadRun, LoadSnapshot } from './loadRun.js';
import { prepareRequests } from './requests.js';
import { createSchedule } from './schedule.js';
import { summaryOf } from './snapshot.js';
import type {
  ClientCounts,
  GeneratorHealth,
  LatencySummary,
  LoadSpec,
  LoadSummary,
  ResponseTimeCounts,
} from './types.js';
import { undiciWire } from './undiciWire.js';
import type { FlightSink, Wire } from './wire.js';
import type { Schedule, WorkerShare } from './workload/types.js';

/**
 * Arrivals that would open more connections than this wait for the next turn of the loop. A connection costs a multiple of a request: after a
 * stall, opening one for everything that has become due would take so long that still more is due afterwards, without end.
 */
const MOST_DIALS_A_TURN = 32;

interface EngineOptions {
  readonly clock: Clock;
  /** The schedule begins when this resolves; default: at once. */
  readonly ready?: Promise<void>;
  /** Default: all of the schedule. */
  readonly share?: WorkerShare;
  /** Clock reading at which the schedule begins; default: now. */
  readonly startedAt?: number;
}

/** One thread's part of a load, in this thread. */
export function startEngine(spec: LoadSpec, options: EngineOptions): LoadRun {
  return new Engine(spec, options);
}

class Engine implements LoadRun, FlightSink {
  readonly finished: Promise<LoadSummary>;
  readonly setFreshShare?: LoadRun['setFreshShare'];
  readonly #spec: LoadSpec;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #books: Books;
  readonly #wire: Wire;
  readonly #active: ActiveTime;
  readonly #flights: Flights;
  readonly #freshArm: FreshArm;
  readonly #idleWaiters: (() => void)[] = [];
  /** Answers make requests due. */
  readonly #hasUsers: boolean;
  #stopping = false;
  #paused = false;
  #held = false;
  #wake = new AbortController();
  #wakeAt = 0;
  #activeMs: number | undefined;

  constructor(spec: LoadSpec, { clock, share, startedAt, ready }: EngineOptions) {
    this.#spec = spec;
    this.#clock = clock;
    const requests = prepareRequests(spec);
    this.#schedule = createSchedule({
      ...spec,
      endMs: spec.durationMs ?? Number.POSITIVE_INFINITY,
      ...(share ? { worker: share } : {}),
    });
    this.#books = new Books(spec, requests);
    const needles = this.#books.texts.needles.map((text) => Buffer.from(text, 'utf8'));
    const limits = { wholeMs: spec.timeoutMs, connectMs: spec.connectTimeoutMs, firstByteMs: spec.firstByteTimeoutMs };
    this.#flights = new Flights(needles, limits, clock.now());
    const follows = (spec.followRedirects ?? 0) > 0;
    const excerpts = new Excerpts(() => follows || this.#books.wantsSamples, follows);
    this.#wire =
      spec.engine === 'undici'
        ? undiciWire(requests, spec, this)
        : nodeWire(requests, spec, { excerpts, share, sink: this });
    const freshArm = new FreshArm(spec.freshShare ?? 0, spec.seed);
    this.#freshArm = freshArm;
    if (spec.engine !== 'undici') this.setFreshShare = (share) => freshArm.setShare(share);
    this.#hasUsers = modelsOf(spec.model).some(({ kind }) => kind === 'closed');
    this.#wire.openAhead?.(connectionsAhead(spec.model, share));
    this.#active = new ActiveTime(startedAt ?? clock.now());
    if (ready) this.#holdUntil(ready);
    this.finished = this.#run();
  }

  counts(): ClientCounts {
    return this.#books.counts(this.#schedule.dropped);
  }

  inFlight(): number {
    return this.#flights.size;
  }

  snapshot(): LoadSnapshot {
    return this.#books.snapshot(this.#standing(), this.inFlight());
  }

  resetWindow(): void {
    this.#books.resetWindow(this.#standing());
  }

  windowLatency(): LatencySummary {
    return this.#books.windowLatency();
  }

  windowResponseTimes(): ResponseTimeCounts | undefined {
    return this.#books.windowResponseTimes();
  }

  health(): GeneratorHealth {
    return this.#books.windowHealth(this.#standing());
  }

  /** The users' clock stands still at its start. */
  #holdUntil(ready: Promise<void>): void {
    this.#held = true;
    this.#active.pause(this.#clock.now());
    void ready.then(() => {
      this.#held = false;
      if (!this.#paused) this.resume();
    });
  }

  pause(): Promise<void> {
    this.#paused = true;
    this.#active.pause(this.#clock.now());
    if (this.#flights.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  resume(): void {
    this.#paused = false;
    if (!this.#held) this.#active.resume(this.#clock.now());
    this.#tellIdle();
    this.#wake.abort();
  }

  stop(): Promise<LoadSummary> {
    this.#stopping = true;
    this.#wake.abort();
    return this.finished;
  }

  async #run(): Promise<LoadSummary> {
    while (!this.#stopping || this.#flights.size > 0) {
      const now = this.#clock.now();
      if (now >= this.#flights.nextLookAt) this.#flights.expire(now, (flight, failure) => this.broken(flight, failure));
      this.#sendDue(now);
      if (this.#stopping && this.#flights.size === 0) break;
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      this.#wakeAt = Math.min(this.#flights.nextLookAt, this.#nextSend());
      await this.#clock.sleepUntil(millis(this.#wakeAt), this.#wake.signal);
    }
    return this.#finish();
  }

  async #finish(): Promise<LoadSummary> {
    this.#activeMs = this.#active.elapsed(this.#clock.now());
    this.#books.close(this.#standing());
    await this.#wire.close();
    return summaryOf(this.snapshot());
  }

  #standing() {
    const activeMs = this.#activeMs ?? this.#active.elapsed(this.#clock.now());
    return { seconds: activeMs / 1000, dropped: this.#schedule.dropped };
  }

  /** The clock reading at which something is to be done next, timeouts aside. */
  #nextSend(): number {
    if (this.#stopping || this.#active.paused) return Number.POSITIVE_INFINITY;
    const due = Math.min(this.#schedule.nextDue(), this.#spec.durationMs ?? Number.POSITIVE_INFINITY);
    return this.#active.clockAt(due);
  }

  /** Sends everything that is due at this one reading of the clock. */
  #sendDue(now: number): void {
    if (this.#stopping || this.#active.paused) return;
    const elapsed = this.#active.elapsed(now);
    const { durationMs, maxRequests } = this.#spec;
    const lastDial = this.#hasUsers ? Number.POSITIVE_INFINITY : this.#wire.dialled + MOST_DIALS_A_TURN;
    let sentAt = now;
    while (
      this.#wire.dialled < lastDial &&
      (maxRequests === undefined || this.#books.sent < maxRequests) &&
      this.#schedule.take(elapsed)
    ) {
      this.#send(sentAt);
      sentAt = 0;
    }
    if (this.#schedule.nextDue() <= elapsed && this.#wire.dialled >= lastDial) return;
    const allSent = maxRequests !== undefined && this.#books.sent >= maxRequests;
    const nothingEver = this.#flights.size === 0 && this.#schedule.nextDue() === Number.POSITIVE_INFINITY;
    if (allSent || nothingEver || (durationMs !== undefined && elapsed >= durationMs)) this.#stopping = true;
  }

  /**
   * Sends the slot that was just taken.
   * @param at the clock reading of this moment if it was just taken, otherwise 0: sending takes time, and reading the clock does too.
   */
  #send(at: number): void {
    const { user, uri, due } = this.#schedule;
    const flight = this.#flights.prepare();
    flight.user = user;
    flight.uri = uri;
    flight.sentAt = at === 0 ? this.#clock.now() : at;
    flight.intendedAt = this.#active.clockAt(due);
    flight.fresh = this.#freshArm.takesNext(user);
    this.#books.send(flight);
    this.#wire.send(flight);
    this.#flights.sent(flight);
  }

  opened(connection: Carrier): void {
    this.#books.opened(connection);
  }

  connected(flight: Flight): void {
    this.#flights.connected(flight, this.#clock.now());
  }

  began(flight: Flight): void {
    this.#flights.began(flight);
  }

  resent(flight: Flight): void {
    this.#flights.resent(flight, this.#clock.now());
  }

  received(bytes: number): void {
    this.#books.received(bytes);
  }

  answered(flight: Flight, status: number): void {
    const now = this.#clock.now();
    const elapsed = this.#active.elapsed(now);
    this.#books.answered(flight, status, now, elapsed);
    this.#ended(flight, now, elapsed);
  }

  broken(flight: Flight, failure: string, reason?: string): void {
    const now = this.#clock.now();
    const elapsed = this.#active.elapsed(now);
    this.#books.broken(flight, failure, reason, now, elapsed);
    this.#ended(flight, now, elapsed);
  }

  #ended(flight: Flight, now: number, elapsed: number): void {
    const { user } = flight;
    this.#flights.ended(flight);
    this.#schedule.ended(user, elapsed);
    if (this.#flights.size === 0) this.#tellIdle();
    this.#continueAfter(now);
  }

  #tellIdle(): void {
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  /** Without think time the next request leaves at once; a nearer due time shortens the sleep. */
  #continueAfter(now: number): void {
    if (this.#stopping) {
      if (this.#flights.size === 0) this.#wake.abort();
      return;
    }
    // Compared as active time, as the due time was made: added to a clock reading it may round to after it.
    const due = this.#schedule.nextDue();
    const over = due === Number.POSITIVE_INFINITY && this.#flights.size === 0;
    // Arrivals owe nothing to answers: those that are due leave once all answers that are there were read, over the connections that these free.
    if (over || (this.#hasUsers && due <= this.#active.elapsed(now))) this.#sendDue(now);
    if (this.#stopping || this.#nextSend() < this.#wakeAt) this.#wake.abort();
  }
}
