import type { SequentialRule } from './gate.js';

/** How a rule behaves when the true share is `share` and every request is looked at. */
export interface OperatingCharacteristics {
  readonly pass: number;
  readonly fail: number;
  /** Mean number of requests until the decision. */
  readonly expected: number;
  /** Smallest n by which the rule has decided with probability at least q in [0, 1 - 1e-6]. */
  quantile(q: number): number;
  /** Probabilities of having passed and failed by request n. */
  decidedBy(n: number): { readonly pass: number; readonly fail: number };
}

/** Probability mass that may be left undecided when the computation ends. */
const REST = 1e-8;

/**
 * Exact operating characteristics by forward dynamic programming over (n, k): the mass of every undecided k moves on by one request, the mass
 * that enters a deciding region is taken out. Regions are intervals in k (every term of the evidence is log-convex in k), their edges move by
 * at most a few k a step and are followed by pointers.
 * @param share the true share, 0..1; @param limit gives up after so many requests; the mass left then counts as undecided.
 */
export function operatingCharacteristics(
  rule: SequentialRule,
  share: number,
  limit = 2_000_000,
): OperatingCharacteristics {
  const edges = new Edges(rule);
  const passBy: number[] = [0];
  const failBy: number[] = [0];
  let mass = new Float64Array(1024);
  mass[0] = 1;
  let [low, high, pass, fail, expected, left] = [0, 0, 0, 0, 0, 1];
  for (let n = 1; n <= limit && left > REST; n++) {
    expected += left;
    if (high + 2 > mass.length) {
      const larger = new Float64Array(mass.length * 2);
      larger.set(mass);
      mass = larger;
    }
    mass[high + 1] = 0;
    for (let k = high + 1; k > low; k--) mass[k] = (mass[k] as number) * (1 - share) + (mass[k - 1] as number) * share;
    mass[low] = (mass[low] as number) * (1 - share);
    high++;
    edges.advance(n);
    const take = (from: number, to: number): number => {
      let sum = 0;
      for (let k = Math.max(from, low); k <= Math.min(to, high); k++) {
        sum += mass[k] as number;
        mass[k] = 0;
      }
      return sum;
    };
    fail += take(low, edges.failLow) + take(edges.failHigh, high);
    pass += take(edges.passLow, edges.passHigh);
    while (low < high && (mass[low] as number) === 0) low++;
    while (high > low && (mass[high] as number) === 0) high--;
    left = 1 - pass - fail;
    passBy.push(pass);
    failBy.push(fail);
  }
  const at = (n: number) => Math.max(0, Math.min(passBy.length - 1, Math.floor(n)));
  const decidedBy = (n: number) => ({ pass: passBy[at(n)] as number, fail: failBy[at(n)] as number });
  return {
    pass,
    fail,
    expected,
    decidedBy,
    quantile(q) {
      let [from, to] = [0, passBy.length - 1];
      while (from < to) {
        const middle = (from + to) >> 1;
        const decided = decidedBy(middle);
        if (decided.pass + decided.fail >= q) to = middle;
        else from = middle + 1;
      }
      return from;
    },
  };
}

/** The edges of the deciding regions at the current n; empty regions lie outside 0..n. */
export class Edges {
  failLow = -1;
  failHigh = 1;
  passLow = 1;
  passHigh = 0;
  private best = 0;
  private readonly rule: SequentialRule;

  constructor(rule: SequentialRule) {
    this.rule = rule;
  }

  advance(n: number): void {
    const { rule } = this;
    const centre = Math.min(n, Math.floor(rule.promised * n));
    while (this.failLow < centre && rule.fails(this.failLow + 1, n)) this.failLow++;
    while (this.failLow >= 0 && !rule.fails(this.failLow, n)) this.failLow--;
    this.failHigh = Math.min(this.failHigh, n + 1);
    while (this.failHigh <= n && !rule.fails(this.failHigh, n)) this.failHigh++;
    while (this.failHigh > centre + 1 && rule.fails(this.failHigh - 1, n)) this.failHigh--;
    this.followPass(n);
  }

  /** Climbs to the k with the strongest support (support is concave in k) and widens from there. */
  private followPass(n: number): void {
    const { rule } = this;
    while (this.best < n && rule.lnSupport(this.best + 1, n) > rule.lnSupport(this.best, n)) this.best++;
    while (this.best > 0 && rule.lnSupport(this.best - 1, n) > rule.lnSupport(this.best, n)) this.best--;
    if (!rule.passes(this.best, n)) {
      this.passLow = n + 1;
      this.passHigh = -1;
      return;
    }
    this.passLow = Math.min(this.passLow, this.best);
    this.passHigh = Math.max(this.passHigh, this.best);
    while (this.passLow > 0 && rule.passes(this.passLow - 1, n)) this.passLow--;
    while (!rule.passes(this.passLow, n)) this.passLow++;
    while (this.passHigh < n && rule.passes(this.passHigh + 1, n)) this.passHigh++;
    while (!rule.passes(this.passHigh, n)) this.passHigh--;
  }
}
