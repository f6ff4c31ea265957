import type { Judged } from './matrix.js';
import type { Outcome } from './run.js';
import type { Entry } from './types.js';

/** A cause with its runs. */
export interface EntryRuns {
  readonly entry: Entry;
  readonly outcomes: readonly Outcome[];
}

const codesOf = ({ causes }: Outcome): string[] => causes.map(({ code }) => code);

export function judgedOf(runs: readonly EntryRuns[], healthy: readonly Outcome[]): Judged[] {
  return [
    ...runs.flatMap(({ entry, outcomes }) =>
      outcomes.map((outcome) => ({
        expected: entry.code,
        named: codesOf(outcome),
        afterMs: outcome.namedAfterMs[entry.code],
        gross: entry.gross === true,
      })),
    ),
    ...healthy.map((outcome) => ({ expected: undefined, named: codesOf(outcome), afterMs: undefined, gross: false })),
  ];
}
