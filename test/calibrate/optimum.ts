import { divergence, insideUnit } from '../../src/judge/numerics.js';
import { emptyRegions, type Regions } from './simulate.js';

/** Chances and mean length of a rule given by its regions, at one true share. Exact up to the horizon, where the rest counts as undecided. */
export function exactly(regions: Regions, truth: number): { pass: number; fail: number; expected: number } {
  const { horizon, failLow, failHigh, passLow, passHigh } = regions;
  const mass = new Float64Array(horizon + 2);
  mass[0] = 1;
  let [low, high, pass, fail, expected, left] = [0, 0, 0, 0, 0, 1];
  for (let n = 1; n <= horizon && left > 1e-10; n++) {
    expected += left;
    mass[high + 1] = 0;
    for (let k = high + 1; k > low; k--) mass[k] = (mass[k] as number) * (1 - truth) + (mass[k - 1] as number) * truth;
    mass[low] = (mass[low] as number) * (1 - truth);
    high++;
    const take = (from: number, to: number): number => {
      let sum = 0;
      for (let k = Math.max(from, low); k <= Math.min(to, high); k++) {
        sum += mass[k] as number;
        mass[k] = 0;
      }
      return sum;
    };
    fail += take(low, failLow[n] as number) + take(failHigh[n] as number, high);
    pass += take(passLow[n] as number, passHigh[n] as number);
    while (low < high && (mass[low] as number) < 1e-25) low++;
    while (high > low && (mass[high] as number) < 1e-25) high--;
    left = 1 - pass - fail;
  }
  return { pass, fail, expected };
}

export interface Problem {
  readonly share: number;
  readonly margin: number;
  /** Probability of a false alarm, and of a miss at either margin. */
  readonly error: number;
}

/** What counts: the mean requests at the promise, and at each margin. */
const WEIGHTS = { promised: 0.5, off: 0.25 };

/** Prices of a wrong verdict, in requests. */
interface Prices {
  readonly alarm: number;
  readonly missAbove: number;
  readonly missBelow: number;
}

/**
 * The rule with the smallest mean of requests (half at the promise, a quarter at each margin) among all two-sided rules with the same errors: the Bayes rule of a cost per request and a
 * price per wrong verdict (backward induction over (n, k)), with the prices moved until the errors are the promised ones (Lagrange multipliers).
 * @param rounds how often the prices are corrected.
 */
export function optimalRule(problem: Problem, rounds = 9): Regions {
  const { share, margin, error } = problem;
  const [above, below] = [insideUnit(share + margin), insideUnit(share - margin)];
  const scale = 1 / Math.min(divergence(share, above), divergence(share, below));
  const horizon = Math.ceil(-5 * Math.log(error) * scale);
  let prices: Prices = { alarm: (2 * scale) / error, missAbove: scale / error, missBelow: scale / error };
  let regions = induction(problem, prices, horizon);
  for (let round = 0; round < rounds; round++) {
    const factor = (seen: number) => Math.min(4, Math.max(0.25, seen / error));
    // A margin that no share can have is not priced: nobody can miss it.
    const missBelow = share - margin > 0 ? factor(exactly(regions, below).pass) : 1;
    const missAbove = share + margin < 1 ? factor(exactly(regions, above).pass) : 1;
    prices = {
      alarm: prices.alarm * factor(exactly(regions, share).fail),
      missAbove: prices.missAbove * missAbove,
      missBelow: prices.missBelow * missBelow,
    };
    regions = induction(problem, prices, horizon);
  }
  return regions;
}

/** Costs are relative to the promise's own likelihood, so the margins enter by their likelihood ratios. */
function induction({ share, margin }: Problem, prices: Prices, horizon: number): Regions {
  const [above, below] = [insideUnit(share + margin), insideUnit(share - margin)];
  const up = { one: Math.log(above / share), zero: Math.log((1 - above) / (1 - share)) };
  const down = { one: Math.log(below / share), zero: Math.log((1 - below) / (1 - share)) };
  const regions = emptyRegions(horizon);
  // Beyond these lines every continuation costs more than the alarm.
  const certain = Math.log(prices.alarm) + 3;
  const top = (n: number) => Math.min(n, Math.ceil((certain - n * up.zero) / (up.one - up.zero)));
  const bottom = (n: number) => Math.max(0, Math.floor((n * down.zero - certain) / (down.zero - down.one)));
  const size = top(horizon) + 3;
  let later = new Float64Array(size);
  let value = new Float64Array(size);
  for (let n = horizon; n >= 1; n--) {
    const [first, last] = [bottom(n), top(n)];
    const [laterFirst, laterLast] = [bottom(n + 1), top(n + 1)];
    let [failLow, failHigh, passLow, passHigh] = [first - 1, last + 1, n + 1, -1];
    let gainUp = Math.exp(first * up.one + (n - first) * up.zero);
    let gainDown = Math.exp(first * down.one + (n - first) * down.zero);
    const [ratioUp, ratioDown] = [Math.exp(up.one - up.zero), Math.exp(down.one - down.zero)];
    let passed = false;
    for (let k = first; k <= last; k++) {
      const pass = prices.missAbove * gainUp + prices.missBelow * gainDown;
      const stop = Math.min(pass, prices.alarm);
      let next = Number.POSITIVE_INFINITY;
      if (n < horizon) {
        const at = (j: number) => (j < laterFirst || j > laterLast ? prices.alarm : (later[j] as number));
        next = WEIGHTS.promised + WEIGHTS.off * (gainUp + gainDown) + share * at(k + 1) + (1 - share) * at(k);
      }
      value[k] = Math.min(stop, next);
      if (stop <= next) {
        if (pass < prices.alarm) {
          passLow = Math.min(passLow, k);
          passHigh = k;
          passed = true;
        } else if (!passed && k <= share * n) failLow = k;
        else if (k > share * n) failHigh = Math.min(failHigh, k);
      }
      gainUp *= ratioUp;
      gainDown *= ratioDown;
    }
    regions.failLow[n] = failLow;
    regions.failHigh[n] = failHigh;
    regions.passLow[n] = passLow;
    regions.passHigh[n] = passHigh;
    [later, value] = [value, later];
  }
  return regions;
}
