/** Users by the time at which they are due: a binary min-heap over typed arrays, ties by user number. Each user is in it at most once. */
export class DueQueue {
  readonly #due: Float64Array;
  readonly #user: Int32Array;
  #size = 0;

  /** @param capacity number of users. */
  constructor(capacity: number) {
    this.#due = new Float64Array(capacity);
    this.#user = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The earliest due time; Infinity when empty. */
  get due(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#due[0] as number);
  }

  /** Whose it is; without meaning when empty. */
  get user(): number {
    return this.#user[0] as number;
  }

  push(due: number, user: number): void {
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(due, user, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#due[at] = due;
    this.#user[at] = user;
  }

  /** Removes the earliest. */
  pop(): void {
    if (this.#size === 0) return;
    const last = --this.#size;
    const due = this.#due[last] as number;
    const user = this.#user[last] as number;
    let at = 0;
    for (let child = 1; child < last; child = 2 * at + 1) {
      const right = child + 1;
      if (right < last && this.#before(this.#due[right] as number, this.#user[right] as number, child)) child = right;
      if (this.#before(due, user, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#due[at] = due;
    this.#user[at] = user;
  }

  #before(due: number, user: number, slot: number): boolean {
    const other = this.#due[slot] as number;
    return due < other || (due === other && user < (this.#user[slot] as number));
  }

  #move(from: number, to: number): void {
    this.#due[to] = this.#due[from] as number;
    this.#user[to] = this.#user[from] as number;
  }
}
