/**
 * The users' clock: monotonic time without the pauses. While paused it stands still, so that every due time shifts by the pause
 * and nothing bursts afterwards. Pure: each method gets the clock reading that its decision is based on.
 */
export class ActiveTime {
  readonly #startedAt: number;
  #pausedTotal = 0;
  #pausedAt: number | undefined;

  /** @param startedAt clock reading, ms. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  get paused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Active milliseconds since the start. */
  elapsed(now: number): number {
    return (this.#pausedAt ?? now) - this.#startedAt - this.#pausedTotal;
  }

  /** The clock reading at which `elapsed` active milliseconds have passed, if no further pause comes; by rounding it may be later in the last digit, never earlier. */
  clockAt(elapsed: number): number {
    let at = this.#startedAt + this.#pausedTotal + elapsed;
    while (at - this.#startedAt - this.#pausedTotal < elapsed) at *= 1 + Number.EPSILON;
    return at;
  }

  pause(now: number): void {
    this.#pausedAt ??= now;
  }

  resume(now: number): void {
    if (this.#pausedAt === undefined) return;
    this.#pausedTotal += now - this.#pausedAt;
    this.#pausedAt = undefined;
  }
}
