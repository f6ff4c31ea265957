import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { upperTail } from '../calibrate/binomial.js';
import { calibrate, gateOf, peek, peekViolations, violations } from '../calibrate/cells.js';
import { exactly, optimalRule } from '../calibrate/optimum.js';
import { regionsOf, simulate } from '../calibrate/simulate.js';

/** One fast cell; test/full has more of them, `npm run calibrate` all. */
describe('calibration of 10 % ± 5 % at 1 %', () => {
  const problem = { share: 0.1, margin: 0.05, error: 0.01 };
  const cell = calibrate(problem, 20_000, 11);

  test('simulated and exact errors agree, and keep the promise', () => {
    expect(violations(cell)).toEqual([]);
    // A gate that never erred would be broken too.
    expect(cell.seen.promised.fail).toBeGreaterThan(50);
    expect(cell.seen.off.pass).toBeGreaterThan(50);
  });

  test('the optimum needs fewer requests, by less than a tenth at the promise, and pays for gross errors', () => {
    const { ours, reference, optimum } = cell;
    if (!optimum) throw new Error('no optimum');
    expect(ours.promised).toBeLessThan(reference.promised);
    expect(optimum.promised).toBeLessThan(ours.promised);
    expect(optimum.promised).toBeGreaterThan(0.9 * ours.promised);
    expect(optimum.half).toBeGreaterThan(1.5 * ours.half);
  });

  test('a look every 1, 10, 500 requests, or at random, keeps the promise', () => {
    const peeked = peek(problem, 5000, 12);
    expect(peeked.flatMap(peekViolations)).toEqual([]);
    for (const { promised, off } of peeked) expect(promised.undecided + off.undecided).toBe(0);
  });
});

test('the regions that are simulated are where the rule decides', () => {
  const rule = gateOf({ share: 0.1, margin: 0.05, error: 0.01 });
  const regions = regionsOf(rule, 4000);
  const runs = 200;
  let [pass, requests] = [0, 0];
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(13, 2 * run);
    let [k, n] = [0, 0];
    do {
      n++;
      if (random() < 0.12) k++;
    } while (rule.decide(k, n) === 'continue');
    if (rule.decide(k, n) === 'pass') pass++;
    requests += n;
  }
  expect(simulate(regions, 0.12, runs, 13)).toMatchObject({ pass, fail: runs - pass, requests: requests / runs });
});

test('the optimal rule has the errors of the promise, and a smaller mean than any gate with them', () => {
  const problem = { share: 0.3, margin: 0.15, error: 0.05 };
  const rule = optimalRule(problem);
  const mean = (of: (truth: number) => number) => 0.5 * of(0.3) + 0.25 * of(0.45) + 0.25 * of(0.15);
  expect(exactly(rule, 0.3).fail).toBeCloseTo(0.05, 2);
  expect(exactly(rule, 0.45).pass).toBeCloseTo(0.05, 2);
  expect(exactly(rule, 0.15).pass).toBeCloseTo(0.05, 2);
  const gate = regionsOf(gateOf(problem), 2000);
  expect(mean((truth) => exactly(rule, truth).expected)).toBeLessThan(mean((truth) => exactly(gate, truth).expected));
});

test.each([
  [0, 10, 0.3, 1],
  [10, 10, 0.5, 2 ** -10],
  [3, 4, 0.5, 5 / 16],
  [1, 1000, 0.001, 1 - 0.999 ** 1000],
])('at least %i of %i at %f has probability %f', (x, n, p, tail) => {
  expect(upperTail(x, n, p)).toBeCloseTo(tail, 12);
});
