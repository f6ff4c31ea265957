import type { CheckResult } from '../../judge/types.js';
import type { SeriesPoint } from '../types.js';

/** The part of 0..1 that a drawing of a share shows. */
export interface Domain {
  readonly low: number;
  readonly high: number;
}

type Expected = CheckResult['expected'];

/** What the check allows: the band around its share, or everything up to its maximum. */
export function allowed({ share, margin, max, absence }: Expected): Domain | undefined {
  if (share !== undefined) {
    const reach = margin ?? absence ?? 0;
    return { low: Math.max(0, share - reach), high: Math.min(1, share + reach) };
  }
  return max === undefined ? undefined : { low: 0, high: max };
}

/** Around the promise and where the evidence ended: early intervals are cut, since they would leave nothing to see of the late ones. */
export function domainOf(expected: Expected, last: Omit<SeriesPoint, 'at'> | undefined): Domain {
  const band = allowed(expected);
  const values = [band?.low, band?.high, last?.share, last?.low, last?.high].filter((value) => value !== undefined);
  if (values.length === 0) return { low: 0, high: 1 };
  const low = Math.min(...values);
  const high = Math.max(...values);
  const pad = Math.max((high - low) * 0.45, (band ? band.high - band.low : 0) * 0.6, 0.002);
  return { low: Math.max(0, low - pad), high: Math.min(1, high + pad) };
}

/** About `wanted` round values within the domain: steps of 1, 2 or 5 times a power of ten. */
export function ticks({ low, high }: Domain, wanted: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= wanted) ?? span;
  const values: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) values.push(n * step);
  return values;
}
