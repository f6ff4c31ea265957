import type { UriOrder } from '../../scenario/types.js';
import type { WeightedUris } from './uriWalk.js';

/**
 * When which user asks for which URI. Knows no clock: everything is a function of its state and the elapsed active ms it is told.
 * Allocates nothing while the load runs: what `take` took stands in its fields until the next `take`.
 */
export interface Schedule {
  /** Active ms since the start at which the slot taken last was due: the intended start. */
  readonly due: number;
  /** Whose it is; `ended` wants it back. Arrivals of an open model share one number. */
  readonly user: number;
  /** Its position in the URI list. */
  readonly uri: number;
  /** Slots that were due but not given out, because an open model was at its limit in flight. */
  readonly dropped: number;
  /** Active ms of the earliest slot; Infinity: none until a request ends, and with nothing in flight none ever. */
  nextDue(): number;
  /** Takes the earliest slot that is due by `elapsed`. @returns false when there is none. */
  take(elapsed: number): boolean;
  /** A request of the user ended at `elapsed`. */
  ended(user: number, elapsed: number): void;
}

/** Which of several workers that share a load: it has every `of`-th user and every `of`-th arrival, from number `index` on. */
export interface WorkerShare {
  readonly index: number;
  readonly of: number;
}

/** What the schedule of one model is made of. */
export interface SchedulePart {
  /** Position in a mixture. */
  readonly part: number;
  /** User numbers start here. */
  readonly firstUser: number;
  readonly order: UriOrder;
  readonly uris: WeightedUris;
  readonly seed: number;
  readonly endMs: number;
  readonly worker: WorkerShare;
}
