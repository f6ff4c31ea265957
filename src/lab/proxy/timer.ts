import type { Clock } from '../../base/clock.js';
import { millis } from '../../base/units.js';

/** Calls back after `delayMs` unless it is cancelled. */
export class Timer {
  private readonly ended = new AbortController();

  constructor(clock: Clock, delayMs: number, run: () => void) {
    const { signal } = this.ended;
    void clock.sleepUntil(millis(clock.now() + delayMs), signal).then(() => {
      if (!signal.aborted) run();
    });
  }

  cancel(): void {
    this.ended.abort();
  }
}
