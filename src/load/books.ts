import { ConnectionBook } from './connectionBook.js';
import { maxInFlight } from './demand.js';
import type { Carrier, Flight } from './flight.js';
import { assessGenerator } from './health.js';
import { LatencyHistogram } from './latency.js';
import type { LoadSnapshot } from './loadRun.js';
import { classifyAnswer, type MarkerTexts, markerTexts } from './marker.js';
import type { PreparedRequest } from './requests.js';
import { ResponseTimes, responseTimeCounts } from './responseTimes.js';
import { FailureSamples } from './samples.js';
import { mergeHistograms } from './snapshot.js';
import { Tally } from './tally.js';
import type { ClientCounts, GeneratorHealth, LatencySummary, LoadSpec, ResponseTimeCounts } from './types.js';
import { GeneratorWatch } from './watch.js';

/** Where the schedule stands. */
interface Standing {
  /** Without pauses. */
  readonly seconds: number;
  readonly dropped: number;
}

/** The books of one thread that sends: every request and how it ended, since the start and since the window began. */
export class Books {
  readonly texts: MarkerTexts;
  readonly #spec: LoadSpec;
  readonly #requests: readonly PreparedRequest[];
  readonly #tally: Tally;
  readonly #watch: GeneratorWatch;
  /** Response time of the windows before this one. */
  readonly #earlier = new LatencyHistogram();
  readonly #window = new LatencyHistogram();
  readonly #serviceTime = new LatencyHistogram();
  readonly #responseTimes: ResponseTimes | undefined;
  readonly #samples: FailureSamples;
  readonly #connections = new ConnectionBook();

  constructor(spec: LoadSpec, requests: readonly PreparedRequest[]) {
    this.#spec = spec;
    this.#requests = requests;
    this.texts = markerTexts(spec.marker, spec.defaultVersion);
    const versions = new Set([
      ...Object.keys(spec.marker?.versions ?? {}),
      ...(spec.defaultVersion === undefined ? [] : [spec.defaultVersion]),
    ]);
    this.#tally = new Tally(
      requests.map(({ name }) => name),
      [...versions],
    );
    this.#samples = new FailureSamples(spec.captureFailures ?? 0, requests);
    this.#responseTimes = spec.responseTimes && new ResponseTimes(spec.responseTimes);
    this.#watch = new GeneratorWatch(maxInFlight(spec.model));
  }

  get sent(): number {
    return this.#tally.sent;
  }

  /** More failed requests are to be kept with what came back. */
  get wantsSamples(): boolean {
    return this.#samples.wanted;
  }

  /** The request is about to leave. */
  send(flight: Flight): void {
    if (flight.fresh) this.#connections.fresh();
    this.#watch.sent(flight.sentAt - flight.intendedAt);
    this.#tally.send();
  }

  opened(connection: Carrier): void {
    this.#connections.opened(connection);
  }

  received(bytes: number): void {
    this.#tally.receive(bytes);
  }

  /** @param elapsed active time of `now`, ms. */
  answered(flight: Flight, status: number, now: number, elapsed: number): void {
    const tellsVersion = this.#requests[flight.uri]?.tellsVersion ?? false;
    const account = classifyAnswer(this.texts, tellsVersion, status, flight.scanner.found);
    this.#tally.answered(flight.uri, status, account);
    if (account.kind === 'version' && flight.carrier) this.#connections.told(flight.carrier, account.version);
    this.#record(flight, now);
    if (account.kind === 'failed' && this.#samples.wanted) {
      this.#sample(flight, elapsed, account.reason === 'status' ? String(status) : account.reason, undefined);
    }
    this.#responseTimes?.record(now - flight.intendedAt, account.kind === 'version' ? account.version : undefined);
  }

  /** @param elapsed active time of `now`, ms. */
  broken(flight: Flight, failure: string, reason: string | undefined, now: number, elapsed: number): void {
    if (this.#samples.wanted) this.#sample(flight, elapsed, failure, reason);
    this.#tally.broken(flight.uri, failure);
    // A timeout is recorded as the time after which it was given up: without it the slowest would be missing. Broken connections have no response time.
    if (failure.endsWith('timeout')) {
      this.#record(flight, now);
      // The answer would have come later still, if at all.
      this.#responseTimes?.record(Math.max(now - flight.intendedAt, this.#spec.timeoutMs), undefined);
    }
  }

  counts(dropped: number): ClientCounts {
    const counts = this.#tally.counts(dropped);
    return this.#spec.engine === 'undici' ? counts : { ...counts, connections: this.#connections.counts() };
  }

  snapshot(standing: Standing, inFlight: number): LoadSnapshot {
    const progress = this.#progress(standing);
    const window = this.#window.data();
    return {
      counts: this.counts(standing.dropped),
      inFlight,
      seconds: standing.seconds,
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

  resetWindow(standing: Standing): void {
    this.#earlier.add(this.#window);
    this.#window.reset();
    this.#connections.resetWindow();
    this.#responseTimes?.reset();
    this.#watch.resetWindow(this.#progress(standing));
  }

  windowLatency(): LatencySummary {
    return this.#window.summary();
  }

  windowResponseTimes(): ResponseTimeCounts | undefined {
    return this.#responseTimes && responseTimeCounts(this.#responseTimes.data());
  }

  windowHealth(standing: Standing): GeneratorHealth {
    return assessGenerator(this.#watch.readings('window', this.#progress(standing)));
  }

  /** The load has ended: what the process does from now on is not of it. */
  close(standing: Standing): void {
    this.#watch.stop(this.#progress(standing));
  }

  #progress({ seconds, dropped }: Standing) {
    return {
      seconds,
      sent: this.#tally.sent,
      dropped,
      outOfSockets: this.#tally.errorCount('out-of-sockets'),
      outOfPorts: this.#tally.errorCount('out-of-ports'),
    };
  }

  #sample(flight: Flight, atMs: number, failure: string, reason: string | undefined): void {
    const { uri, connection, carrier } = flight;
    this.#samples.add({ atMs, uri, connection, failure, reason, received: carrier?.excerpt?.() });
  }

  #record(flight: Flight, now: number): void {
    this.#window.record(now - flight.intendedAt);
    this.#serviceTime.record(now - flight.sentAt);
  }
}
