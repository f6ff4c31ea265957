import type { TimedAnswers } from '../../observe/types.js';
import { PERCENTILES } from '../../scenario/percentiles.js';
import { boundaryRule, quantileRanks } from '../boundary.js';
import { LEAST_BLOCKS, LOOK_MS } from '../bunching.js';
import type { SequentialRule } from '../gate.js';
import { closedOutcome, decidedOutcome, type Outcome, openOutcome } from '../outcome.js';
import { SlowAnswers } from '../slowAnswers.js';
import { boundaryStatistics } from '../statistics.js';
import { goodObservation, responseTimeTally, type Tally } from '../tallies.js';
import type { CheckPlan, CheckResult, Look } from '../types.js';
import { amount, counted, percent, time } from '../words.js';
import { observedShare } from './share.js';

/** More answers than this are not waited for in words: the percentile is too near to its limit. */
const TOO_MANY = 1_000_000;

const ruleOf = (plan: CheckPlan): SequentialRule =>
  boundaryRule({ bound: plan.expected.max ?? 0.5, alpha: plan.alpha, beta: plan.beta });

function tallyOf(plan: CheckPlan, look: Look): Tally | undefined {
  const counts = goodObservation(look, 'client')?.counts;
  return counts && responseTimeTally(counts, plan.name.slice('responseTime:'.length), plan.expected);
}

/**
 * A percentile of the response time is at most a limit, so at most a part of the answers takes longer. Answers of a queue are slow in waves, so
 * they count as fewer, as their variance from look to look tells.
 */
export function limitCheck(plan: CheckPlan): (look: Look) => Outcome | undefined {
  const { percentile = 'p50', limitMs = 0, max = 0.5 } = plan.expected;
  const slow = new SlowAnswers(ruleOf(plan), limitMs);
  const of = plan.version === undefined ? 'answers' : `answers from ${plan.version}`;
  return (look) => {
    const times = goodObservation(look, 'client')?.counts.responseTimes;
    const answers = plan.version === undefined ? times?.all : times?.versions[plan.version];
    const tally = tallyOf(plan, look);
    if (!answers || !tally || tally.total === 0) return undefined;
    slow.look(answers);
    const rule = slow.ruleForThem;
    const responseTime = quantile(answers, PERCENTILES[percentile], rule);
    const observed = { ...observedShare(tally, plan.alpha), responseTime };
    const { value, low, high } = responseTime;
    const between = high === null ? `above ${time(low)}` : `between ${time(low)} and ${time(high)}`;
    const sentence = `${percentile} of ${counted(tally.total, of)} is ${time(value)} (${between})`;
    const promise = `at most ${time(limitMs)} was promised`;
    const part = `${percent(observed.share)} took longer, where ${percent(max)} may`;
    const statistics = boundaryStatistics(plan, rule, tally.count, tally.total, slow.factor);
    if (slow.factor === undefined) {
      const need = Math.max(1, Math.ceil((slow.missingLooks * tally.total * LOOK_MS) / Math.max(LOOK_MS, look.at)));
      const few = `${sentence}; ${promise}, and ${part}; ${counted(slow.missingLooks, 'more looks')} must tell how far answers depend on each other.`;
      const open = openOutcome(few, observed, 1 - slow.missingLooks / LEAST_BLOCKS, need);
      return { ...(look.settled ? closedOutcome(open) : open), statistics };
    }
    return conclude(rule, tally, look.settled, observed, statistics, {
      pass: `${sentence}; ${promise}, and more is excluded at error rate ${percent(plan.beta)}.`,
      fail: `${sentence}; ${promise}: ${part}.`,
      open: `${sentence}; ${promise}, and ${part}${waves(slow.factor)}`,
      unit: 'answers',
    });
  };
}

/** Fewer than these that say as much as one are worth no word. */
const WORTH_A_WORD = 5;

const waves = (factor: number): string =>
  factor < WORTH_A_WORD ? '' : `; answers come in waves, so that about ${amount(factor)} of them say as much as one`;

/** A typical answer of a version takes at most (1 + margin) times as long as one of another. */
export function pairsCheck(plan: CheckPlan): (look: Look) => Outcome | undefined {
  const { than = '', margin = 0 } = plan.expected;
  const rule = ruleOf(plan);
  return (look) => {
    const tally = tallyOf(plan, look);
    if (!tally || tally.total === 0) return undefined;
    const observed = observedShare(tally, plan.alpha);
    const sentence = `In ${amount(tally.count)} of ${counted(tally.total, 'pairs')} of answers ${plan.version} took more than ${percent(margin)} longer than ${than}: ${percent(observed.share)} (between ${percent(observed.low)} and ${percent(observed.high)})`;
    const statistics = boundaryStatistics(plan, rule, tally.count, tally.total);
    return conclude(rule, tally, look.settled, observed, statistics, {
      pass: `${sentence}; less than half is proven at error rate ${percent(plan.beta)}, so ${plan.version} is not slower by more than the margin.`,
      fail: `${sentence}; it is more than half at error rate ${percent(plan.alpha)}, so ${plan.version} is slower than promised.`,
      open: `${sentence}; half of them would be a slowdown by just the margin`,
      unit: 'pairs',
    });
  };
}

interface Sentences {
  readonly pass: string;
  readonly fail: string;
  /** Without its end. */
  readonly open: string;
  readonly unit: string;
}

function conclude(
  rule: SequentialRule,
  { count, total }: Tally,
  settled: boolean,
  observed: NonNullable<CheckResult['observed']>,
  statistics: string,
  sentences: Sentences,
): Outcome {
  const decision = rule.decide(count, total);
  if (decision !== 'continue') return { ...decidedOutcome(decision, sentences[decision], observed), statistics };
  const need = rule.need(count, total);
  const rest =
    need > TOO_MANY
      ? 'so near to the limit that more answers hardly tell'
      : `about ${amount(need)} more ${sentences.unit} are needed`;
  const open = openOutcome(`${sentences.open}; ${rest}.`, observed, rule.progress(count, total), need);
  return { ...(settled ? closedOutcome(open) : open), statistics };
}

/** The value at the quantile's rank and its confidence sequence, on the bounds of buckets: the true interval lies within. */
function quantile(
  { total, buckets }: TimedAnswers,
  q: number,
  rule: SequentialRule,
): NonNullable<NonNullable<CheckResult['observed']>['responseTime']> {
  const ranks = quantileRanks(rule, total);
  return {
    value: bucketOf(buckets, Math.max(1, Math.ceil(q * total))).to,
    low: ranks.low === 0 ? 0 : bucketOf(buckets, ranks.low).from,
    high: ranks.high > total ? null : bucketOf(buckets, ranks.high).to,
  };
}

/** Bounds, ms, of the bucket that holds the value of this rank, from 1. */
function bucketOf(buckets: TimedAnswers['buckets'], rank: number): { readonly from: number; readonly to: number } {
  let [seen, from] = [0, 0];
  for (const { upTo, count } of buckets) {
    seen += count;
    if (seen >= rank) return { from, to: upTo };
    from = upTo;
  }
  return { from, to: from };
}
