/** What one run was to name, and what it named. */
export interface Judged {
  /** Code of the catalogue; undefined: a healthy run. */
  readonly expected: string | undefined;
  /** Codes in the order in which they were told. */
  readonly named: readonly string[];
  /** ms from the stage's start until the expected code was named; undefined: it was not. */
  readonly afterMs: number | undefined;
  readonly gross: boolean;
}

/** Place of the expected code among the different codes that were named, from 1; undefined: it is not among them. */
export function rankOf({ expected, named }: Pick<Judged, 'expected' | 'named'>): number | undefined {
  const index = [...new Set(named)].indexOf(expected ?? HEALTHY);
  return index < 0 ? undefined : index + 1;
}

export interface Totals {
  /** Runs with a cause. */
  readonly runs: number;
  readonly first: number;
  readonly inThree: number;
  readonly healthy: number;
  /** Healthy runs for which a cause was named. */
  readonly falseCauses: number;
  /** ms until the cause of a gross error was named: the longest; undefined: none was. */
  readonly slowestGrossMs: number | undefined;
  readonly grossMissed: number;
}

export function totalsOf(judged: readonly Judged[]): Totals {
  const caused = judged.filter(({ expected }) => expected !== undefined);
  const healthy = judged.filter(({ expected }) => expected === undefined);
  const ranks = caused.map(rankOf);
  const gross = caused.filter((each) => each.gross);
  const times = gross.flatMap(({ afterMs }) => afterMs ?? []);
  return {
    runs: caused.length,
    first: ranks.filter((rank) => rank === 1).length,
    inThree: ranks.filter((rank) => rank !== undefined && rank <= 3).length,
    healthy: healthy.length,
    falseCauses: healthy.filter(({ named }) => named.length > 0).length,
    slowestGrossMs: times.length > 0 ? Math.max(...times) : undefined,
    grossMissed: gross.length - times.length,
  };
}

/** What a catalogue must reach. */
const GOALS = { first: 0.95, inThree: 1, falseCauses: 0, grossMs: 5000 } as const;

/** Goals that are missed, in words; none is the goal. A goal about runs that were not made is not missed. */
export function missedGoals(totals: Totals): string[] {
  const { runs, first, inThree, healthy, falseCauses, slowestGrossMs, grossMissed } = totals;
  const missed: string[] = [];
  if (first < GOALS.first * runs) missed.push(`named first in ${first} of ${runs} runs, the goal is 95 %`);
  if (inThree < GOALS.inThree * runs)
    missed.push(`among the first three in ${inThree} of ${runs} runs, the goal is all`);
  if (falseCauses > GOALS.falseCauses) missed.push(`a cause was named for ${falseCauses} of ${healthy} healthy runs`);
  if (grossMissed > 0) missed.push(`${grossMissed} gross errors were not named`);
  if ((slowestGrossMs ?? 0) > GOALS.grossMs)
    missed.push(`a gross error took ${slowestGrossMs} ms to its cause, the goal is ${GOALS.grossMs} ms`);
  return missed;
}

/** Expected code -> code that was named first instead (`none`: nothing was) -> how often; only runs that went wrong. */
export function confusions(judged: readonly Judged[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const rows = new Map<string, Map<string, number>>();
  for (const each of judged) {
    const first = each.named[0];
    if (each.expected === first) continue;
    const row = rows.get(each.expected ?? HEALTHY) ?? new Map<string, number>();
    rows.set(each.expected ?? HEALTHY, row);
    row.set(first ?? NONE, (row.get(first ?? NONE) ?? 0) + 1);
  }
  return rows;
}

export const HEALTHY = 'healthy';
export const NONE = 'none';
