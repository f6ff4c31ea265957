import { seededRandom } from '../../src/base/random.js';
import { gateOf } from './cells.js';

/** What a rule says about one stream: green or red, and the requests it took. */
interface Said {
  readonly green: boolean;
  readonly requests: number;
}

/** Draws the next request: true when v2 answered. */
type Draw = () => boolean;

interface Competitor {
  readonly name: string;
  readonly judge: (draw: Draw) => Said;
}

/** The promised share, and what every rule is asked to tolerate. */
export const PROMISED = 0.1;
const TOLERANCE = 0.05;

const within = (k: number, n: number, tolerance = TOLERANCE): boolean => Math.abs(k / n - PROMISED) <= tolerance;

function count(draw: Draw, requests: number): number {
  let k = 0;
  for (let i = 0; i < requests; i++) if (draw()) k++;
  return k;
}

/** Fixed number of requests, observed share within the tolerance. */
const fixed = (requests: number, tolerance = TOLERANCE): Competitor => ({
  name: `${requests} requests, within ${tolerance * 100} points`,
  judge: (draw) => ({ green: within(count(draw, requests), requests, tolerance), requests }),
});

/** As the conformance test of the Gateway API judges weights: 500 requests within 5 points, and any of ten tries is enough. */
const bestOfTen: Competitor = {
  name: 'best of ten tries of 500, within 5 points',
  judge(draw) {
    for (let attempt = 1; attempt <= 10; attempt++) {
      if (within(count(draw, 500), 500)) return { green: true, requests: 500 * attempt };
    }
    return { green: false, requests: 5000 };
  },
};

/** A test of significance at 1 %, read again every 100 requests until 10,000. */
const zTest: Competitor = {
  name: 'z-test at 1 %, re-read every 100 of 10,000',
  judge(draw) {
    let k = 0;
    for (let n = 100; n <= 10_000; n += 100) {
      k += count(draw, 100);
      const z = (k / n - PROMISED) / Math.sqrt((PROMISED * (1 - PROMISED)) / n);
      if (Math.abs(z) > 2.5758) return { green: false, requests: n };
    }
    return { green: true, requests: 10_000 };
  },
};

/** A metric of the last 100 requests, read ten times; the last value decides. */
const lastValue: Competitor = {
  name: 'last of ten readings of 100, within 5 points',
  judge(draw) {
    count(draw, 900);
    return { green: within(count(draw, 100), 100), requests: 1000 };
  },
};

/** The same readings; five that are off roll back. */
const fiveStrikes: Competitor = {
  name: 'five of ten readings of 100 off roll back',
  judge(draw) {
    let strikes = 0;
    for (let reading = 1; reading <= 10; reading++) {
      if (!within(count(draw, 100), 100)) strikes++;
      if (strikes === 5) return { green: false, requests: 100 * reading };
    }
    return { green: true, requests: 1000 };
  },
};

function ours(error: number): Competitor {
  return {
    name: `weighbridge, 10 % ± 5 % at ${error * 100} %`,
    judge(draw) {
      // Anew for each stream: a rule keeps what it computed at its last look.
      const rule = gateOf({ share: PROMISED, margin: TOLERANCE, error });
      let k = 0;
      for (let n = 1; ; n++) {
        if (draw()) k++;
        const decision = rule.decide(k, n);
        if (decision !== 'continue') return { green: decision === 'pass', requests: n };
      }
    },
  };
}

const COMPETITORS: readonly Competitor[] = [
  ours(1e-2),
  ours(1e-4),
  fixed(100),
  fixed(1000, 0.03),
  bestOfTen,
  zTest,
  lastValue,
  fiveStrikes,
];

/** True shares that every rule meets: as promised, just as much off as is not tolerable, and more. */
const TRUTHS = [0.1, 0.15, 0.2, 0] as const;

export interface Record {
  readonly name: string;
  /** Per truth: part of the streams judged green, and mean requests. */
  readonly at: readonly { readonly truth: number; readonly green: number; readonly requests: number }[];
}

/** Every rule on the same streams. */
export function compare(runs: number, seed: number): Record[] {
  return COMPETITORS.map(({ name, judge }) => ({
    name,
    at: TRUTHS.map((truth) => {
      let [green, requests] = [0, 0];
      for (let run = 0; run < runs; run++) {
        const random = seededRandom(seed, run);
        const said = judge(() => random() < truth);
        if (said.green) green++;
        requests += said.requests;
      }
      return { truth, green: green / runs, requests: requests / runs };
    }),
  }));
}
