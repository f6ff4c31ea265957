import { insideUnit } from './numerics.js';
import { roughCap } from './scale.js';

/** Problems whose rough cap is beyond this keep Ville's threshold: their exact one would take seconds. */
const EXACT_UP_TO = 60_000;
/** Mass that is no longer followed counts as a pass, so that what is left out errs to the safe side. */
const NEGLIGIBLE = 1e-18;

export interface PassOptions {
  /** Promised share in (0,1). */
  readonly share: number;
  /** Deviation that must be caught, > 0. */
  readonly margin: number;
  /** Largest probability of a pass although the share is off by the margin or more, in (0,1). */
  readonly beta: number;
}

const memo = new Map<string, number>();

/**
 * Nats of support that a gate's pass takes, so that a share off by the margin or more passes with probability at most beta however often it is
 * looked at. Ville's inequality gives ln(1/beta); a pass needs the likelihood ratios against *both* margins, which makes it rarer, so a smaller
 * threshold does. It is found by the exact probability of ever entering the pass region with a look at every request and no fail in between, which
 * bounds every other schedule of looks, and whose worst case is the margin itself: where LR(p0 : p1) >= 1, k lies below the line at which
 * LR(p : p1) = 1 for every p beyond p1, so each way into the region is less likely under p than under p1.
 */
export function passThreshold({ share, margin, beta }: PassOptions): number {
  const ville = -Math.log(beta);
  if (roughCap(share, margin, beta) > EXACT_UP_TO) return ville;
  const key = `${share} ${margin} ${beta}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const miss = (passAt: number) =>
    Math.max(
      ...[share + margin, share - margin]
        .filter((truth) => truth > 0 && truth < 1)
        .map((truth) => everPasses(share, margin, passAt, truth)),
      0,
    );
  const threshold = smallest(miss, ville, beta);
  memo.set(key, threshold);
  return threshold;
}

/** Smallest threshold found with `miss <= beta`; ln(miss) falls about as the threshold grows. */
function smallest(miss: (passAt: number) => number, from: number, beta: number): number {
  let kept = from;
  let keptMiss = miss(from);
  let refused: { at: number; miss: number } | undefined;
  for (let step = 0; step < 6 && keptMiss > 0 && keptMiss < 0.995 * beta; step++) {
    const wanted = Math.log((0.998 * beta) / keptMiss);
    const slope = refused ? Math.log(refused.miss / keptMiss) / (kept - refused.at) : 1;
    const next = kept - wanted / slope;
    if (!(next > 0) || (refused && next <= refused.at)) break;
    const nextMiss = miss(next);
    if (nextMiss <= beta) [kept, keptMiss] = [next, nextMiss];
    else refused = { at: next, miss: nextMiss };
  }
  return kept;
}

/**
 * Probability that counts of independent draws of `truth` ever lie in the pass region of a gate: forward dynamic programming over (n, k) with the
 * region as the only exit. Ends when what is left can enter it with probability below 1e-12.
 */
export function everPasses(share: number, margin: number, passAt: number, truth: number): number {
  const above = insideUnit(share + margin);
  const below = insideUnit(share - margin);
  // LR(share : above) = n a - k b, LR(share : below) = k d - n c.
  const a = Math.log1p(-share) - Math.log1p(-above);
  const b = Math.log(above / share) + a;
  const c = Math.log1p(-below) - Math.log1p(-share);
  const d = Math.log(share / below) + c;
  const harmful = truth > share;
  const support = (k: number, n: number) => (harmful ? n * a - k * b : k * d - n * c);
  let mass = new Float64Array(4096);
  mass[0] = 1;
  let [low, high, passed] = [0, 0, 0];
  for (let n = 1; ; n++) {
    if (high + 2 > mass.length) {
      const larger = new Float64Array(mass.length * 2);
      larger.set(mass);
      mass = larger;
    }
    mass[high + 1] = 0;
    for (let k = high + 1; k > low; k--) mass[k] = (mass[k] as number) * (1 - truth) + (mass[k - 1] as number) * truth;
    mass[low] = (mass[low] as number) * (1 - truth);
    high++;
    const first = Math.max(low, Math.ceil((passAt + n * c) / d - 1e-7));
    const last = Math.min(high, Math.floor((n * a - passAt) / b + 1e-7));
    for (let k = first; k <= last; k++) {
      passed += mass[k] as number;
      mass[k] = 0;
    }
    // By Ville's inequality mass at k enters the region with probability at most exp(support - passAt).
    const chance = (k: number) => (mass[k] as number) * Math.min(1, Math.exp(support(k, n) - passAt));
    while (low <= high && chance(low) < NEGLIGIBLE) passed += chance(low++);
    while (high >= low && chance(high) < NEGLIGIBLE) passed += chance(high--);
    if (low > high) return passed;
    if (n % 64 === 0) {
      let rest = 0;
      for (let k = low; k <= high; k++) rest += chance(k);
      if (rest < 1e-12) return passed + rest;
    }
  }
}
