import { formatPercent } from '../../base/units.js';
import { FEWEST, LARGEST_SHARE } from '../health.js';
import { LATE_MS } from './core.js';
import { exitText } from './exits.js';
import type { MergedCounts } from './merge.js';
import type { RunnerState } from './runnerStates.js';
import type { K6EndOfTest } from './summary.js';

export interface Runner extends RunnerState {
  /** What it counted itself; undefined: it did not get to its end, or its log could not be read. */
  readonly own: K6EndOfTest | undefined;
  /** The first error that it printed, when it did not end well. */
  readonly complaint?: string;
  /** In what Prometheus does not hold the same; undefined: there is nothing to compare with. */
  readonly differences: readonly string[] | undefined;
}

/** What a load from the pods of a cluster came to. */
export interface HeavyResult {
  readonly merged: MergedCounts;
  readonly runners: readonly Runner[];
  /** From the start of all runners to the end of the last one, as it was seen. */
  readonly seconds: number;
  /** Why it did not come to its own end; undefined: it did. */
  readonly cut: string | undefined;
}

/** What makes the load no load that a verdict can rest on; empty: it is valid. */
export function invalidBecause({ merged, runners, cut }: HeavyResult): string[] {
  const { counts, late } = merged;
  const wanted = counts.sent + counts.dropped;
  return [
    ...(cut === undefined ? [] : [cut]),
    ...runners.flatMap((runner) => runnerFaults(runner, cut !== undefined)),
    ...(late >= FEWEST && late > LARGEST_SHARE * counts.sent
      ? [
          `${formatPercent(late / counts.sent)} of the requests left more than ${LATE_MS} ms after their think time was over: give the runners more CPU, or take more of them`,
        ]
      : []),
    ...(counts.dropped >= FEWEST && counts.dropped > LARGEST_SHARE * wanted
      ? [
          `${formatPercent(counts.dropped / wanted)} of the arrivals were dropped, because as many requests as --max-in-flight allows were under way`,
        ]
      : []),
  ];
}

/** A process that was ended by a signal leaves its container with 128 and the signal's number. */
const SIGNALS: Readonly<Record<number, NodeJS.Signals>> = { 137: 'SIGKILL', 143: 'SIGTERM' };

function runnerFaults({ index, state, exitCode = 0, reason, complaint, differences = [] }: Runner, stopped: boolean) {
  const who = `runner ${index}`;
  if (state !== 'ended') return [`${who} has not ended (${reason ?? state})`];
  const signal = SIGNALS[exitCode] ?? null;
  const ended = exitText({ code: signal ? null : exitCode, signal }, false);
  // Who was told to stop ends with 103, and the cut has been told already.
  if (ended !== undefined && !stopped) {
    const why = reason && reason !== 'Error' ? ` (${reason})` : '';
    return [`${who}: ${ended}${why}${complaint === undefined ? '' : `: ${complaint}`}`];
  }
  return differences.length === 0 ? [] : [`${who}: Prometheus lacks what it wrote; ${differences.join('; ')}`];
}

/** What is to be known beside the counts. */
export function heavyNotes({ runners }: HeavyResult): string[] {
  const silent = runners.filter(({ state, own }) => state === 'ended' && own === undefined).map(({ index }) => index);
  return silent.length === 0
    ? []
    : [
        `runner ${silent.join(', ')} told no totals of ${silent.length === 1 ? 'its' : 'their'} own: what Prometheus has could not be compared, and may lack the last moments`,
      ];
}
