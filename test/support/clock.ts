import type { Clock } from '../../src/base/clock.js';
import { type Millis, millis } from '../../src/base/units.js';

/** A clock that stands until it is moved; sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  private time = 0;
  private readonly epochMs: number;
  private sleepers: { at: number; wake: () => void }[] = [];

  constructor(epochMs = Date.UTC(2026, 0, 2)) {
    this.epochMs = epochMs;
  }

  now(): Millis {
    return millis(this.time);
  }

  wallMs(): number {
    return this.epochMs + this.time;
  }

  sleepUntil(at: Millis, signal?: AbortSignal): Promise<void> {
    if (at <= this.time || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { at, wake };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  /** Moves on by `ms` and lets everything that is due run, what it starts included. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settled();
      const next = this.sleepers.filter((sleeper) => sleeper.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = Math.max(this.time, next.at);
      this.sleepers = this.sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
    }
    this.time = end;
    await settled();
  }
}

/** Lets microtasks and immediates run out. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
