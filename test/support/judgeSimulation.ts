import { seededRandom } from '../../src/base/random.js';
import { shareGate } from '../../src/judge/gate.js';

export interface Simulation {
  readonly share: number;
  readonly margin: number;
  readonly truth: number;
  readonly error: number;
  readonly runs: number;
  readonly seed: number;
  /** Requests between two looks; default 1. */
  readonly every?: number;
}

/** Runs in which independent draws of `truth` are refuted, looked at until decided. */
export const alarmsOf = (simulation: Simulation): number =>
  outcomes(simulation).filter((each) => each === 'fail').length;

/** Runs in which independent draws of `truth` pass. */
export const missesOf = (simulation: Simulation): number =>
  outcomes(simulation).filter((each) => each === 'pass').length;

function outcomes({ share, margin, truth, error, runs, seed, every = 1 }: Simulation): string[] {
  const gate = shareGate({ share, margin, alpha: error, beta: error });
  return Array.from({ length: runs }, (_, run) => {
    const random = seededRandom(seed, run);
    let [k, n] = [0, 0];
    for (;;) {
      for (let i = 0; i < every; i++) {
        n++;
        if (random() < truth) k++;
      }
      const decision = gate.decide(k, n);
      if (decision !== 'continue') return decision;
    }
  });
}
