import { type Clock, sleep } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import type { Look } from '../judge/types.js';
import type { LoadRun } from '../load/types.js';
import type { Observation, Observer } from '../observe/types.js';

/** Longest wait for every proxy to be scraped after the load was paused: three scrapes at the usual 15 s. */
const SETTLE_TIMEOUT_MS = 45_000;
/** How often the callee's counts are compared with a later scrape before copies count as lost. */
const COPY_TRIES = 5;

/**
 * The counting window of one stage. It opens and closes with the load paused and every proxy scraped since, so that the counts of all
 * vantage points speak of exactly the same requests and the ledger can close to the last one.
 */
export class CountingWindow {
  private readonly observers: readonly Observer[];
  private readonly load: LoadRun | undefined;
  private readonly clock: Clock;
  private readonly copies: boolean;
  private readonly broken = new Map<Observer, string>();
  private openedAt = 0;
  private lastLook = { at: 0, ended: 0 };

  /**
   * @param load undefined: others send the traffic; it cannot be paused, so the window's edges are as blurred as a scrape and no look is settled.
   * @param copies the stage mirrors: copies outlive the requests that they are made of, so the callee's counts are awaited until they stand still.
   */
  constructor(observers: readonly Observer[], load: LoadRun | undefined, clock: Clock, copies = false) {
    this.observers = observers;
    this.load = load;
    this.clock = clock;
    this.copies = copies;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.load?.pause();
    await this.settle(signal, SETTLE_TIMEOUT_MS);
    await this.takeBase(signal);
    for (let tries = 0; this.copies && tries < COPY_TRIES && !signal.aborted; tries++) {
      await this.settle(signal, SETTLE_TIMEOUT_MS);
      if (requestsAt(await this.observe(signal), 'destination') === 0) break;
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

  /** @returns the look, and the requests per second that the client ended since the previous one. */
  async look(settled: boolean, signal: AbortSignal): Promise<{ look: Look; rps: number }> {
    return this.lookOf(await this.observe(signal), settled);
  }

  /** Pauses the load and takes the last look when everything that was sent is in every vantage point's data. */
  async close(signal: AbortSignal, timeoutMs = SETTLE_TIMEOUT_MS): Promise<{ look: Look; rps: number }> {
    await this.load?.pause();
    let settled = await this.settle(signal, timeoutMs);
    let observations = await this.observe(signal);
    for (let tries = 0; this.copies && settled && tries < COPY_TRIES && !signal.aborted; tries++) {
      settled = await this.settle(signal, timeoutMs);
      const later = await this.observe(signal);
      const still = requestsAt(later, 'destination') === requestsAt(observations, 'destination');
      observations = later;
      if (still) break;
    }
    return this.lookOf(observations, settled && this.load !== undefined);
  }

  private observe(signal: AbortSignal): Promise<Observation[]> {
    return Promise.all(
      this.observers.map(async (observer): Promise<Observation> => {
        const reason = this.broken.get(observer);
        return reason ? { status: 'no-data', vantagePoint: observer.vantagePoint, reason } : observer.look(signal);
      }),
    );
  }

  private lookOf(observations: readonly Observation[], settled: boolean): { look: Look; rps: number } {
    const at = Math.round(this.elapsed());
    const ended = this.ended();
    const rps = at > this.lastLook.at ? ((ended - this.lastLook.ended) * 1000) / (at - this.lastLook.at) : 0;
    this.lastLook = { at, ended };
    return { look: { at, observations, settled }, rps };
  }

  private ended(): number {
    return this.load?.counts().ended ?? 0;
  }

  private async settle(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    const drainedAt = this.clock.wallMs();
    const deadline = this.clock.now() + timeoutMs;
    const pending = new Set(this.observers.filter((observer) => !this.broken.has(observer)));
    for (;;) {
      await Promise.all(
        [...pending].map(async (observer) => {
          if (await observer.settled(drainedAt, signal).catch(() => false)) pending.delete(observer);
        }),
      );
      if (pending.size === 0) return true;
      if (signal.aborted || this.clock.now() >= deadline) return false;
      await sleep(this.clock, 100, signal);
    }
  }
}

/** All requests that a vantage point saw in the window; undefined when it could not be read. */
function requestsAt(observations: readonly Observation[], point: Observation['vantagePoint']): number | undefined {
  const found = observations.find(({ vantagePoint }) => vantagePoint === point);
  if (found?.status !== 'ok') return undefined;
  const { versions, unknown } = found.counts;
  return Object.values(versions).reduce((sum, { total }) => sum + total, unknown.total);
}
