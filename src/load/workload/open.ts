import { RandomStreams, seededRandom } from '../../base/random.js';
import type { OpenModel } from '../../scenario/types.js';
import { levelsOf } from '../../scenario/workload.js';
import { type Arrivals, EvenArrivals, PoissonArrivals, ReplayedArrivals } from './arrivals.js';
import type { ReplayModel } from './replay.js';
import { streamNumber } from './streams.js';
import type { Schedule, SchedulePart } from './types.js';
import { createUriWalk, type UriWalk } from './uriWalk.js';

/**
 * Arrivals that do not wait for answers; all belong to one user number. Those that are due while the most allowed are in flight are dropped.
 * Arrival i has the same due time and URI whatever happens to the others, and however many workers share them.
 */
export class OpenSchedule implements Schedule {
  due = 0;
  readonly user: number;
  uri = 0;
  dropped = 0;
  readonly #arrivals: Arrivals;
  readonly #walk: UriWalk;
  readonly #others: number;
  readonly #most: number;
  readonly #endMs: number;
  #inFlight = 0;

  constructor(options: SchedulePart, model: OpenModel | ReplayModel) {
    const { part, seed, worker } = options;
    this.user = options.firstUser;
    this.#endMs = options.endMs;
    this.#others = worker.of - 1;
    this.#most = Math.max(1, Math.ceil((model.maxInFlight - worker.index) / worker.of));
    this.#arrivals = arrivalsOf(model, seed, part);
    const uris = new RandomStreams(seed, [streamNumber(part, 'uris')]);
    this.#walk =
      model.kind === 'replay' && model.uris
        ? new ReplayedWalk(model.uris)
        : createUriWalk(options.order, options.uris, 1, uris);
    this.#skip(worker.index);
    if (worker.index > 0) this.#arrivals.advance(worker.index);
  }

  nextDue(): number {
    const { due } = this.#arrivals;
    return due < this.#endMs ? due : Number.POSITIVE_INFINITY;
  }

  take(elapsed: number): boolean {
    for (;;) {
      const { due } = this.#arrivals;
      if (due > elapsed || due >= this.#endMs) return false;
      this.uri = this.#walk.next(0);
      this.#skip(this.#others);
      this.#arrivals.advance(this.#others + 1);
      if (this.#inFlight < this.#most) {
        this.#inFlight++;
        this.due = due;
        return true;
      }
      this.dropped++;
    }
  }

  ended(): void {
    this.#inFlight--;
  }

  /** Past the URIs of arrivals that other workers send. */
  #skip(count: number): void {
    for (let arrival = 0; arrival < count; arrival++) this.#walk.next(0);
  }
}

function arrivalsOf(model: OpenModel | ReplayModel, seed: number, part: number): Arrivals {
  if (model.kind === 'replay') return new ReplayedArrivals(model.times, model.speed);
  const levels = levelsOf(model);
  return model.arrivals === 'constant'
    ? new EvenArrivals(levels)
    : new PoissonArrivals(levels, seededRandom(seed, streamNumber(part, 'arrivals')));
}

/** The URIs of a recording, in its order. */
class ReplayedWalk implements UriWalk {
  readonly #uris: Uint16Array;
  #at = 0;

  constructor(uris: Uint16Array) {
    this.#uris = uris;
  }

  next(): number {
    return this.#uris[this.#at++] ?? 0;
  }
}
