import { type Random, seededRandom } from '../base/random.js';

/** Streams of the seed from here on are those of this choice; the users' own come before. */
const FIRST_STREAM = 2 ** 31;

/** Which requests get a connection of their own: each user's are drawn from a stream of his own, so that adding a user changes nobody else's. */
export class FreshArm {
  #share: number;
  readonly #seed: number;
  readonly #random: Random[] = [];

  /** @param share 0..1. */
  constructor(share: number, seed: number) {
    this.#share = share;
    this.#seed = seed;
  }

  setShare(share: number): void {
    this.#share = share;
  }

  /** Decides on the user's next request. */
  takesNext(user: number): boolean {
    if (this.#share === 0) return false;
    let random = this.#random[user];
    if (!random) {
      random = seededRandom(this.#seed, FIRST_STREAM + user);
      this.#random[user] = random;
    }
    return random() < this.#share;
  }
}
