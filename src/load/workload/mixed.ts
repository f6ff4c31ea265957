import type { Schedule } from './types.js';

/** Several models at once: the earliest slot of them all, ties in their order. */
export class MixedSchedule implements Schedule {
  due = 0;
  user = 0;
  uri = 0;
  readonly #parts: readonly Schedule[];
  /** First user number of each part, ascending. */
  readonly #firstUsers: readonly number[];

  constructor(parts: readonly Schedule[], firstUsers: readonly number[]) {
    this.#parts = parts;
    this.#firstUsers = firstUsers;
  }

  get dropped(): number {
    let sum = 0;
    for (const part of this.#parts) sum += part.dropped;
    return sum;
  }

  nextDue(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const part of this.#parts) earliest = Math.min(earliest, part.nextDue());
    return earliest;
  }

  take(elapsed: number): boolean {
    for (;;) {
      let first: Schedule | undefined;
      let due = Number.POSITIVE_INFINITY;
      for (const part of this.#parts) {
        const next = part.nextDue();
        if (next < due) {
          due = next;
          first = part;
        }
      }
      if (!first || due > elapsed) return false;
      // An open part that had to drop all that was due gives nothing; the others still may.
      if (!first.take(elapsed)) continue;
      this.due = first.due;
      this.user = first.user;
      this.uri = first.uri;
      return true;
    }
  }

  ended(user: number, elapsed: number): void {
    let part = this.#parts.length - 1;
    while (part > 0 && user < (this.#firstUsers[part] as number)) part--;
    this.#parts[part]?.ended(user, elapsed);
  }
}
