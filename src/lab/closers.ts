import { type Clock, sleep } from '../base/clock.js';

type Closer = () => Promise<void> | void;

/** How long a part of the lab has to end; what holds it must not keep the others, and their processes, alive. */
const PATIENCE_MS = 5000;

/** What the lab has opened, ended in the reverse order. */
export class Closers {
  private readonly closers: Closer[] = [];
  private readonly clock: Clock;
  private readonly onError: (error: unknown) => void;

  /** @param onError told of a part that did not end in time, and was left. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.clock = clock;
    this.onError = onError;
  }

  push(...closers: readonly Closer[]): void {
    this.closers.push(...closers);
  }

  /** @returns the server, which is closed with the others. */
  keep<T extends { close(): Promise<void> }>(server: T): T {
    this.push(() => server.close());
    return server;
  }

  async close(): Promise<void> {
    for (const closer of this.closers.splice(0).reverse()) {
      if (await this.endsInTime(closer())) continue;
      const open = [...new Set(process.getActiveResourcesInfo())].join(', ');
      this.onError(new Error(`a part did not end within ${PATIENCE_MS / 1000} s, and was left; open are: ${open}`));
    }
  }

  private async endsInTime(ending: Promise<void> | void): Promise<boolean> {
    const done = new AbortController();
    const ended = Promise.resolve(ending).then(() => true);
    const late = sleep(this.clock, PATIENCE_MS, done.signal).then(() => false);
    return Promise.race([ended, late]).finally(() => done.abort());
  }
}
