import type { Percentile, ResponseTimeLimits } from './types.js';

/** What a percentile's name means. */
export const PERCENTILES = {
  p50: 0.5,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p999: 0.999,
} as const satisfies Record<Percentile, number>;

/** Percentile and its largest value, ms, in rising order of the percentiles. */
export const limitEntries = (limits: ResponseTimeLimits): [Percentile, number][] =>
  (Object.keys(PERCENTILES) as Percentile[]).flatMap((name) => {
    const ms = limits[name];
    return ms === undefined ? [] : [[name, ms] as [Percentile, number]];
  });
