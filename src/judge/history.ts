import { goodObservation } from './tallies.js';
import type { Look } from './types.js';

/** Cumulative counts of one look. */
export interface TimedCounts {
  /** ms since the window opened. */
  readonly at: number;
  readonly versions: Readonly<Record<string, number>>;
  /** Calls that reached no version. */
  readonly lost: number;
}

/** How the counts of a window came about. */
export interface WindowHistory {
  /** Wall clock, ms since the epoch. */
  readonly openedAt: number;
  /** In the order of the looks, those left out in which nothing was counted. */
  readonly counts: readonly TimedCounts[];
}

/** Looks that are kept; of more, every second one is dropped. */
const MOST = 1024;

/** Keeps what the source proxies counted, look by look, in bounded memory. */
export class HistoryKeeper {
  private counts: TimedCounts[] = [];

  look(look: Look): void {
    const counts = goodObservation(look, 'source')?.counts;
    if (!counts) return;
    const versions = Object.fromEntries(Object.entries(counts.versions).map(([name, { total }]) => [name, total]));
    const now = { at: look.at, versions, lost: counts.unknown.total };
    const last = this.counts.at(-1);
    // Between two scrapes nothing is new.
    if (last && total(last) === total(now)) return;
    this.counts.push(now);
    if (this.counts.length > MOST) this.counts = this.counts.filter((_, index) => index % 2 === 0);
  }

  /** @param openedAt wall clock of the window's opening */
  history(openedAt: number): WindowHistory {
    return { openedAt, counts: [...this.counts] };
  }
}

const total = ({ versions, lost }: TimedCounts): number =>
  Object.values(versions).reduce((sum, count) => sum + count, lost);

export interface ShareChange {
  /** Between these two looks, ms since the window opened. */
  readonly after: number;
  readonly before: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Where a version's share most likely changed: the split of the window whose two binomials explain the counts best. Told only when the
 * likelihood ratio exceeds what one share would reach at any of the looks with probability alpha (Wilks' theorem and a union bound:
 * 2 ln LR > 2 ln(looks/alpha), which a chi-square of one degree exceeds more rarely than alpha/looks).
 */
export function shareChange({ counts }: WindowHistory, version: string, alpha: number): ShareChange | undefined {
  const last = counts.at(-1);
  if (!last || counts.length < 3) return undefined;
  const tally = (of: TimedCounts) => ({
    k: of.versions[version] ?? 0,
    n: Object.values(of.versions).reduce((sum, each) => sum + each, 0),
  });
  const whole = tally(last);
  let best: { gain: number; change: ShareChange } | undefined;
  for (const [index, here] of counts.slice(0, -1).entries()) {
    const left = tally(here);
    const right = { k: whole.k - left.k, n: whole.n - left.n };
    if (left.n <= 0 || right.n <= 0 || right.k < 0) continue;
    const gain = 2 * (logLikelihood(left) + logLikelihood(right) - logLikelihood(whole));
    if (best && gain <= best.gain) continue;
    const change = {
      after: here.at,
      before: (counts[index + 1] as TimedCounts).at,
      from: left.k / left.n,
      to: right.k / right.n,
    };
    best = { gain, change };
  }
  return best && best.gain > 2 * Math.log(counts.length / alpha) ? best.change : undefined;
}

/** Of the share that explains k of n best. */
function logLikelihood({ k, n }: { k: number; n: number }): number {
  const term = (count: number) => (count > 0 ? count * Math.log(count / n) : 0);
  return term(k) + term(n - k);
}
