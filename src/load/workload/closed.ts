import { RandomStreams, seededRandom } from '../../base/random.js';
import type { ClosedModel } from '../../scenario/types.js';
import { levelsOf, peakLevel } from '../../scenario/workload.js';
import { DueQueue } from './dueQueue.js';
import { Presence } from './levels.js';
import { streamNumber } from './streams.js';
import { drawThinkTime, startFraction, startSpan } from './thinkTime.js';
import type { Schedule, SchedulePart } from './types.js';
import { createUriWalk, type UriWalk } from './uriWalk.js';

/**
 * Users who wait for an answer, pause for a think time, and ask again. A user's first request comes a fraction of the think time after he came,
 * so that users who come together do not ask together; the fractions are evenly spread and do not depend on the number of users.
 * A user who is no longer there when his think time ends asks again when he comes back; a request under way is always ended.
 */
export class ClosedSchedule implements Schedule {
  due = 0;
  user = 0;
  uri = 0;
  readonly dropped = 0;
  readonly #options: SchedulePart;
  readonly #model: ClosedModel;
  readonly #presence: Presence | undefined;
  readonly #queue: DueQueue;
  readonly #pauses: RandomStreams;
  readonly #walk: UriWalk;
  readonly #rotation: number;
  readonly #span: number;

  constructor(options: SchedulePart, model: ClosedModel) {
    const { part, seed, worker } = options;
    this.#options = options;
    this.#model = model;
    const levels = levelsOf(model);
    const count = Math.max(0, Math.ceil((peakLevel(levels) - worker.index) / worker.of));
    const users = Array.from({ length: count }, (_, slot) => worker.index + slot * worker.of);
    const streams = (purpose: 'uris' | 'thinkTimes') =>
      new RandomStreams(
        seed,
        users.map((user) => streamNumber(part, purpose, user)),
      );
    this.#pauses = streams('thinkTimes');
    this.#walk = createUriWalk(options.order, options.uris, count, streams('uris'));
    this.#rotation = seededRandom(seed, streamNumber(part, 'starts'))();
    this.#span = startSpan(model.thinkTime);
    this.#presence = levels.stages.length > 0 ? new Presence(levels) : undefined;
    this.#queue = new DueQueue(count);
    for (const [slot, user] of users.entries()) this.#comes(slot, user, this.#presence?.from(user, 0) ?? 0);
  }

  nextDue(): number {
    return this.#queue.due;
  }

  take(elapsed: number): boolean {
    const queue = this.#queue;
    if (queue.due > elapsed || queue.size === 0) return false;
    const { index, of } = this.#options.worker;
    const slot = queue.user;
    this.due = queue.due;
    this.user = this.#options.firstUser + index + slot * of;
    queue.pop();
    this.uri = this.#walk.next(slot);
    return true;
  }

  ended(user: number, elapsed: number): void {
    const { firstUser, worker } = this.#options;
    const own = user - firstUser;
    const slot = (own - worker.index) / worker.of;
    const due = elapsed + drawThinkTime(this.#model.thinkTime, this.#pauses, slot);
    const from = this.#presence?.from(own, due) ?? due;
    if (from > due) this.#comes(slot, own, from);
    else this.#push(slot, due);
  }

  #comes(slot: number, user: number, from: number): void {
    this.#push(slot, from + startFraction(this.#rotation, user) * this.#span);
  }

  #push(slot: number, due: number): void {
    if (due < this.#options.endMs) this.#queue.push(due, slot);
  }
}
