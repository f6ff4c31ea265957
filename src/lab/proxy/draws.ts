import type { Random } from '../../base/random.js';
import type { Destination } from '../../mesh/types.js';

/** Chooses a destination by weight, afresh for every request; the list is not empty and weights are positive. */
export function drawDestination(destinations: readonly Destination[], random: Random): Destination {
  const [first] = destinations;
  if (!first) throw new RangeError('A route without destinations cannot forward.');
  if (destinations.length === 1) return first;
  let sum = 0;
  for (const { weight } of destinations) sum += weight;
  let rest = random() * sum;
  for (const destination of destinations) {
    rest -= destination.weight;
    if (rest < 0) return destination;
  }
  return destinations[destinations.length - 1] ?? first;
}

/** True for this share of the requests (faults and mirrors), drawn independently. */
export const happens = (share: number, random: Random): boolean => share > 0 && random() < share;
