import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Random, seededRandom } from '../../src/base/random.js';
import { agreementOf, lnStickiness, stickiness } from '../../src/judge/unit/agreement.js';
import { Dispersion } from '../../src/judge/unit/dispersion.js';
import { lnDifference, type Part, standouts } from '../../src/judge/unit/homogeneity.js';
import { explainedByLatency, leastRequestShares } from '../../src/judge/unit/latencyDrift.js';

const RUNS = 400;
const ALPHA = 0.01;

/** Runs in which `alarms` says yes; each run has a stream of its own. */
const alarmsOf = (runs: number, alarms: (random: Random) => boolean): number =>
  Array.from({ length: runs }, (_, run) => alarms(seededRandom(97, run))).filter(Boolean).length;

const binomial = (n: number, p: number, random: Random): number => {
  let k = 0;
  for (let i = 0; i < n; i++) if (random() < p) k++;
  return k;
};

describe('pairs of answers on a connection', () => {
  // Reached with every pair agreeing: 1000 after 13 pairs at 50 %, after 48 at 10 %.
  test.each([
    [0.5, 13],
    [0.1, 48],
  ])('at a share of %d full stickiness is refuted at 1/1000 after %d pairs', (p, pairs) => {
    expect(lnStickiness(pairs, pairs, agreementOf(p))).toBeGreaterThanOrEqual(Math.log(1000));
    expect(lnStickiness(pairs - 1, pairs - 1, agreementOf(p))).toBeLessThan(Math.log(1000));
  });

  it('independent draws agree as often as p^2 + (1-p)^2 says', () => {
    expect([agreementOf(0.5), agreementOf(0.1), agreementOf(0)]).toEqual([0.5, expect.closeTo(0.82), 1]);
  });

  const watched = (share: number, sticky: boolean, random: Random, connections = 20, requests = 60) => {
    const held = Array.from({ length: connections }, () => random() < share);
    let [pairs, agreeing, k, n] = [0, 0, 0, 0];
    const last = [...held];
    for (let step = 0; step < requests; step++) {
      for (let c = 0; c < connections; c++) {
        const now = sticky ? (held[c] as boolean) : random() < share;
        if (step > 0) {
          pairs++;
          if (now === last[c]) agreeing++;
        }
        last[c] = now;
        n++;
        if (now) k++;
      }
      if (stickiness({ pairs, agreeing }, { k, n }, ALPHA).verdict === 'sticky') return true;
    }
    return false;
  };

  it.each([0.1, 0.5])('takes no independent draws of %d for sticky ones, however often it looks', (share) => {
    expect(alarmsOf(100, (random) => watched(share, false, random))).toBeLessThanOrEqual(1);
  });

  it.each([0.1, 0.5])('finds stickiness at %d, unless all connections show one version', (share) => {
    const found = alarmsOf(60, (random) => watched(share, true, random));
    // (1 - share)^20 of the runs have no second version at all.
    expect(found).toBeGreaterThanOrEqual(60 * (1 - (1 - share) ** 20) * 0.85);
  });

  it('says that draws are made anew only where that is plain', () => {
    const seen = { k: 100, n: 1000 };
    expect(stickiness({ pairs: 900, agreeing: 740 }, seen, ALPHA).verdict).toBe('drawn');
    expect(stickiness({ pairs: 10, agreeing: 8 }, seen, ALPHA).verdict).toBe('unknown');
    expect(stickiness({ pairs: 0, agreeing: 0 }, seen, ALPHA).verdict).toBe('unknown');
    // Connections that end at three proxies, one of them with 50 % instead of 10 %, agree in 71 % of the pairs instead of 64 %.
    const mixed = stickiness({ pairs: 9000, agreeing: 6420 }, { k: 2333, n: 10_000 }, ALPHA);
    expect(mixed).toMatchObject({ verdict: 'drawn', most: expect.closeTo(0.65, 1) });
    expect(stickiness({ pairs: 900, agreeing: 900 }, { k: 0, n: 1000 }, ALPHA).verdict).toBe('unknown');
  });
});

describe('dispersion of counts per look', () => {
  const watched = (block: (random: Random) => readonly [k: number, n: number], random: Random, blocks = 60) => {
    const dispersion = new Dispersion();
    let [k, n] = [0, 0];
    let [under, over] = [false, false];
    for (let index = 0; index < blocks; index++) {
      const [more, of] = block(random);
      k += more;
      n += of;
      dispersion.look(k, n);
      under ||= dispersion.lnUnder >= Math.log(1 / ALPHA);
      over ||= dispersion.lnOver >= Math.log(1 / ALPHA);
    }
    return { under, over, ratio: dispersion.ratio };
  };
  const sizes = (random: Random) => 30 + Math.floor(random() * 300);

  it.each([0.02, 0.1, 0.5])('raises no alarm at independent draws of %d, in either direction', (share) => {
    const draws = (random: Random) => {
      const n = sizes(random);
      return [binomial(n, share, random), n] as const;
    };
    const outcomes = Array.from({ length: RUNS }, (_, run) => watched(draws, seededRandom(5, run), 40));
    // 4 are expected at most; 12 or more happen once in 2000 such tests.
    expect(outcomes.filter(({ under }) => under).length).toBeLessThan(12);
    expect(outcomes.filter(({ over }) => over).length).toBeLessThan(12);
    const mean = outcomes.reduce((sum, { ratio }) => sum + (ratio ?? 0), 0) / RUNS;
    expect(mean).toBeGreaterThan(0.95);
    expect(mean).toBeLessThan(1.05);
  });

  it('knows alternation by nearly no variance', () => {
    const half = (random: Random) => {
      const n = sizes(random);
      return [n % 2 === 0 || random() < 0.5 ? Math.floor(n / 2) : Math.ceil(n / 2), n] as const;
    };
    const { under, over, ratio } = watched(half, seededRandom(1), 20);
    expect({ under, over }).toEqual({ under: true, over: false });
    expect(ratio).toBeLessThan(0.05);
  });

  it('knows requests that stay together by too much variance', () => {
    const grouped = (random: Random) => {
      const groups = Math.ceil(sizes(random) / 10);
      return [10 * binomial(groups, 0.1, random), 10 * groups] as const;
    };
    const found = Array.from({ length: 50 }, (_, run) => watched(grouped, seededRandom(3, run), 30));
    expect(found.filter(({ over }) => over).length).toBeGreaterThan(45);
    expect(found.filter(({ under }) => under).length).toBe(0);
  });

  it('is the same whatever empty looks lie in between, and says nothing of a version that never answers', () => {
    const [once, often] = [new Dispersion(), new Dispersion()];
    for (let look = 1; look < 30; look++) {
      const [k, n] = [7 * look + (look % 3), 70 * look];
      once.look(k, n);
      for (let again = 0; again < 3; again++) often.look(k, n);
    }
    expect(often).toEqual(once);
    const silent = new Dispersion();
    for (let look = 1; look < 30; look++) silent.look(0, 100 * look);
    expect(silent.ratio).toBeUndefined();
    expect(silent.lnUnder).toBeLessThanOrEqual(0);
    expect(silent.lnOver).toBeLessThanOrEqual(0);
  });

  it('is at most what the definition gives by brute force over all shares', () => {
    const counts = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 40, max: 60 })), {
      minLength: 2,
      maxLength: 8,
    });
    const lnFactorial = (n: number) => Array.from({ length: n }, (_, i) => Math.log(i + 1)).reduce((a, b) => a + b, 0);
    fc.assert(
      fc.property(counts, (blocks) => {
        const dispersion = new Dispersion();
        let [k, n] = [0, 0];
        let alternatives = [2, 5, 20, 100].map(() => 0);
        let choose = 0;
        for (const [index, [more, of]] of blocks.entries()) {
          if (index > 0) {
            const centre = of * ((k + 0.5) / (n + 1));
            choose += lnFactorial(of) - lnFactorial(more) - lnFactorial(of - more);
            alternatives = alternatives.map((sum, alternative) => {
              const variance = [2, 5, 20, 100][alternative]! * centre * (1 - centre / of);
              const weight = (at: number) => Math.exp(-((at - centre) ** 2) / (2 * variance));
              let whole = 0;
              for (let at = Math.floor(centre) - 2000; at <= centre + 2000; at++) whole += weight(at);
              return sum + Math.log(weight(more) / whole);
            });
          }
          k += more;
          n += of;
          dispersion.look(k, n);
        }
        const rest = { k: k - blocks[0]![0], n: n - blocks[0]![1] };
        let best = Number.NEGATIVE_INFINITY;
        for (let p = 0.0005; p < 1; p += 0.001) {
          best = Math.max(best, rest.k * Math.log(p) + (rest.n - rest.k) * Math.log(1 - p));
        }
        const mean = Math.log(alternatives.reduce((sum, each) => sum + Math.exp(each), 0) / 4);
        const slow = mean - choose - best;
        expect(dispersion.lnOver).toBeLessThanOrEqual(slow + 1e-6);
        expect(dispersion.lnOver).toBeGreaterThan(slow - 0.05);
      }),
      { seed: 11, numRuns: 60 },
    );
  });
});

describe('proxies that draw differently', () => {
  const part = (name: string, count: number, total: number): Part => ({ name, count, total });
  const even = Array.from({ length: 5 }, (_, index) => part(`p${index}`, 95 + index * 3, 1000));

  test.each([
    ['proxies that draw alike are not told apart', even, []],
    ['one that is stale is named', [...even.slice(0, 4), part('stale', 500, 1000)], ['stale']],
    ['two that are stale are both named', [...even, part('x', 500, 1000), part('y', 480, 1000)], ['x', 'y']],
    [
      'of two that differ only from each other, the one off the promise',
      [part('a', 100, 1000), part('b', 500, 1000)],
      ['b'],
    ],
    ['a proxy that sent nothing is left alone', [...even, part('idle', 0, 0)], []],
    ['one proxy has nobody to differ from', [part('alone', 500, 1000)], []],
    ['a version that nobody reaches tells nothing', [part('a', 0, 1000), part('b', 0, 1000)], []],
    ['a few requests decide nothing', [part('a', 1, 8), part('b', 4, 8)], []],
  ] as const)('%s', (_says, parts, names) => {
    expect(standouts(parts, 1e-4, 0.1).map(({ name }) => name)).toEqual(names);
  });

  it('names nobody when all draw alike, looked at all the time', () => {
    const wrong = alarmsOf(RUNS, (random) => {
      const counts = [0, 0, 0];
      for (let n = 1; n <= 150; n++) {
        for (let p = 0; p < 3; p++) if (random() < 0.1) counts[p] = (counts[p] as number) + 1;
        if (
          standouts(
            counts.map((count, index) => part(`p${index}`, count, n)),
            ALPHA,
            0.1,
          ).length > 0
        )
          return true;
      }
      return false;
    });
    expect(wrong).toBeLessThan(12);
  });

  it('has evidence that is an average of at most 1 over all counts, for every common share', () => {
    const choose = (n: number, k: number) => {
      let value = 1;
      for (let i = 0; i < k; i++) value = (value * (n - i)) / (i + 1);
      return value;
    };
    for (const p of [0.05, 0.3, 0.5]) {
      let mean = 0;
      for (let a = 0; a <= 12; a++) {
        for (let b = 0; b <= 20; b++) {
          const chance = choose(12, a) * p ** a * (1 - p) ** (12 - a) * choose(20, b) * p ** b * (1 - p) ** (20 - b);
          mean += chance * Math.exp(lnDifference(part('a', a, 12), part('b', b, 20)));
        }
      }
      expect(mean).toBeLessThanOrEqual(1);
    }
  });
});

describe('least requests and latency', () => {
  const sides = (meanMs: number, otherMeanMs: number, pods = 1, otherPods = 1) => ({
    pods,
    otherPods,
    meanMs,
    otherMeanMs,
  });
  const seen = (share: number) => ({ share, low: share - 0.02, high: share + 0.02 });

  test.each([
    ['25 ms against 5 ms: between 50 and 25 %', sides(25, 5), 0.5, 0.25],
    ['equal latencies move nothing', sides(5, 5), 0.5, 0.5],
    ['6 ms against 5 ms: 45.5 % when busy', sides(6, 5), 0.5, 5 / 11],
    ['the faster one gets at most 75 %', sides(1, 100), 0.5, 0.75],
    ['one pod beside three', sides(20, 5, 1, 3), 0.25, 1 / 13],
  ])('%s', (_says, both, idle, saturated) => {
    const shares = leastRequestShares(both);
    expect(shares.idle).toBeCloseTo(idle, 12);
    expect(shares.saturated).toBeCloseTo(saturated, 12);
  });

  test.each([
    ['32 % is explained when v2 takes 25 ms and v1 5 ms', 0.32, sides(25, 5), true],
    ['68 % is not: that is the wrong way', 0.68, sides(25, 5), false],
    ['10 % is beyond what the balancer can do', 0.1, sides(25, 5), false],
    ['32 % is not explained by equal latencies', 0.32, sides(5, 5), false],
  ])('%s', (_says, share, both, explained) => expect(explainedByLatency(seen(share), both)).toBe(explained));
});
