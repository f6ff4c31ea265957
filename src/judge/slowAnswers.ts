import type { TimedAnswers } from '../observe/types.js';
import { Bunching, deflated } from './bunching.js';
import type { SequentialRule } from './gate.js';

/** Answers that suffice to choose the middle. */
const ENOUGH = 5;

/**
 * Answers above a limit, look by look, with what they say when they depend on each other: a rule for independent answers is asked with fewer.
 * Waves are told by the answers above the middle too, of which there are many.
 */
export class SlowAnswers {
  private readonly rule: SequentialRule;
  private readonly limitMs: number;
  private readonly bunching = new Bunching();
  private middleMs: number | undefined;

  /** @param rule for independent answers. */
  constructor(rule: SequentialRule, limitMs: number) {
    this.rule = rule;
    this.limitMs = limitMs;
  }

  /** Answers up to now are not looked at. */
  begin(answers: TimedAnswers): void {
    const counts = this.countsOf(answers);
    if (counts) this.bunching.begin(counts, answers.total);
  }

  /** @param answers cumulative. */
  look(answers: TimedAnswers): void {
    const counts = this.countsOf(answers);
    if (counts) this.bunching.look(counts, answers.total);
  }

  private countsOf({ total, over, buckets }: TimedAnswers): number[] | undefined {
    if (this.middleMs === undefined && total < ENOUGH) return undefined;
    this.middleMs ??= middleOf(buckets, total);
    return [over[String(this.limitMs)] ?? 0, above(buckets, this.middleMs)];
  }

  /** Looks that are still missing before anything can be decided. */
  get missingLooks(): number {
    return this.bunching.missing;
  }

  /** Answers that say as much as one; undefined as long as that cannot be told. */
  get factor(): number | undefined {
    return this.bunching.factor;
  }

  /** The rule for these answers; as long as their factor is not known, the one for independent answers, which must not decide. */
  get ruleForThem(): SequentialRule {
    const { factor } = this;
    return factor === undefined ? this.rule : deflated(this.rule, factor);
  }
}

function middleOf(buckets: TimedAnswers['buckets'], total: number): number {
  let [seen, from] = [0, 0];
  for (const { upTo, count } of buckets) {
    seen += count;
    if (2 * seen >= total) return (from + upTo) / 2;
    from = upTo;
  }
  return from;
}

/** About how many answers took longer; of the bucket in which `ms` lies, its part. */
function above(buckets: TimedAnswers['buckets'], ms: number): number {
  let [sum, from] = [0, 0];
  for (const { upTo, count } of buckets) {
    if (from >= ms) sum += count;
    else if (upTo > ms) sum += (count * (upTo - ms)) / (upTo - from);
    from = upTo;
  }
  return sum;
}
