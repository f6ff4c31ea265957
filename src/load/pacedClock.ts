import type { Clock } from '../base/clock.js';
import { THREAD_ORIGIN_MS } from './threads/monotonic.js';
import { pacerMemory, pacerViews, READY } from './threads/pacerMemory.js';
import { startThread } from './threads/start.js';

export interface PacedClock extends Clock {
  /** Resolves when it wakes through its pacer, or when that has failed; meanwhile, and then, it sleeps as the clock below it does. */
  readonly ready: Promise<void>;
  /** Ends the pacer, which keeps the process alive. */
  close(): Promise<void>;
}

/**
 * A clock whose sleeps end within about a tenth of a millisecond, where a timer of the event loop needs one to two: a thread of its own
 * waits for the time and wakes the loop. Costs that thread, about a fifth of a core at 10,000 wake-ups a second. One sleeper at a time.
 * @param clock the system's; used while the thread starts, and should it fail.
 */
export function pacedClock(clock: Clock): PacedClock {
  const memory = pacerMemory();
  const { due, orders } = pacerViews(memory);
  due[0] = Number.POSITIVE_INFINITY;
  const pacer = startThread('pacer', { workerData: memory });
  let running = false;
  let order = 0;
  let wake = () => {};
  const ready = new Promise<void>((resolve) => {
    const fallBack = () => {
      running = false;
      wake();
      resolve();
    };
    pacer.on('error', fallBack);
    pacer.on('exit', fallBack);
    pacer.on('message', (message: number) => {
      if (message === READY) {
        running = true;
        resolve();
      } else if (message === order) wake();
    });
  });
  return {
    now: clock.now,
    wallMs: clock.wallMs,
    ready,
    sleepUntil(at, signal) {
      if (!running) return clock.sleepUntil(at, signal);
      if (signal?.aborted) return Promise.resolve();
      // Answers are read between turns of the loop, so that even a sleep that is over must leave it one.
      if (at <= clock.now()) return new Promise((resolve) => setImmediate(resolve));
      return new Promise((resolve) => {
        const done = () => {
          wake = () => {};
          signal?.removeEventListener('abort', done);
          resolve();
        };
        wake = done;
        signal?.addEventListener('abort', done, { once: true });
        due[0] = at + THREAD_ORIGIN_MS;
        order = Atomics.add(orders, 0, 1) + 1;
        Atomics.notify(orders, 0);
      });
    },
    async close() {
      await pacer.terminate();
    },
  };
}
