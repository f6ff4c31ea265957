import type { Clock } from '../base/clock.js';
import { ConfigError } from '../base/errors.js';
import { millis } from '../base/units.js';
import { ActiveTime } from './activeTime.js';
import { ConnectionBook } from './connectionBook.js';
import { connectionsAhead, maxInFlight, modelsOf, mostSenders } from './demand.js';
import type { Carrier, Flight } from './flight.js';
import { Flights } from './flights.js';
import { FreshArm } from './freshArm.js';
import { assessGenerator } from './health.js';
import { Excerpts } from './http1/excerpt.js';
import { nodeWire } from './http1/nodeWire.js';
import { LatencyHistogram } from './latency.js';
import type { LoadRun, LoadSnapshot } from './loadRun.js';
import { classifyAnswer, type MarkerTexts, markerTexts } from './marker.js';
import { pacedClock } from './pacedClock.js';
import { type PreparedRequest, prepareRequests } from './requests.js';
import { ResponseTimes, responseTimeCounts } from './responseTimes.js';
import { FailureSamples } from './samples.js';
import { createSchedule } from './schedule.js';
import { mergeHistograms, summaryOf } from './snapshot.js';
import { Tally } from './tally.js';
import { ThreadedLoad } from './threadedLoad.js';
import type { GeneratorHealth, LatencySummary, LoadSpec, LoadSummary, ResponseTimeCounts } from './types.js';
import { undiciLacks, undiciWire } from './undiciWire.js';
import { GeneratorWatch } from './watch.js';
import type { FlightSink, Wire } from './wire.js';
import type { Schedule, WorkerShare } from './workload/types.js';

/**
 * Arrivals that would open more connections than this wait for the next turn of the loop. A connection costs a multiple of a request: after a
 * stall, opening one for everything that has become due would take so long that still more is due afterwards, without end.
 */
const MOST_DIALS_A_TURN = 32;

/**
 * Starts sending at once.
 * @throws ConfigError when a URI cannot be resolved, or the engine lacks what is asked for.
 */
export function startLoad(spec: LoadSpec, { clock }: { clock: Clock }): LoadRun {
  const lacks = spec.engine === 'undici' ? undiciLacks(spec) : [];
  if (lacks.length > 0) throw new ConfigError(lacks);
  const threads = Math.min(spec.workers ?? 1, mostSenders(spec.model));
  if (threads === 1) return spec.precise ? startPaced(spec, clock) : startEngine(spec, { clock });
  // Whatever is wrong with it is said here, and not by each thread.
  const uris = prepareRequests(spec).map(({ name }) => name);
  createSchedule(spec);
  return new ThreadedLoad(spec, threads, uris, { clock });
}

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

function startPaced(spec: LoadSpec, systemClock: Clock): LoadRun {
  const clock = pacedClock(systemClock);
  try {
    const run = startEngine(spec, { clock, ready: clock.ready });
    void run.finished.finally(clock.close);
    return run;
  } catch (error) {
    void clock.close();
    throw error;
  }
}

class Engine implements LoadRun, FlightSink {
  readonly finished: Promise<LoadSummary>;
  readonly setFreshShare?: LoadRun['setFreshShare'];
  readonly #spec: LoadSpec;
  readonly #clock: Clock;
  readonly #requests: readonly PreparedRequest[];
  readonly #schedule: Schedule;
  readonly #texts: MarkerTexts;
  readonly #tally: Tally;
  readonly #wire: Wire;
  readonly #active: ActiveTime;
  readonly #watch: GeneratorWatch;
  /** Response time of the windows before this one. */
  readonly #earlier = new LatencyHistogram();
  readonly #window = new LatencyHistogram();
  readonly #serviceTime = new LatencyHistogram();
  readonly #responseTimes: ResponseTimes | undefined;
  readonly #flights: Flights;
  readonly #freshArm: FreshArm;
  readonly #samples: FailureSamples;
  readonly #connections = new ConnectionBook();
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
    this.#requests = prepareRequests(spec);
    this.#schedule = createSchedule({
      ...spec,
      endMs: spec.durationMs ?? Number.POSITIVE_INFINITY,
      ...(share ? { worker: share } : {}),
    });
    this.#texts = markerTexts(spec.marker, spec.defaultVersion);
    const versions = new Set([
      ...Object.keys(spec.marker?.versions ?? {}),
      ...(spec.defaultVersion === undefined ? [] : [spec.defaultVersion]),
    ]);
    this.#tally = new Tally(
      this.#requests.map(({ name }) => name),
      [...versions],
    );
    const needles = this.#texts.needles.map((text) => Buffer.from(text, 'utf8'));
    const limits = { wholeMs: spec.timeoutMs, connectMs: spec.connectTimeoutMs, firstByteMs: spec.firstByteTimeoutMs };
    this.#flights = new Flights(needles, limits, clock.now());
    this.#samples = new FailureSamples(spec.captureFailures ?? 0, this.#requests);
    const follows = (spec.followRedirects ?? 0) > 0;
    const excerpts = new Excerpts(() => follows || this.#samples.wanted, follows);
    this.#wire =
      spec.engine === 'undici'
        ? undiciWire(this.#requests, spec, this)
        : nodeWire(this.#requests, spec, { excerpts, share, sink: this });
    const freshArm = new FreshArm(spec.freshShare ?? 0, spec.seed);
    this.#freshArm = freshArm;
    if (spec.engine !== 'undici') this.setFreshShare = (share) => freshArm.setShare(share);
    this.#responseTimes = spec.responseTimes && new ResponseTimes(spec.responseTimes);
    this.#hasUsers = modelsOf(spec.model).some(({ kind }) => kind === 'closed');
    this.#watch = new GeneratorWatch(maxInFlight(spec.model));
    this.#wire.openAhead?.(connectionsAhead(spec.model, share));
    this.#active = new ActiveTime(startedAt ?? clock.now());
    if (ready) this.#holdUntil(ready);
    this.finished = this.#run();
  }

  counts() {
    const counts = this.#tally.counts(this.#schedule.dropped);
    return this.#spec.engine === 'undici' ? counts : { ...counts, connections: this.#connections.counts() };
  }

  inFlight(): number {
    return this.#flights.size;
  }

  snapshot(): LoadSnapshot {
    const progress = this.#progress();
    const window = this.#window.data();
    return {
      counts: this.counts(),
      inFlight: this.inFlight(),
      seconds: progress.seconds,
      responseTime: mergeHistograms([this.#earlier.data(), window]),
      serviceTime: this.#serviceTime.data(),
      generator: this.#watch.readings('run', progress),
      ...(this.#spec.captureFailures === undefined
        ? {}
        : { samples: { most: this.#spec.captureFailures, list: this.#samples.list } }),
      window: {
        responseTime: window,
        responseTimes: this.#responseTimes?.data(),
        generator: this.#watch.readings('window', progress),
      },
    };
  }

  resetWindow(): void {
    this.#earlier.add(this.#window);
    this.#window.reset();
    this.#connections.resetWindow();
    this.#responseTimes?.reset();
    this.#watch.resetWindow(this.#progress());
  }

  windowLatency(): LatencySummary {
    return this.#window.summary();
  }

  windowResponseTimes(): ResponseTimeCounts | undefined {
    return this.#responseTimes && responseTimeCounts(this.#responseTimes.data());
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

  health(): GeneratorHealth {
    return assessGenerator(this.#watch.readings('window', this.#progress()));
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
    this.#watch.stop(this.#progress());
    await this.#wire.close();
    return summaryOf(this.snapshot());
  }

  #progress() {
    return {
      seconds: this.#seconds(),
      sent: this.#tally.sent,
      dropped: this.#schedule.dropped,
      outOfSockets: this.#tally.errorCount('out-of-sockets'),
      outOfPorts: this.#tally.errorCount('out-of-ports'),
    };
  }

  /** Without pauses. */
  #seconds(): number {
    return (this.#activeMs ?? this.#active.elapsed(this.#clock.now())) / 1000;
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
      (maxRequests === undefined || this.#tally.sent < maxRequests) &&
      this.#schedule.take(elapsed)
    ) {
      this.#send(sentAt);
      sentAt = 0;
    }
    if (this.#schedule.nextDue() <= elapsed && this.#wire.dialled >= lastDial) return;
    const allSent = maxRequests !== undefined && this.#tally.sent >= maxRequests;
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
    if (flight.fresh) this.#connections.fresh();
    this.#watch.sent(flight.sentAt - flight.intendedAt);
    this.#tally.send();
    this.#wire.send(flight);
    this.#flights.sent(flight);
  }

  opened(connection: Carrier): void {
    this.#connections.opened(connection);
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
    this.#tally.receive(bytes);
  }

  answered(flight: Flight, status: number): void {
    const now = this.#clock.now();
    const tellsVersion = this.#requests[flight.uri]?.tellsVersion ?? false;
    const account = classifyAnswer(this.#texts, tellsVersion, status, flight.scanner.found);
    this.#tally.answered(flight.uri, status, account);
    if (account.kind === 'version' && flight.carrier) this.#connections.told(flight.carrier, account.version);
    this.#record(flight, now);
    if (account.kind === 'failed' && this.#samples.wanted) {
      this.#sample(flight, now, account.reason === 'status' ? String(status) : account.reason, undefined);
    }
    this.#responseTimes?.record(now - flight.intendedAt, account.kind === 'version' ? account.version : undefined);
    this.#ended(flight, now);
  }

  broken(flight: Flight, failure: string, reason?: string): void {
    const now = this.#clock.now();
    if (this.#samples.wanted) this.#sample(flight, now, failure, reason);
    this.#tally.broken(flight.uri, failure);
    // A timeout is recorded as the time after which it was given up: without it the slowest would be missing. Broken connections have no response time.
    if (failure.endsWith('timeout')) {
      this.#record(flight, now);
      // The answer would have come later still, if at all.
      this.#responseTimes?.record(Math.max(now - flight.intendedAt, this.#spec.timeoutMs), undefined);
    }
    this.#ended(flight, now);
  }

  #sample(flight: Flight, now: number, failure: string, reason: string | undefined): void {
    const { uri, connection, carrier } = flight;
    this.#samples.add({
      atMs: this.#active.elapsed(now),
      uri,
      connection,
      failure,
      reason,
      received: carrier?.excerpt?.(),
    });
  }

  #record(flight: Flight, now: number): void {
    this.#window.record(now - flight.intendedAt);
    this.#serviceTime.record(now - flight.sentAt);
  }

  #ended(flight: Flight, now: number): void {
    const { user } = flight;
    this.#flights.ended(flight);
    this.#schedule.ended(user, this.#active.elapsed(now));
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
