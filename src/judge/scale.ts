import { divergence, insideUnit } from './numerics.js';

/** About the 99.99 % quantile of a gate's requests under the promise: 4 to 5 times Wald's bound in all tabulated cases. */
export function roughCap(share: number, margin: number, beta: number): number {
  const slowest = Math.min(
    divergence(share, insideUnit(share + margin)),
    divergence(share, insideUnit(share - margin)),
  );
  return (-5 * Math.log(beta)) / slowest;
}
