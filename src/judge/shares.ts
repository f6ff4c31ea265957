import { anytimePValue, type Interval } from './confidence.js';
import type { CountsVerdict } from './counts.js';
import { cleanRequestsNeeded } from './dark.js';
import type { Decision, SequentialRule } from './gate.js';
import { lnDirichletRatio, shareIntervals } from './multinomial.js';
import { logSumExp } from './numerics.js';
import { ruleFor } from './requirements.js';
import { amount, list, percent } from './words.js';

export interface SharesPromise {
  /** Promised share by version, each in 0..1, together 1; a share of 0 is judged by the dark rule. */
  readonly shares: Readonly<Record<string, number>>;
  /** Largest harmless deviation of each share, > 0. */
  readonly margin: number;
  /** Probability of a wrong verdict, either way, over all looks. */
  readonly errorRate: number;
  /** What 0 % certifies. */
  readonly absence: number;
}

export interface SharesVerdict extends Omit<CountsVerdict, 'share'> {
  readonly shares: Readonly<Record<string, { readonly observed: number } & Interval>>;
}

/**
 * Judges cumulative counts of several versions against promised shares as one claim. It fails when an average of e-processes reaches
 * 1/errorRate: half its weight is a Dirichlet-multinomial mixture (any wrong division), the other half the gates of the single shares; an average
 * of e-processes is one, so nothing is split. It passes when every single share does: a wrong division passes no more often than its worst share.
 * The first request of a version that was promised none refutes.
 */
export function judgeShares({
  shares,
  margin,
  errorRate,
  absence,
}: SharesPromise): (counts: Readonly<Record<string, number>>) => SharesVerdict {
  const names = Object.keys(shares);
  const given = names.filter((name) => (shares[name] as number) > 0);
  const none = names.filter((name) => shares[name] === 0);
  const promised = given.map((name) => shares[name] as number);
  const single = given.length === 1;
  const gates = single
    ? []
    : promised.map((share) => ruleFor({ kind: 'gate', share, margin, alpha: errorRate, beta: errorRate }));
  const needed = none.length > 0 || single ? cleanRequestsNeeded(absence, errorRate) : 0;
  const promise = list(names.map((name) => `${name} ${percent(shares[name] as number)}`));

  return (counts) => {
    const at = (name: string) => counts[name] ?? 0;
    const n = names.reduce((total, name) => total + at(name), 0);
    const intervals = shareIntervals(names.map(at), errorRate);
    const seen = Object.fromEntries(
      names.map((name, j) => [name, { observed: n === 0 ? 0 : at(name) / n, ...(intervals[j] as Interval) }]),
    );
    if (n === 0) return { verdict: 'no-data', shares: seen, pValue: 1, reason: 'No request was counted.' };
    const k = given.map(at);
    const lnE = single ? 0 : jointEvidence(gates, k, promised, n);
    const stray = none.find((name) => at(name) > 0);
    const pValue = stray === undefined ? anytimePValue(lnE) : 0;
    const result = (decision: Decision, text: string): SharesVerdict => ({
      verdict: decision === 'continue' ? 'inconclusive' : decision,
      shares: seen,
      pValue,
      reason: `${observed(names, at, seen, n)}; ${text}`,
    });
    if (stray !== undefined) return result('fail', `${stray} was promised nothing and got ${amount(at(stray))}.`);
    if (lnE >= -Math.log(errorRate)) {
      const worst = furthest(gates, k, n);
      return result(
        'fail',
        `${promise} was promised and is refuted at error rate ${percent(errorRate)}, most by ${given[worst]}.`,
      );
    }
    if (n >= needed && gates.every((gate, j) => gate.passes(k[j] as number, n))) {
      const excluded = [
        ...(single ? [] : ['shares beyond the margin']),
        ...(needed > 0 ? [`${percent(absence)} or more where none was promised`] : []),
      ];
      return result(
        'pass',
        `${promise} was promised, and ${list(excluded)} is excluded at error rate ${percent(errorRate)}.`,
      );
    }
    const need = Math.max(
      needed - n,
      ...gates.map((gate, j) => (gate.passes(k[j] as number, n) ? 0 : gate.need(k[j] as number, n))),
    );
    return result(
      'continue',
      `that neither confirms nor refutes ${promise}; about ${amount(need)} more requests are needed.`,
    );
  };
}

function jointEvidence(
  gates: readonly SequentialRule[],
  k: readonly number[],
  promised: readonly number[],
  n: number,
): number {
  const single = gates.map((gate, j) => gate.lnEvidence(k[j] as number, n) - Math.log(2 * gates.length));
  return logSumExp([lnDirichletRatio(k, promised) - Math.LN2, ...single]);
}

/** The version whose share speaks most against the promise. */
function furthest(gates: readonly SequentialRule[], k: readonly number[], n: number): number {
  const evidence = gates.map((gate, j) => gate.lnEvidence(k[j] as number, n));
  return evidence.indexOf(Math.max(...evidence));
}

const observed = (
  names: readonly string[],
  at: (name: string) => number,
  seen: SharesVerdict['shares'],
  n: number,
): string =>
  `of ${amount(n)} ${list(
    names.map((name) => {
      const { observed: share, low, high } = seen[name] as { observed: number } & Interval;
      return `${name} got ${amount(at(name))}: ${percent(share)} (between ${percent(low)} and ${percent(high)})`;
    }),
  )}`;
