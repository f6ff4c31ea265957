import { LatencyHistogram } from './latency.js';
import type { ResponseTimeData, TimedAnswersData } from './loadRun.js';
import type { ResponseTimeCounts, ResponseTimeWatch, TimedAnswers } from './types.js';

/**
 * Response times of a counting window against limits that were given before the load started: how many answers took longer is counted as
 * they end, so that no verdict has to be read out of a histogram. Nothing is allocated per answer.
 */
export class ResponseTimes {
  readonly #watch: ResponseTimeWatch;
  readonly #all: Subject;
  readonly #versions: ReadonlyMap<string, Subject>;
  readonly #pairs: readonly Pairing[];

  constructor(watch: ResponseTimeWatch) {
    this.#watch = watch;
    this.#all = new Subject(watch.limits);
    this.#versions = new Map(watch.versions.map((version) => [version, new Subject(watch.limits)]));
    this.#pairs = watch.pairs.map((pair) => new Pairing(pair));
  }

  /** @param version undefined: the answer does not tell, or there was none in time. */
  record(ms: number, version: string | undefined): void {
    this.#all.record(ms);
    if (version === undefined) return;
    this.#versions.get(version)?.record(ms);
    for (const pair of this.#pairs) pair.record(ms, version);
  }

  /** Begins a new window. */
  reset(): void {
    this.#all.reset();
    for (const subject of this.#versions.values()) subject.reset();
    for (const pair of this.#pairs) pair.reset();
  }

  data(): ResponseTimeData {
    return {
      limits: this.#watch.limits,
      all: this.#all.data(),
      versions: Object.fromEntries([...this.#versions].map(([version, subject]) => [version, subject.data()])),
      pairs: this.#pairs.map((pair) => pair.counts()),
    };
  }
}

/** What a judge reads of the books. */
export function responseTimeCounts({ limits, all, versions, pairs }: ResponseTimeData): ResponseTimeCounts {
  const answers = ({ over, histogram }: TimedAnswersData): TimedAnswers => {
    const { count: total, buckets } = LatencyHistogram.of(histogram).summary();
    return {
      total,
      over: Object.fromEntries(limits.map((limit, index) => [String(limit), over[index] ?? 0])),
      buckets,
    };
  };
  return {
    all: answers(all),
    versions: Object.fromEntries(Object.entries(versions).map(([version, data]) => [version, answers(data)])),
    pairs,
  };
}

/** Answers of one kind. */
class Subject {
  readonly #limits: readonly number[];
  readonly #over: Float64Array;
  readonly #histogram = new LatencyHistogram();

  constructor(limits: readonly number[]) {
    this.#limits = limits;
    this.#over = new Float64Array(limits.length);
  }

  record(ms: number): void {
    this.#histogram.record(ms);
    for (let i = 0; i < this.#limits.length; i++) {
      if (ms > (this.#limits[i] as number)) this.#over[i] = (this.#over[i] as number) + 1;
    }
  }

  reset(): void {
    this.#over.fill(0);
    this.#histogram.reset();
  }

  data(): TimedAnswersData {
    return { over: [...this.#over], histogram: this.#histogram.data() };
  }
}

/**
 * Compares two versions answer by answer: the answers of both are taken two by two in the order in which they ended, and those two that come
 * from different versions are a pair. Whichever times were drawn, each order of the two versions was then equally likely, so that under "no
 * slower" the candidate's is the longer one in at most half of the pairs, also when all answers become slower for a while.
 */
class Pairing {
  readonly #pair: ResponseTimeWatch['pairs'][number];
  #slower = 0;
  #total = 0;
  /** The first of two; undefined: the next answer is. */
  #waiting: string | undefined;
  #waitingMs = 0;

  constructor(pair: ResponseTimeWatch['pairs'][number]) {
    this.#pair = pair;
  }

  record(ms: number, version: string): void {
    const { candidate, baseline, margin } = this.#pair;
    if (version !== candidate && version !== baseline) return;
    if (this.#waiting === undefined) {
      this.#waiting = version;
      this.#waitingMs = ms;
      return;
    }
    if (this.#waiting !== version) {
      const candidateMs = version === candidate ? ms : this.#waitingMs;
      const allowedMs = (version === candidate ? this.#waitingMs : ms) * (1 + margin);
      // Equal times speak for neither side.
      if (candidateMs !== allowedMs) this.#total++;
      if (candidateMs > allowedMs) this.#slower++;
    }
    this.#waiting = undefined;
  }

  reset(): void {
    this.#slower = 0;
    this.#total = 0;
    this.#waiting = undefined;
  }

  counts(): ResponseTimeCounts['pairs'][number] {
    return { ...this.#pair, slower: this.#slower, total: this.#total };
  }
}
