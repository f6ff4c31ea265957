import { type Millis, millis } from './units.js';

/** The only source of time; production code never reads another. */
export interface Clock {
  /** Monotonic milliseconds with a fraction; the origin is arbitrary. */
  now(): Millis;
  /** Wall-clock milliseconds since the epoch. */
  wallMs(): number;
  /** Resolves at monotonic time `at` (at once when it is past), or at once when the signal aborts. */
  sleepUntil(at: Millis, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => millis(performance.now()),
  wallMs: () => Date.now(),
  sleepUntil(at, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, at - performance.now()));
      signal?.addEventListener('abort', done, { once: true });
    });
  },
};

export const sleep = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> =>
  clock.sleepUntil(millis(clock.now() + ms), signal);
