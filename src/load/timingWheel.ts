/** What a wheel holds: its links live in the entries, so that filing one allocates nothing. */
export interface Timed<T> {
  /** Clock reading at which it is due, ms. May be put off at any time by writing a later one. */
  dueAt: number;
  /** The list it is in; -1: none. Only the wheel writes this and the links. */
  slot: number;
  previous: T | undefined;
  next: T | undefined;
}

const SLOTS = 1024;
const MASK = SLOTS - 1;
/** The list of those found due that have not been told yet. */
const DUE = SLOTS;

/**
 * Finds what is due, never early and less than one tick and the time since the last `advance` late (hashed wheel: Varghese and Lauck,
 * 1987). Filing, moving and removing take constant time; an entry is looked at once for every 1024 ticks until it is due.
 */
export class TimingWheel<T extends Timed<T>> {
  readonly #tickMs: number;
  readonly #first: (T | undefined)[] = Array.from({ length: SLOTS + 1 }, () => undefined);
  /** The last tick that was looked at. */
  #done: number;
  #size = 0;

  /** @param startedAt clock reading, ms. */
  constructor(tickMs: number, startedAt: number) {
    this.#tickMs = tickMs;
    this.#done = Math.floor(startedAt / tickMs);
  }

  get size(): number {
    return this.#size;
  }

  /** The clock reading from which `advance` has something to look at. */
  get nextTickAt(): number {
    return (this.#done + 1) * this.#tickMs;
  }

  add(entry: T, dueAt: number): void {
    entry.dueAt = dueAt;
    this.#size++;
    this.#link(entry, this.#slotOf(dueAt));
  }

  /** Files it anew; only needed when it becomes due earlier than it was. */
  move(entry: T, dueAt: number): void {
    entry.dueAt = dueAt;
    this.#unlink(entry);
    this.#link(entry, this.#slotOf(dueAt));
  }

  /** Takes it out; nothing happens when it is not in. */
  remove(entry: T): void {
    if (entry.slot < 0) return;
    this.#unlink(entry);
    entry.slot = -1;
    this.#size--;
  }

  /** Takes out what is due by `now` and tells each; `expired` may add, move and remove others. */
  advance(now: number, expired: (entry: T) => void): void {
    const tick = Math.floor(now / this.#tickMs);
    const from = Math.max(this.#done + 1, tick - MASK);
    if (tick < from) return;
    this.#done = tick;
    for (let at = from; at <= tick; at++) this.#sort(at & MASK, tick);
    for (let entry = this.#first[DUE]; entry; entry = this.#first[DUE]) {
      this.remove(entry);
      expired(entry);
    }
  }

  /** Moves the due ones of a list aside, and those that were put off to their lists. */
  #sort(slot: number, tick: number): void {
    for (let entry = this.#first[slot]; entry; ) {
      const next: T | undefined = entry.next;
      const to = Math.ceil(entry.dueAt / this.#tickMs) <= tick ? DUE : this.#slotOf(entry.dueAt);
      if (to !== slot) {
        this.#unlink(entry);
        this.#link(entry, to);
      }
      entry = next;
    }
  }

  #slotOf(dueAt: number): number {
    return Math.max(this.#done + 1, Math.ceil(dueAt / this.#tickMs)) & MASK;
  }

  #link(entry: T, slot: number): void {
    const first = this.#first[slot];
    entry.slot = slot;
    entry.previous = undefined;
    entry.next = first;
    if (first) first.previous = entry;
    this.#first[slot] = entry;
  }

  #unlink(entry: T): void {
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.#first[entry.slot] = next;
    if (next) next.previous = previous;
    entry.previous = undefined;
    entry.next = undefined;
  }
}
