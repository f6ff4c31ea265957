import { expect, it } from 'vitest';
import { arbitraryAnswer, unexplainedDifference } from '../support/http1.js';

it('100,000 mutated answers: read as by the client of node:http, but for listed differences, and memory stays flat', async () => {
  const met = new Map<string, number>();
  const play = async (from: number, to: number) => {
    for (let seed = from; seed < to; seed++) {
      const { pieces, toHead } = arbitraryAnswer(seed);
      expect(await unexplainedDifference(pieces, toHead, met)).toBeUndefined();
    }
  };
  await play(10_000, 30_000);
  const before = process.memoryUsage().rss;
  await play(30_000, 110_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
  expect(met.get('both accept')).toBeGreaterThan(25_000);
  expect(met.get('both refuse')).toBeGreaterThan(25_000);
});
