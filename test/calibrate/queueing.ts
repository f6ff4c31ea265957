import { seededRandom } from '../../src/base/random.js';
import { atOdds, boundaryRule } from '../../src/judge/boundary.js';
import { Bunching, deflated } from '../../src/judge/bunching.js';
import type { SequentialRule } from '../../src/judge/gate.js';
import { upperTail } from './binomial.js';

/** What a limit of a percentile says of answers that come from a queue. */
export interface QueueingCell {
  readonly percentile: string;
  /** Part of its time in which the server works; 0: answers do not wait for each other. */
  readonly busy: number;
  /** Half as many answers exceed the limit as may, and twice as many (in odds). */
  readonly half: Said;
  readonly twice: Said;
  /** The same, every answer taken as independent of the others. */
  readonly naive: { readonly half: Said; readonly twice: Said };
}

interface Said {
  readonly runs: number;
  readonly pass: number;
  readonly fail: number;
  /** Mean number of answers until the verdict, or until the run ended without one. */
  readonly answers: number;
}

/** Error rate of the promise, either way. */
const ERROR = 0.01;
/** Answers between two looks, and looks after which a run ends: 20,000 answers. */
const LOOK = 100;
const LOOKS = 200;
const BUSY = [0, 0.5, 0.7, 0.8, 0.9] as const;
const PERCENTILES = [
  ['p95', 0.05],
  ['p99', 0.01],
] as const;

/**
 * Response times, in mean service times, of one server with Poisson arrivals and exponential service (M/M/1), in the stationary state: a waiting
 * time follows from the one before (Lindley 1952), and a response time is exponential with mean 1/(1 - busy).
 */
function responseTimes(busy: number, random: () => number): () => number {
  const exponential = () => -Math.log(1 - random());
  if (busy === 0) return exponential;
  let wait = random() < busy ? exponential() / (1 - busy) : 0;
  return () => {
    const time = wait + exponential();
    wait = Math.max(0, time - exponential() / busy);
    return time;
  };
}

/** One run until its verdict. @param limit, @param middle in mean service times. */
function decide(next: () => number, limit: number, middle: number, rule: SequentialRule, naive: boolean) {
  const bunching = new Bunching();
  let [k, m] = [0, 0];
  for (let n = LOOK; n <= LOOK * LOOKS; n += LOOK) {
    for (let i = 0; i < LOOK; i++) {
      const time = next();
      if (time > limit) k++;
      if (time > middle) m++;
    }
    bunching.look([k, m], n);
    const { factor } = bunching;
    const asked = naive ? rule : factor === undefined ? undefined : deflated(rule, factor);
    const decision = asked?.decide(k, n) ?? 'continue';
    if (decision !== 'continue') return { decision, n };
  }
  return { decision: 'continue' as const, n: LOOK * LOOKS };
}

export const queueingCells = (runs: number, seed: number): QueueingCell[] =>
  PERCENTILES.flatMap(([percentile, bound]) => BUSY.map((busy) => queueingCell(percentile, bound, busy, runs, seed)));

/** @param bound largest part of the answers that may take longer than the limit. */
export function queueingCell(
  percentile: string,
  bound: number,
  busy: number,
  runs: number,
  seed: number,
): QueueingCell {
  const rule = boundaryRule({ bound, alpha: ERROR, beta: ERROR });
  const scale = 1 - busy;
  const said = (odds: number, stream: number, naive: boolean): Said => {
    let [pass, fail, answers] = [0, 0, 0];
    for (let run = 0; run < runs; run++) {
      const next = responseTimes(busy, seededRandom(seed + stream, run));
      const limit = -Math.log(atOdds(bound, odds)) / scale;
      const { decision, n } = decide(next, limit, Math.LN2 / scale, rule, naive);
      if (decision === 'pass') pass++;
      if (decision === 'fail') fail++;
      answers += n;
    }
    return { runs, pass, fail, answers: answers / runs };
  };
  return {
    percentile,
    busy,
    half: said(1 / 2, 1, false),
    twice: said(2, 2, false),
    naive: { half: said(1 / 2, 1, true), twice: said(2, 2, true) },
  };
}

/** Up to this a service is promised of; see the page for what is measured beyond. */
const PROMISED_UP_TO = 0.8;
/** A count this unusual would be seen once in a million tables. */
const UNUSUAL = 1e-6;

export const queueingViolations = (cells: readonly QueueingCell[]): string[] =>
  cells
    .filter(({ busy }) => busy <= PROMISED_UP_TO)
    .flatMap(({ percentile, busy, half, twice }) => [
      ...(upperTail(half.fail, half.runs, ERROR) > UNUSUAL
        ? []
        : [`${percentile} at ${busy}: ${half.fail} fails in ${half.runs} runs`]),
      ...(upperTail(twice.pass, twice.runs, ERROR) > UNUSUAL
        ? []
        : [`${percentile} at ${busy}: ${twice.pass} passes in ${twice.runs} runs`]),
    ]);
