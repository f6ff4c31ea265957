import { lnChoose, logSumExp } from '../numerics.js';

/** Counts of several looks are put together until a block holds so many requests. */
const BLOCK = 25;
/** Alternatives: variance of a block's count as a multiple of the binomial one. Least requests under concurrency is at 1/6, alternation near 0. */
const UNDER = [0.02, 1 / 6, 0.5] as const;
const OVER = [2, 5, 20, 100] as const;

/**
 * Dispersion of a version's counts per look, as they come. Independent draws of one share, whatever it is, make counts binomial; draws that
 * stay together (a connection, a client) make them vary more, alternation and balancing make them vary less.
 *
 * The evidence is an e-process of universal inference (Wasserman, Ramdas, Balakrishnan 2020): the likelihood of discretised normal counts with
 * another variance, around the share seen so far, over the largest likelihood that any single share gives to all blocks as binomial counts.
 * P(it ever reaches 1/alpha) <= alpha for independent draws. O(1) a look.
 */
export class Dispersion {
  private k = 0;
  private n = 0;
  private blocks = 0;
  /** Sum of k_i^2 / n_i. */
  private squares = 0;
  private lnChoose = 0;
  private readonly under = UNDER.map(() => 0);
  private readonly over = OVER.map(() => 0);

  /** @param k of n cumulative counts; counts that went back are left out. */
  look(k: number, n: number): void {
    const [blockK, blockN] = [k - this.k, n - this.n];
    if (blockN < BLOCK || blockK < 0 || blockK > blockN) return;
    if (this.blocks > 0) {
      const centre = blockN * ((this.k + 0.5) / (this.n + 1));
      const variance = centre * (1 - centre / blockN);
      for (const [index, phi] of UNDER.entries()) {
        this.under[index] = (this.under[index] as number) + lnDiscreteNormal(blockK, centre, phi * variance);
      }
      for (const [index, phi] of OVER.entries()) {
        this.over[index] = (this.over[index] as number) + lnDiscreteNormal(blockK, centre, phi * variance);
      }
      this.lnChoose += lnChoose(blockN, blockK);
    } else {
      // The first block only tells the share: its likelihood is the same on both sides.
      this.first = { k: blockK, n: blockN };
    }
    this.squares += (blockK * blockK) / blockN;
    [this.k, this.n] = [k, n];
    this.blocks += 1;
  }

  private first = { k: 0, n: 0 };

  /** Variance of the counts as a multiple of the binomial one: about 1 for independent draws; undefined until it can be told. */
  get ratio(): number | undefined {
    const p = this.k / this.n;
    if (this.blocks < 5 || !(p > 0 && p < 1)) return undefined;
    return (this.squares - p * this.k) / (p * (1 - p)) / (this.blocks - 1);
  }

  /** ln of the evidence that counts vary less than those of independent draws. */
  get lnUnder(): number {
    return this.lnEvidence(this.under);
  }

  /** ln of the evidence that they vary more. */
  get lnOver(): number {
    return this.lnEvidence(this.over);
  }

  private lnEvidence(sums: readonly number[]): number {
    const [k, n] = [this.k - this.first.k, this.n - this.first.n];
    if (n <= 0) return 0;
    const p = k / n;
    const best = (k > 0 ? k * Math.log(p) : 0) + (k < n ? (n - k) * Math.log1p(-p) : 0);
    return logSumExp(sums) - Math.log(sums.length) - this.lnChoose - best;
  }
}

/** ln of a normal density made discrete: at an integer k, over the sum over all integers (so at most a probability on 0..n). */
function lnDiscreteNormal(k: number, centre: number, variance: number): number {
  const exponent = (at: number) => -((at - centre) ** 2) / (2 * variance);
  if (variance >= 1)
    return exponent(k) - 0.5 * Math.log(2 * Math.PI * variance) - 2 * Math.exp(-2 * Math.PI ** 2 * variance);
  const near = Math.round(centre);
  const terms = Array.from({ length: 21 }, (_, index) => exponent(near - 10 + index));
  return exponent(k) - logSumExp(terms);
}
