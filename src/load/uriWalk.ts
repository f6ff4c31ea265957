import type { Random } from '../base/random.js';

/** Chooses positions in the URI list for one user. */
export type UriWalk = () => number;

/** Every user walks the whole list in its order, from an offset of his own, so that users do not ask for the same page at once. */
export function roundRobinWalk(uriCount: number, random: Random): UriWalk {
  let next = Math.floor(random() * uriCount);
  return () => {
    const current = next;
    next = (next + 1) % uriCount;
    return current;
  };
}

/** Each request draws its URI anew, all equally likely. */
export function randomWalk(uriCount: number, random: Random): UriWalk {
  return () => Math.floor(random() * uriCount);
}
