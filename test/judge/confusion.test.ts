import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../confusion/catalogue/index.js';
import { confusions, HEALTHY, type Judged, missedGoals, NONE, rankOf, totalsOf } from '../confusion/matrix.js';

const run = (expected: string | undefined, named: readonly string[], more: Partial<Judged> = {}): Judged => ({
  expected,
  named,
  afterMs: undefined,
  gross: false,
  ...more,
});

describe('the place of a cause', () => {
  it.each([
    ['first', ['A', 'B'], 1],
    ['second', ['B', 'A'], 2],
    ['second although another cause is told of two objects', ['B', 'B', 'A'], 2],
    ['nowhere', ['B'], undefined],
    ['nowhere when nothing is named', [], undefined],
  ])('is %s', (_, named, rank) => {
    expect(rankOf(run('A', named))).toBe(rank);
  });

  it('does not exist in a healthy run', () => {
    expect(rankOf(run(undefined, ['A']))).toBeUndefined();
  });
});

describe('totals', () => {
  const judged = [
    run('A', ['A'], { gross: true, afterMs: 900 }),
    run('A', ['B', 'C', 'A'], { gross: true, afterMs: 1200 }),
    run('B', ['A', 'C', 'D', 'B'], { afterMs: 9000 }),
    run('B', []),
    run(undefined, []),
    run(undefined, ['A']),
  ];

  it('count places, false causes and the slowest gross error', () => {
    expect(totalsOf(judged)).toEqual({
      runs: 4,
      first: 1,
      inThree: 2,
      healthy: 2,
      falseCauses: 1,
      slowestGrossMs: 1200,
      grossMissed: 0,
    });
  });

  it('tell which cause was taken for which', () => {
    expect([...confusions(judged)].map(([expected, named]) => [expected, ...named])).toEqual([
      ['A', ['B', 1]],
      ['B', ['A', 1], [NONE, 1]],
      [HEALTHY, ['A', 1]],
    ]);
  });
});

describe('goals', () => {
  const good = Array.from({ length: 19 }, () => run('A', ['A'], { gross: true, afterMs: 5000 }));

  it.each<[string, Judged, readonly RegExp[]]>([
    ['are met when one in twenty is named second', run('A', ['B', 'A']), []],
    ['are met by a healthy run without a cause', run(undefined, []), []],
    ['miss a cause that is not named', run('A', []), [/among the first three in 19 of 20/]],
    ['miss a cause for a healthy run', run(undefined, ['A']), [/1 of 1 healthy/]],
    ['miss a gross error that is named late', run('A', ['A'], { gross: true, afterMs: 5001 }), [/took 5001 ms/]],
    ['miss a gross error that is not named', run('A', ['B', 'A'], { gross: true }), [/1 gross errors/]],
  ])('%s', (_, another, missed) => {
    const told = missedGoals(totalsOf([...good, another]));
    expect(told).toHaveLength(missed.length);
    for (const [index, pattern] of missed.entries()) expect(told[index]).toMatch(pattern);
  });

  it('miss less than 95 % named first', () => {
    const told = missedGoals(totalsOf([...good, run('A', ['B', 'A']), run('A', ['B', 'A'])]));
    expect(told).toEqual([expect.stringMatching(/named first in 19 of 21/)]);
  });
});

describe('the catalogue', () => {
  it('names every cause once', () => {
    const numbers = CATALOGUE.map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(new Set(CATALOGUE.map(({ code }) => code)).size).toBe(numbers.length);
  });
});
