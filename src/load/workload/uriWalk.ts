import type { RandomStreams } from '../../base/random.js';
import type { UriOrder } from '../../scenario/types.js';

/** Chooses positions in the URI list, for each walker (a user, or all arrivals of an open model) by a generator of its own. */
export interface UriWalk {
  next(walker: number): number;
}

/** The URIs that may be chosen: positions in the list, and how often each is chosen beside the others. */
export interface WeightedUris {
  readonly positions: readonly number[];
  /** Whole numbers >= 1. */
  readonly weights: readonly number[];
}

export function createUriWalk(order: UriOrder, uris: WeightedUris, walkers: number, random: RandomStreams): UriWalk {
  switch (order) {
    case 'round-robin':
      return new RoundRobinWalk(smoothLap(uris), walkers, random);
    case 'random':
      return new RandomWalk(uris, random);
    case 'shuffled':
      return new ShuffledWalk(repeatedLap(uris), walkers, random);
  }
}

/** The list behind a walk, with each URI as often as it weighs: all that a walker elsewhere has to be told. */
export const lapOf = (order: UriOrder, uris: WeightedUris): Uint16Array =>
  order === 'round-robin' ? smoothLap(uris) : repeatedLap(uris);

/** As `createUriWalk`, of a lap by `lapOf`, which is not copied unless the order needs it. */
export function walkLap(order: UriOrder, lap: ArrayLike<number>, walkers: number, random: RandomStreams): UriWalk {
  switch (order) {
    case 'round-robin':
      return new RoundRobinWalk(lap, walkers, random);
    case 'random':
      return { next: (walker) => lap[Math.floor(random.next(walker) * lap.length)] as number };
    case 'shuffled':
      return new ShuffledWalk(lap, walkers, random);
  }
}

const repeatedLap = ({ positions, weights }: WeightedUris): Uint16Array =>
  Uint16Array.from(positions.flatMap((uri, index) => new Array<number>(weights[index] ?? 1).fill(uri)));

/**
 * One lap in which every URI comes as often as it weighs, evenly spread: the smooth weighted round robin of nginx
 * (ngx_http_upstream_round_robin.c). In every step each gains its weight, the one with most is chosen, and pays the sum of all weights.
 */
export function smoothLap({ positions, weights }: WeightedUris): Uint16Array {
  if (weights.every((weight) => weight === weights[0])) return Uint16Array.from(positions);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const gain = Int32Array.from(weights);
  const credit = new Int32Array(gain.length);
  return Uint16Array.from({ length: total }, () => {
    let best = 0;
    for (let uri = 0; uri < gain.length; uri++) {
      credit[uri] = (credit[uri] as number) + (gain[uri] as number);
      if ((credit[uri] as number) > (credit[best] as number)) best = uri;
    }
    credit[best] = (credit[best] as number) - total;
    return positions[best] as number;
  });
}

/** Every walker goes round the same lap, from an offset of his own, so that users do not ask for the same page at once. */
class RoundRobinWalk implements UriWalk {
  readonly #lap: ArrayLike<number>;
  /** Of the next step; -1: before the first. */
  readonly #at: Int32Array;
  readonly #random: RandomStreams;

  constructor(lap: ArrayLike<number>, walkers: number, random: RandomStreams) {
    this.#lap = lap;
    this.#at = new Int32Array(walkers).fill(-1);
    this.#random = random;
  }

  next(walker: number): number {
    const { length } = this.#lap;
    let at = this.#at[walker] as number;
    if (at < 0) at = Math.floor(this.#random.next(walker) * length);
    this.#at[walker] = at + 1 === length ? 0 : at + 1;
    return this.#lap[at] as number;
  }
}

/**
 * Each request draws its URI anew. The alias method (Walker 1977, the table as by Vose 1991): column c keeps its own URI with
 * probability keep[c] and gives the rest to another one, so that one draw and one comparison suffice whatever the weights.
 */
class RandomWalk implements UriWalk {
  readonly #positions: readonly number[];
  readonly #keep: Float64Array;
  readonly #alias: Uint16Array;
  readonly #random: RandomStreams;

  constructor({ positions, weights }: WeightedUris, random: RandomStreams) {
    this.#positions = positions;
    this.#random = random;
    const count = positions.length;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#keep = Float64Array.from(weights, (weight) => (weight * count) / total);
    this.#alias = Uint16Array.from(weights, (_, column) => column);
    const poor: number[] = [];
    const rich: number[] = [];
    for (const [column, share] of this.#keep.entries()) (share < 1 ? poor : rich).push(column);
    for (let column = poor.pop(); column !== undefined; column = poor.pop()) {
      const giver = rich[rich.length - 1];
      if (giver === undefined) break;
      this.#alias[column] = giver;
      const left = (this.#keep[giver] as number) - (1 - (this.#keep[column] as number));
      this.#keep[giver] = left;
      if (left < 1) poor.push(rich.pop() as number);
    }
  }

  next(walker: number): number {
    const draw = this.#random.next(walker) * this.#positions.length;
    const column = Math.floor(draw);
    const chosen = draw - column < (this.#keep[column] as number) ? column : (this.#alias[column] as number);
    return this.#positions[chosen] as number;
  }
}

/** Every walker goes through his own permutation of the list, a fresh one each lap, drawn step by step (Fisher and Yates). */
class ShuffledWalk implements UriWalk {
  readonly #lap: ArrayLike<number>;
  readonly #own: (Uint16Array | undefined)[];
  readonly #at: Int32Array;
  readonly #random: RandomStreams;

  constructor(lap: ArrayLike<number>, walkers: number, random: RandomStreams) {
    this.#lap = lap;
    this.#own = new Array<Uint16Array | undefined>(walkers).fill(undefined);
    this.#at = new Int32Array(walkers);
    this.#random = random;
  }

  next(walker: number): number {
    let own = this.#own[walker];
    if (!own) {
      own = Uint16Array.from(this.#lap);
      this.#own[walker] = own;
    }
    const at = this.#at[walker] as number;
    const chosen = at + Math.floor(this.#random.next(walker) * (own.length - at));
    const uri = own[chosen] as number;
    own[chosen] = own[at] as number;
    own[at] = uri;
    this.#at[walker] = at + 1 === own.length ? 0 : at + 1;
    return uri;
  }
}
