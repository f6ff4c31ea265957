import type { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import { assessGenerator, NO_READINGS } from './health.js';
import { LatencyHistogram } from './latency.js';
import type { LoadRun, LoadSnapshot } from './loadRun.js';
import { responseTimeCounts } from './responseTimes.js';
import { mergeSnapshots, summaryOf } from './snapshot.js';
import { Tally } from './tally.js';
import type { FromSender, SenderData, ToSender } from './threads/messages.js';
import { THREAD_ORIGIN_MS } from './threads/monotonic.js';
import { startThread } from './threads/start.js';
import type {
  ClientCounts,
  GeneratorHealth,
  LatencySummary,
  LoadSpec,
  LoadSummary,
  ResponseTimeCounts,
} from './types.js';

/** From the order to start until the start: time for it to reach every thread. */
const START_IN_MS = 5;

interface ThreadedLoadDeps {
  /** The system's: threads have no other. */
  readonly clock: Clock;
  /** Default: the package's thread that sends. */
  readonly startSender?: (data: SenderData) => Worker;
}

/**
 * Sends one load from several threads, each with an engine and a part of the schedule of its own. What it tells while it runs is up to
 * 0.2 s old; at a pause and at the end it is exact. A thread that dies ends the load: what the others measured is kept, and the
 * summary's generator is invalid and says why.
 * @param uris names of the URIs, as `ClientCounts` has them.
 */
export class ThreadedLoad implements LoadRun {
  readonly finished: Promise<LoadSummary>;
  readonly setFreshShare: LoadRun['setFreshShare'];
  readonly #clock: Clock;
  readonly #nothing: LoadSnapshot;
  readonly #senders: readonly Sender[];
  #started = false;
  /** Orders that came before the start. */
  readonly #early: ToSender[] = [];
  #window = 0;
  #pauses = 0;
  /** Waits for the end of a pause's last requests; by the number of the pause. */
  #endPause: (() => void) | undefined;
  #stopping = false;

  constructor(
    spec: LoadSpec,
    threads: number,
    uris: readonly string[],
    { clock, startSender = (data) => startThread('sender', { workerData: data }) }: ThreadedLoadDeps,
  ) {
    this.#clock = clock;
    this.#nothing = nothingSent(uris);
    this.#senders = Array.from({ length: threads }, (_, index) => {
      const data: SenderData = { spec: partOf(spec, index, threads), share: { index, of: threads } };
      return new Sender(startSender(data), () => this.#changed());
    });
    if (spec.engine !== 'undici') this.setFreshShare = (share) => this.#tell({ type: 'fresh-share', share });
    this.finished = this.#end();
  }

  snapshot(): LoadSnapshot {
    const known = this.#senders.flatMap(({ snapshot, window }) => {
      if (!snapshot) return [];
      // What it last told of is a window before this one.
      return window === this.#window ? snapshot : { ...snapshot, window: this.#nothing.window };
    });
    return known.length === 0 ? this.#nothing : mergeSnapshots(known);
  }

  counts(): ClientCounts {
    return this.snapshot().counts;
  }

  inFlight(): number {
    return this.snapshot().inFlight;
  }

  resetWindow(): void {
    this.#tell({ type: 'reset-window', window: ++this.#window });
  }

  windowLatency(): LatencySummary {
    return LatencyHistogram.of(this.snapshot().window.responseTime).summary();
  }

  windowResponseTimes(): ResponseTimeCounts | undefined {
    const { responseTimes } = this.snapshot().window;
    return responseTimes && responseTimeCounts(responseTimes);
  }

  health(): GeneratorHealth {
    return assessGenerator(this.snapshot().window.generator);
  }

  pause(): Promise<void> {
    const id = ++this.#pauses;
    this.#tell({ type: 'pause', id });
    return new Promise((resolve) => {
      const before = this.#endPause;
      this.#endPause = () => {
        before?.();
        resolve();
      };
      this.#changed();
    });
  }

  resume(): void {
    this.#tell({ type: 'resume' });
    this.#pauseEnded();
  }

  stop(): Promise<LoadSummary> {
    if (!this.#stopping) this.#tell({ type: 'stop' });
    this.#stopping = true;
    return this.finished;
  }

  #tell(order: ToSender): void {
    if (!this.#started) this.#early.push(order);
    else for (const sender of this.#senders) sender.tell(order);
  }

  /** Something was heard from a thread. */
  #changed(): void {
    if (!this.#started && this.#senders.every(({ state }) => state !== 'starting')) this.#start();
    if (this.#senders.some(({ state }) => state === 'dead')) void this.stop();
    if (
      this.#senders.every(({ state, paused }) => state === 'dead' || state === 'finished' || paused === this.#pauses)
    ) {
      this.#pauseEnded();
    }
  }

  #start(): void {
    this.#started = true;
    this.#tell({ type: 'start', at: this.#clock.now() + THREAD_ORIGIN_MS + START_IN_MS });
    for (const order of this.#early) this.#tell(order);
  }

  #pauseEnded(): void {
    const ended = this.#endPause;
    this.#endPause = undefined;
    ended?.();
  }

  async #end(): Promise<LoadSummary> {
    await Promise.all(this.#senders.map(({ ended }) => ended));
    await Promise.all(this.#senders.map((sender) => sender.close()));
    const deaths = this.#senders.flatMap(({ death }, index) =>
      death === undefined ? [] : [`thread ${index + 1} of ${this.#senders.length} ended too early (${death})`],
    );
    const summary = summaryOf(this.snapshot());
    if (deaths.length === 0) return summary;
    const reason = [
      `${deaths.join(', ')}: the load was stopped, and the last requests of that part are not counted; run it again, with fewer --workers`,
      ...(summary.generator.reason === undefined ? [] : [summary.generator.reason]),
    ].join('; ');
    return { ...summary, generator: { ...summary.generator, valid: false, reason } };
  }
}

const nothingSent = (uris: readonly string[]): LoadSnapshot => {
  const responseTime = new LatencyHistogram().data();
  return {
    counts: new Tally(uris, []).counts(0),
    inFlight: 0,
    seconds: 0,
    responseTime,
    serviceTime: responseTime,
    generator: NO_READINGS,
    window: { responseTime, generator: NO_READINGS },
  };
};

/** The schedule shares users and arrivals itself; a number of requests is shared here. */
function partOf(spec: LoadSpec, index: number, threads: number): LoadSpec {
  if (spec.maxRequests === undefined) return spec;
  return { ...spec, maxRequests: Math.max(0, Math.ceil((spec.maxRequests - index) / threads)) };
}

/** One thread, as it is known here. */
class Sender {
  state: 'starting' | 'running' | 'finished' | 'dead' = 'starting';
  snapshot: LoadSnapshot | undefined;
  /** Number of the window that the snapshot tells of. */
  window = 0;
  /** Number of the last pause in which nothing was in flight any more. */
  paused = 0;
  /** Why it died. */
  death: string | undefined;
  /** Resolves when it has finished or died. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;

  constructor(worker: Worker, changed: () => void) {
    this.#worker = worker;
    this.ended = new Promise((resolve) => {
      const die = (why: string) => {
        this.death ??= why;
        this.state = 'dead';
        resolve();
        changed();
      };
      worker.on('message', (message: FromSender) => {
        switch (message.type) {
          case 'ready':
            this.state = 'running';
            break;
          case 'snapshot':
            this.snapshot = message.snapshot;
            this.window = message.window;
            return;
          case 'paused':
            this.paused = message.id;
            break;
          case 'finished':
            this.state = 'finished';
            resolve();
        }
        changed();
      });
      worker.on('error', (error) => die(errorText(error)));
      worker.on('exit', (code) => {
        if (this.state !== 'finished') die(`exit code ${code}`);
      });
    });
  }

  tell(order: ToSender): void {
    this.#worker.postMessage(order);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
