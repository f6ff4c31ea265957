import type { RandomStreams } from '../../base/random.js';
import type { ThinkTime } from '../../scenario/types.js';
import { meanThinkTimeMs } from '../../scenario/workload.js';

/** An exponential pause is at most so many means long, as TPC-C (clause 5.2.5.4) allows: 1 draw in 22,026 is cut. */
const LONGEST_MEANS = 10;
/** The multiples of it, modulo 1, are evenly spread however many are taken: 1 / golden ratio. */
const EVEN_STEP = 0.6180339887498949;
/** A lognormal pause is at most so many sigmas above its median: 1 draw in 31,574 is cut. */
const LARGEST_Z = 4;

/**
 * One pause between an answer and the same user's next request, in ms.
 * @param user whose generator is drawn from: once, for a lognormal pause twice, for a constant one not at all.
 */
export function drawThinkTime(think: ThinkTime, random: RandomStreams, user: number): number {
  switch (think.kind) {
    case 'constant':
      return think.ms;
    case 'uniform':
      return think.minMs + (think.maxMs - think.minMs) * random.next(user);
    case 'exponential':
      return think.meanMs * Math.min(LONGEST_MEANS, -Math.log1p(-random.next(user)));
    case 'lognormal': {
      // Box and Muller (1958): a standard normal from two uniform draws.
      const radius = Math.sqrt(-2 * Math.log1p(-random.next(user)));
      const z = radius * Math.cos(2 * Math.PI * random.next(user));
      return think.medianMs * Math.exp(think.sigma * Math.min(LARGEST_Z, z));
    }
  }
}

/** The span in ms over which users who come together ask for the first time: the longest pause, or twice the mean where there is no longest. */
export function startSpan(think: ThinkTime): number {
  return think.kind === 'uniform' ? think.maxMs : think.kind === 'constant' ? think.ms : 2 * meanThinkTimeMs(think);
}

/** Where in the span a user asks for the first time, 0..1: even over all users, however many they are. @param rotation drawn once for all. */
export function startFraction(rotation: number, user: number): number {
  const turn = rotation + user * EVEN_STEP;
  return turn - Math.floor(turn);
}
