import { type Random, seededRandom } from '../base/random.js';
import type { LoadModel } from '../scenario/types.js';
import { type Arrivals, constantArrivals, poissonArrivals } from './arrivals.js';
import { DueQueue } from './dueQueue.js';
import { drawThinkTime, longestThinkTime } from './thinkTime.js';
import { randomWalk, roundRobinWalk, type UriWalk } from './uriWalk.js';

/** One request to be sent. */
export interface Slot {
  /** Active ms since the start at which it is due: the intended start. */
  readonly due: number;
  readonly user: number;
  /** Position in the URI list. */
  readonly uri: number;
}

/** When which user asks for which URI. Knows no clock: everything is a function of its state and the elapsed active ms it is told. */
export interface Schedule {
  /** Active ms of the earliest slot; undefined: nothing is due until a request ends. */
  nextDue(): number | undefined;
  /** Takes the earliest slot that is due by `elapsed`. */
  take(elapsed: number): Slot | undefined;
  /** The user's request ended at `elapsed`. */
  ended(user: number, elapsed: number): void;
}

interface ScheduleOptions {
  readonly model: LoadModel;
  readonly order: 'round-robin' | 'random';
  readonly uriCount: number;
  readonly seed: number;
}

/** The same options give the same slots, as far as answers take the same time. */
export function createSchedule(options: ScheduleOptions): Schedule {
  return options.model.kind === 'closed'
    ? new ClosedSchedule(options, options.model)
    : new OpenSchedule(options, options.model);
}

function walk(options: ScheduleOptions, random: Random): UriWalk {
  return (options.order === 'random' ? randomWalk : roundRobinWalk)(options.uriCount, random);
}

/** Users who wait for an answer, pause for a think time, and ask again. Their first requests are spread over one think time. */
class ClosedSchedule implements Schedule {
  readonly #model: LoadModel & { kind: 'closed' };
  readonly #queue: DueQueue;
  readonly #random: Random[];
  readonly #walks: UriWalk[];

  constructor(options: ScheduleOptions, model: LoadModel & { kind: 'closed' }) {
    this.#model = model;
    this.#queue = new DueQueue(model.users);
    this.#random = Array.from({ length: model.users }, (_, user) => seededRandom(options.seed, user));
    this.#walks = this.#random.map((random) => walk(options, random));
    const span = longestThinkTime(model.thinkTime);
    for (const [user, random] of this.#random.entries()) {
      this.#queue.push((span * (user + random())) / model.users, user);
    }
  }

  nextDue(): number | undefined {
    return this.#queue.nextDue();
  }

  take(elapsed: number): Slot | undefined {
    const next = this.#queue.nextDue();
    if (next === undefined || next > elapsed) return undefined;
    const slot = this.#queue.pop();
    return slot && { due: slot.due, user: slot.user, uri: this.#walks[slot.user]?.() ?? 0 };
  }

  ended(user: number, elapsed: number): void {
    const random = this.#random[user];
    if (random) this.#queue.push(elapsed + drawThinkTime(this.#model.thinkTime, random), user);
  }
}

/** Arrivals that do not wait for answers. All belong to user 0. */
class OpenSchedule implements Schedule {
  readonly #arrivals: Arrivals;
  readonly #walk: UriWalk;

  constructor(options: ScheduleOptions, model: LoadModel & { kind: 'open' }) {
    // Two streams: the URIs drawn do not depend on how arrivals are spaced.
    this.#arrivals =
      model.arrivals === 'constant'
        ? constantArrivals(model.ratePerSecond)
        : poissonArrivals(model.ratePerSecond, seededRandom(options.seed, 1));
    this.#walk = walk(options, seededRandom(options.seed, 0));
  }

  nextDue(): number {
    return this.#arrivals.due();
  }

  take(elapsed: number): Slot | undefined {
    const due = this.#arrivals.due();
    if (due > elapsed) return undefined;
    this.#arrivals.advance();
    return { due, user: 0, uri: this.#walk() };
  }

  ended(): void {}
}
