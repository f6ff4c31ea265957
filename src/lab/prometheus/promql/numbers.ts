/** Ascending, NaN first: the order in which Prometheus takes quantiles. */
export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
    return a === b ? 0 : a < b ? -1 : 1;
  });
}

/** The q-quantile of ascending values by linear interpolation between closest ranks. */
export function quantile(q: number, sorted: readonly number[]): number {
  if (sorted.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const rank = q * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return (sorted[lower] as number) * (1 - weight) + (sorted[upper] as number) * weight;
}

/** Neumaier's compensated sum; infinite sums stay infinite. */
export class CompensatedSum {
  private sum: number;
  private correction = 0;

  constructor(start = 0) {
    this.sum = start;
  }

  add(value: number): void {
    const total = this.sum + value;
    this.correction += Math.abs(this.sum) >= Math.abs(value) ? this.sum - total + value : value - total + this.sum;
    this.sum = total;
  }

  /** Without the correction: what the next step compares with. */
  get raw(): number {
    return this.sum;
  }

  get error(): number {
    return this.correction;
  }

  get value(): number {
    return Math.abs(this.sum) === Number.POSITIVE_INFINITY ? this.sum : this.sum + this.correction;
  }
}
