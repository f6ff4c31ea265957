import { lnBeta } from '../../src/judge/numerics.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A straight line through points, and how steep it may really be. */
export interface Trend {
  readonly slope: number;
  /** The slope is below this with the given confidence, one-sided. */
  readonly upper: number;
}

/**
 * Least squares, with Student's bound on the slope: slope + t(confidence, n - 2) * s / sqrt(sum (x - mean)^2), s^2 the residuals' variance.
 * The bound supposes independent errors of one size; `binned` makes them so.
 * @param points at least three, not all at one x.
 * @throws RangeError when there are too few.
 */
export function trend(points: readonly Point[], confidence: number): Trend {
  const n = points.length;
  const mean = (of: (point: Point) => number) => points.reduce((sum, point) => sum + of(point), 0) / n;
  const x0 = mean(({ x }) => x);
  const y0 = mean(({ y }) => y);
  const spread = points.reduce((sum, { x }) => sum + (x - x0) ** 2, 0);
  if (n < 3 || !(spread > 0)) throw new RangeError(`a trend needs three points at different places, got ${n}`);
  const slope = points.reduce((sum, { x, y }) => sum + (x - x0) * (y - y0), 0) / spread;
  const residuals = points.reduce((sum, { x, y }) => sum + (y - y0 - slope * (x - x0)) ** 2, 0);
  const deviation = Math.sqrt(residuals / (n - 2) / spread);
  return { slope, upper: slope + studentQuantile(confidence, n - 2) * deviation };
}

/**
 * The median of every `width` of x, at its middle: neighbouring readings of one process' memory are alike, and garbage collection makes
 * spikes; medians over a longer time are neither. A last bin that is not full is left out.
 */
export function binned(points: readonly Point[], width: number): Point[] {
  const bins = new Map<number, number[]>();
  for (const { x, y } of points) {
    const bin = Math.floor(x / width);
    bins.set(bin, [...(bins.get(bin) ?? []), y]);
  }
  const end = Math.max(...points.map(({ x }) => x));
  return [...bins]
    .filter(([bin]) => (bin + 1) * width <= end + width / 100)
    .map(([bin, values]) => ({ x: (bin + 0.5) * width, y: median(values) }));
}

/** @param values at least one */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}

const STEPS = 100;

/** The value below which Student's t with `freedom` degrees lies with probability `p` >= 1/2; by bisection, to 1e-9. */
export function studentQuantile(p: number, freedom: number): number {
  let low = 0;
  let high = 1;
  while (studentBetween0And(high, freedom) < p - 0.5) high *= 2;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (studentBetween0And(middle, freedom) < p - 0.5) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(0 < T < t): Simpson's rule over the angle of t / sqrt(freedom), on which the density is a power of the cosine. */
function studentBetween0And(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const step = angle / STEPS;
  let sum = 1 + Math.cos(angle) ** (freedom - 1);
  for (let i = 1; i < STEPS; i++) sum += (i % 2 === 1 ? 4 : 2) * Math.cos(i * step) ** (freedom - 1);
  return (sum * step) / 3 / Math.exp(lnBeta(freedom / 2, 0.5));
}
