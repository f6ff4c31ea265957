import { expect, it } from 'vitest';
import { arbitraryAnswer, unexplainedDifference } from '../support/http1.js';

it('accepts what the client of node:http accepts, with the same status and length, but for listed differences', async () => {
  const met = new Map<string, number>();
  for (let seed = 0; seed < 2000; seed++) {
    const { pieces, toHead } = arbitraryAnswer(seed);
    expect(await unexplainedDifference(pieces, toHead, met)).toBeUndefined();
  }
  expect(met.get('both accept')).toBeGreaterThan(500);
  expect(met.get('both refuse')).toBeGreaterThan(500);
});
