import { type Clock, sleep } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import type { Look } from '../judge/types.js';
import type { LoadRun } from '../load/loadRun.js';
import type { Observation, Observer } from '../observe/types.js';

/** Longest wait for every proxy to be scraped after the load was paused: three scrapes at the usual 15 s. */
const SETTLE_TIMEOUT_MS = 45_000;
/** A vantage point that shows no data is waited for no longer than this: a slow scrape (30 s), or, when it does not answer, a restart. */
const SILENCE_TIMEOUT_MS = 35_000;
const UNREACHABLE_TIMEOUT_MS = 20_000;
/** After an interrupt the last look waits only so long for the scrapes. */
const INTERRUPTED_SETTLE_MS = 2_500;
/** How often the callee's counts are compared with a later scrape before copies count as lost. */
const COPY_TRIES = 5;
const POLL_MS = 100;

/** A look, and the requests per second that the client ended since the previous one. */
export interface LookTaken {
  readonly look: Look;
  readonly rps: number;
}

/**
 * The counting window of one stage. It opens and closes with the load paused and every proxy scraped since, so that the counts of all
 * vantage points speak of exactly the same requests and the ledger can close to the last one.
 */
export class CountingWindow {
  private readonly observers: readonly Observer[];
  private readonly load: LoadRun | undefined;
  private readonly clock: Clock;
  private readonly copies: boolean;
  /** Observers without a base, and why. */
  private readonly broken = new Map<Observer, string>();
  private readonly silent: Set<Observer>;
  private openedAt = 0;
  private lastLook = { at: 0, ended: 0 };

  /**
   * @param load undefined: others send the traffic; it cannot be paused, so the window's edges are as blurred as a scrape and no look is settled.
   * @param options.copies the stage mirrors: copies outlive the requests that they are made of, so the callee's counts are awaited until
   * they stand still; default false.
   * @param options.silent observers that were waited for in vain, shared by the windows of a run: they are asked, but not waited for until
   * they show data again; default: none yet.
   */
  constructor(
    observers: readonly Observer[],
    load: LoadRun | undefined,
    clock: Clock,
    { copies = false, silent = new Set() }: { readonly copies?: boolean; readonly silent?: Set<Observer> } = {},
  ) {
    this.observers = observers;
    this.load = load;
    this.clock = clock;
    this.copies = copies;
    this.silent = silent;
  }

  /** Returns early, with the load running, when the signal aborts. */
  async open(signal: AbortSignal): Promise<void> {
    await this.load?.pause();
    // The first base only shows who has data at all, so that the others are not waited for in vain.
    await this.takeBase(signal);
    await this.settle(signal);
    await this.takeBase(signal);
    for (let tries = 0; this.copies && tries < COPY_TRIES && !signal.aborted; tries++) {
      await this.settle(signal);
      if (!requestsAt(await this.observe(signal), 'destination')) break;
      await this.takeBase(signal);
    }
    this.load?.resetWindow();
    this.openedAt = this.clock.now();
    this.lastLook = { at: 0, ended: this.ended() };
    this.load?.resume();
  }

  private async takeBase(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.observers.map(async (observer) => {
        try {
          await observer.open(signal);
          this.broken.delete(observer);
        } catch (error) {
          this.broken.set(observer, `no base for the counting window: ${errorText(error)}`);
        }
      }),
    );
  }

  /** ms since the window opened. */
  elapsed(): number {
    return this.clock.now() - this.openedAt;
  }

  async look(signal: AbortSignal): Promise<LookTaken> {
    return this.lookOf(await this.observe(signal), false);
  }

  /**
   * Pauses the load and takes the last look when everything that was sent is in every vantage point's data. An aborted signal shortens
   * the wait, but not the look.
   */
  async close(signal: AbortSignal): Promise<LookTaken> {
    await this.load?.pause();
    const patience = new AbortController();
    const finished = new AbortController();
    void this.endPatience(signal, patience, finished.signal);
    try {
      let pending = await this.settle(patience.signal);
      let observations = await this.observe();
      for (let tries = 0; this.copies && tries < COPY_TRIES && !patience.signal.aborted; tries++) {
        pending = await this.settle(patience.signal);
        const later = await this.observe();
        const still = requestsAt(later, 'destination') === requestsAt(observations, 'destination');
        observations = later;
        if (still) break;
      }
      // What cannot be read has no counts that could still grow.
      const settled = [...pending].every((observer) => !isRead(observations[this.observers.indexOf(observer)]));
      return this.lookOf(observations, settled && this.load !== undefined);
    } finally {
      finished.abort();
    }
  }

  private async endPatience(signal: AbortSignal, patience: AbortController, finished: AbortSignal): Promise<void> {
    if (!signal.aborted)
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          finished.removeEventListener('abort', done);
          resolve();
        };
        signal.addEventListener('abort', done);
        finished.addEventListener('abort', done);
      });
    if (signal.aborted) await sleep(this.clock, INTERRUPTED_SETTLE_MS, finished);
    patience.abort();
  }

  private observe(signal?: AbortSignal): Promise<Observation[]> {
    return Promise.all(this.observers.map((observer) => this.observeOne(observer, signal)));
  }

  private async observeOne(observer: Observer, signal: AbortSignal | undefined): Promise<Observation> {
    const reason = this.broken.get(observer);
    return reason ? { status: 'no-data', vantagePoint: observer.vantagePoint, reason } : observer.look(signal);
  }

  private lookOf(observations: readonly Observation[], settled: boolean): LookTaken {
    const at = Math.round(this.elapsed());
    const ended = this.ended();
    const rps = at > this.lastLook.at ? ((ended - this.lastLook.ended) * 1000) / (at - this.lastLook.at) : 0;
    this.lastLook = { at, ended };
    return { look: { at, observations, settled }, rps };
  }

  private ended(): number {
    return this.load?.counts().ended ?? 0;
  }

  /**
   * Waits until every vantage point has seen what was sent so far. One that shows no data is given up sooner, and not waited for again.
   * @returns the vantage points that have not.
   */
  private async settle(signal: AbortSignal): Promise<ReadonlySet<Observer>> {
    const drainedAt = this.clock.wallMs();
    const startedAt = this.clock.now();
    const pending = new Set(this.observers);
    for (;;) {
      const unreachable = new Set<Observer>();
      await Promise.all(
        [...pending].map(async (observer) => {
          try {
            if (!(await observer.settled(drainedAt, signal))) return;
            pending.delete(observer);
            this.silent.delete(observer);
          } catch {
            unreachable.add(observer);
          }
        }),
      );
      const waited = this.clock.now() - startedAt;
      if (pending.size === 0 || signal.aborted || waited >= SETTLE_TIMEOUT_MS) return pending;
      const worth = await Promise.all(
        [...pending].map((observer) => this.isWorthWaiting(observer, waited, unreachable.has(observer), signal)),
      );
      if (!worth.includes(true)) return pending;
      await sleep(this.clock, POLL_MS, signal);
    }
  }

  private async isWorthWaiting(
    observer: Observer,
    waited: number,
    unreachable: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const patience = unreachable ? UNREACHABLE_TIMEOUT_MS : SILENCE_TIMEOUT_MS;
    if (waited < patience && !this.silent.has(observer)) return true;
    if (isRead(await this.observeOne(observer, signal))) return true;
    if (!signal.aborted) this.silent.add(observer);
    return false;
  }
}

const isRead = (observation: Observation | undefined): boolean => observation?.status === 'ok';

/** All requests that a vantage point saw in the window; undefined when it could not be read. */
function requestsAt(observations: readonly Observation[], point: Observation['vantagePoint']): number | undefined {
  const found = observations.find(({ vantagePoint }) => vantagePoint === point);
  if (found?.status !== 'ok') return undefined;
  const { versions, unknown } = found.counts;
  return Object.values(versions).reduce((sum, { total }) => sum + total, unknown.total);
}
