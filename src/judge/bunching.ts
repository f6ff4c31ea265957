import type { SequentialRule } from './gate.js';

/** Between two looks of a run, ms. */
export const LOOK_MS = 500;
/** How much answers depend on each other can be told from so many looks on. */
export const LEAST_BLOCKS = 16;
/** The variance is an estimate from few blocks; so much more is taken. Chosen by simulation, see docs/calibration.md. */
export const ALLOWANCE = 1.5;

interface Block {
  readonly counts: readonly number[];
  readonly n: number;
}

/**
 * How many answers of a queue say as much as one that is independent of the others. Waits come in waves, so the counts of a stretch of time
 * vary more than binomial ones; their variance over the binomial one is that number (the design effect; batch means, Fishman 1978). It is taken
 * from 16 to 31 blocks of whole looks, which grow as looks come, and of several counts the largest: answers above a limit alone would tell of no
 * wave before the first has come. O(1) a look.
 */
export class Bunching {
  private blocks: Block[] = [];
  private open: Block | undefined;
  private looksInOpen = 0;
  private looksInBlock = 1;
  private last: Block | undefined;

  /** What was counted before does not matter. */
  begin(counts: readonly number[], n: number): void {
    this.last = { counts, n };
  }

  /** @param counts of n answers, each a count of its own, all cumulative. A look without a new answer is none. */
  look(counts: readonly number[], n: number): void {
    const more = subtract({ counts, n }, this.last);
    if (more.n <= 0) return;
    this.last = { counts, n };
    this.open = this.open ? add(this.open, more) : more;
    if (++this.looksInOpen < this.looksInBlock) return;
    this.blocks.push(this.open);
    this.open = undefined;
    this.looksInOpen = 0;
    if (this.blocks.length < 2 * LEAST_BLOCKS) return;
    this.blocks = Array.from({ length: LEAST_BLOCKS }, (_, index) =>
      add(this.blocks[2 * index] as Block, this.blocks[2 * index + 1] as Block),
    );
    this.looksInBlock *= 2;
  }

  /** Looks that are still missing. */
  get missing(): number {
    return Math.max(0, LEAST_BLOCKS - this.blocks.length);
  }

  /** Answers that count as one, 1 or more; undefined as long as it cannot be told. */
  get factor(): number | undefined {
    if (this.missing > 0) return undefined;
    const ratios = (this.last?.counts ?? []).map((_, index) => this.ratio(index));
    return Math.max(1, ALLOWANCE * Math.max(...ratios));
  }

  private ratio(index: number): number {
    const counted = this.blocks.map(({ counts, n }) => ({ k: counts[index] as number, n }));
    const [k, n] = [counted.reduce((sum, block) => sum + block.k, 0), counted.reduce((sum, block) => sum + block.n, 0)];
    const p = (k + 0.5) / (n + 1);
    const squares = counted.reduce((sum, block) => sum + (block.k - p * block.n) ** 2 / (block.n * p * (1 - p)), 0);
    return squares / (this.blocks.length - 1);
  }
}

const add = (one: Block, other: Block): Block => ({
  counts: one.counts.map((count, index) => count + (other.counts[index] as number)),
  n: one.n + other.n,
});

const subtract = (now: Block, before: Block | undefined): Block =>
  before
    ? { counts: now.counts.map((count, index) => count - (before.counts[index] as number)), n: now.n - before.n }
    : now;

/** A rule on answers of which `factor` say as much as one. */
export function deflated(rule: SequentialRule, factor: number): SequentialRule {
  return {
    ...rule,
    decide: (k, n) => rule.decide(k / factor, n / factor),
    fails: (k, n) => rule.fails(k / factor, n / factor),
    passes: (k, n) => rule.passes(k / factor, n / factor),
    lnEvidence: (k, n) => rule.lnEvidence(k / factor, n / factor),
    lnSupport: (k, n) => rule.lnSupport(k / factor, n / factor),
    progress: (k, n) => rule.progress(k / factor, n / factor),
    need: (k, n) => Math.ceil(rule.need(k / factor, n / factor) * factor),
  };
}
