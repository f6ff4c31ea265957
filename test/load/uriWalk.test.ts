import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../src/base/random.js';
import { createUriWalk, smoothLap, type UriWalk, type WeightedUris } from '../../src/load/workload/uriWalk.js';
import { URI_ORDERS } from '../../src/scenario/types.js';

const equal = (count: number): WeightedUris => ({
  positions: Array.from({ length: count }, (_, index) => index),
  weights: new Array<number>(count).fill(1),
});
const weighted = (...weights: readonly number[]): WeightedUris => ({ ...equal(weights.length), weights });
const random = (seed: number, walkers = 1) =>
  new RandomStreams(
    seed,
    Array.from({ length: walkers }, (_, walker) => walker),
  );
const take = (walk: UriWalk, count: number, walker = 0) => Array.from({ length: count }, () => walk.next(walker));
const counts = (seen: readonly number[], size: number) => {
  const count = new Array<number>(size).fill(0);
  for (const uri of seen) count[uri] = (count[uri] as number) + 1;
  return count;
};
const someWeights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

describe('round-robin', () => {
  it('walks the whole list in its order from an own offset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (count, seed) => {
        const seen = take(createUriWalk('round-robin', equal(count), 1, random(seed)), 2 * count);
        const start = seen[0] as number;
        expect(seen).toEqual(seen.map((_, index) => (start + index) % count));
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('gives different users different offsets', () => {
    const walk = createUriWalk('round-robin', equal(10), 200, random(3, 200));
    const starts = counts(
      Array.from({ length: 200 }, (_, walker) => walk.next(walker)),
      10,
    );
    for (const count of starts) expect(Math.abs(count - 20)).toBeLessThan(5 * Math.sqrt(200 * 0.1 * 0.9));
  });

  it('spreads heavy URIs as nginx does: 5, 1, 1 gives a a b a c a a', () => {
    expect([...smoothLap(weighted(5, 1, 1))]).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('a lap holds every URI as often as it weighs, and none runs ahead of its share or behind by more than half the number of the others', () => {
    fc.assert(
      fc.property(someWeights, (weights) => {
        const lap = [...smoothLap(weighted(...weights))];
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const same = new Set(weights).size === 1;
        expect(counts(lap, weights.length)).toEqual(same ? weights.map(() => 1) : weights);
        for (let end = 1; end <= lap.length; end++) {
          for (const [uri, weight] of weights.entries()) {
            const seen = lap.slice(0, end).filter((one) => one === uri).length;
            expect(Math.abs(seen - (end * weight) / total)).toBeLessThanOrEqual(Math.max(1, (weights.length - 1) / 2));
          }
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

it('random draws every URI as often as it weighs', () => {
  fc.assert(
    fc.property(someWeights, fc.integer(), (weights, seed) => {
      const draws = 8000;
      const seen = counts(take(createUriWalk('random', weighted(...weights), 1, random(seed)), draws), weights.length);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [uri, weight] of weights.entries()) {
        const share = weight / total;
        expect(Math.abs((seen[uri] as number) - draws * share)).toBeLessThanOrEqual(
          5.5 * Math.sqrt(draws * share * (1 - share)),
        );
      }
    }),
    { seed: 5, numRuns: 60 },
  );
});

describe('shuffled', () => {
  it('every lap holds every URI as often as it weighs', () => {
    fc.assert(
      fc.property(someWeights, fc.integer(), (weights, seed) => {
        const walk = createUriWalk('shuffled', weighted(...weights), 1, random(seed));
        const lap = weights.reduce((sum, weight) => sum + weight, 0);
        for (let round = 0; round < 4; round++) expect(counts(take(walk, lap), weights.length)).toEqual(weights);
      }),
      { seed: 6, numRuns: 100 },
    );
  });

  it('all orders are equally likely, lap after lap', () => {
    const walk = createUriWalk('shuffled', equal(4), 1, random(7));
    const seen = new Map<string, number>();
    const laps = 24_000;
    for (let lap = 0; lap < laps; lap++) {
      const order = take(walk, 4).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    for (const count of seen.values()) expect(Math.abs(count - laps / 24)).toBeLessThan(5 * Math.sqrt(laps / 24));
  });

  it('each user has an order of his own', () => {
    const walk = createUriWalk('shuffled', equal(20), 3, random(8, 3));
    const laps = [0, 1, 2].map((walker) => take(walk, 20, walker).join(' '));
    expect(new Set(laps).size).toBe(3);
  });
});

it.each(URI_ORDERS)('%s: asks only for the positions of its part, and other walkers change nothing', (order) => {
  const part: WeightedUris = { positions: [3, 5, 9], weights: [2, 1, 4] };
  const alone = take(createUriWalk(order, part, 1, random(11)), 50);
  expect(new Set(alone)).toEqual(new Set([3, 5, 9]));
  const shared = createUriWalk(order, part, 4, random(11, 4));
  const among = alone.map((_, index) => {
    take(shared, index % 3, 1 + (index % 3));
    return shared.next(0);
  });
  expect(among).toEqual(alone);
});
