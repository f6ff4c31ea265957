/** A count of something among `n` independent draws. */
export interface Count {
  readonly k: number;
  readonly n: number;
}

/**
 * What a comparison may be wrong by: two samples of one distribution, or a sample of the stated one, are called different in one
 * comparison out of 1.7 million. Draws by balancing vary less than independent ones, which makes it rarer still.
 */
const SIGMAS = 5;

/** @returns how a count contradicts a share, in words; undefined: it does not. */
export function contradictsShare({ k, n }: Count, share: number): string | undefined {
  const sigma = Math.sqrt(share * (1 - share) * n);
  const off = Math.abs(k - share * n);
  return off <= SIGMAS * sigma ? undefined : `${k} of ${n} is ${(off / (sigma || 1)).toFixed(1)} sigma from ${share}`;
}

/** @returns how two counts contradict that they are of one share, in words; undefined: they do not. */
export function contradictEachOther(a: Count, b: Count): string | undefined {
  const share = (a.k + b.k) / (a.n + b.n);
  const sigma = Math.sqrt(share * (1 - share) * (1 / a.n + 1 / b.n));
  const off = Math.abs(a.k / a.n - b.k / b.n);
  return off <= SIGMAS * sigma
    ? undefined
    : `${a.k} of ${a.n} and ${b.k} of ${b.n} differ by ${(off / (sigma || 1)).toFixed(1)} sigma`;
}

/** Rows of two ledgers that are not the same, `-` only in the first, `+` only in the second; a row says how often and what. */
export function ledgerDifferences(a: readonly string[], b: readonly string[]): string[] {
  const left = [...b];
  const missing = a.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [...missing.map((row) => `- ${row}`), ...left.map((row) => `+ ${row}`)];
}

/** How often something was counted, of all rows of a ledger that fit. */
export function countOf(ledger: readonly string[], fits: (row: string) => boolean): number {
  return ledger.filter(fits).reduce((sum, row) => sum + Number.parseInt(row, 10), 0);
}
