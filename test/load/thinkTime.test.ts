import { describe, expect, it, test } from 'vitest';
import { RandomStreams } from '../../src/base/random.js';
import { millis } from '../../src/base/units.js';
import { drawThinkTime, startSpan } from '../../src/load/workload/thinkTime.js';
import type { ThinkTime } from '../../src/scenario/types.js';
import { meanThinkTimeMs } from '../../src/scenario/workload.js';
import { parseStages, parseThinkTime } from '../../src/scenario/workload-text.js';

test.each([
  ['0', { kind: 'constant', ms: 0 }],
  ['100ms', { kind: 'constant', ms: 100 }],
  ['constant:1s', { kind: 'constant', ms: 1000 }],
  ['100ms..2s', { kind: 'uniform', minMs: 100, maxMs: 2000 }],
  ['uniform:100ms,2s', { kind: 'uniform', minMs: 100, maxMs: 2000 }],
  ['exponential:1.5s', { kind: 'exponential', meanMs: 1500 }],
  ['lognormal:800ms,0.5', { kind: 'lognormal', medianMs: 800, sigma: 0.5 }],
  ['lognormal:1s,p95=1s', { kind: 'lognormal', medianMs: 1000, sigma: 0 }],
  ['2s..100ms', undefined],
  ['100', undefined],
  ['uniform:100ms', undefined],
  ['exponential:1s,2s', undefined],
  ['lognormal:800ms', undefined],
  ['lognormal:0,1', undefined],
  ['lognormal:800ms,2.1', undefined],
  ['lognormal:800ms,p95=700ms', undefined],
  ['normal:1s', undefined],
  ['25h', undefined],
  ['1s..2s..3s', undefined],
  ['', undefined],
])('%j means the think time %j', (text, expected) => {
  expect(parseThinkTime(text)).toEqual(expected);
});

test('sigma follows from the 95th percentile', () => {
  // qnorm(0.95) = 1.6448536
  const think = parseThinkTime('lognormal:1s,p95=5s');
  expect(think).toMatchObject({ medianMs: 1000, sigma: expect.closeTo(Math.log(5) / 1.6448536, 6) });
});

test.each([
  [
    '30s:100,1m:500',
    [
      { ms: 30_000, to: 100 },
      { ms: 60_000, to: 500 },
    ],
  ],
  [
    ' 0s:5 , 1s:0.5',
    [
      { ms: 0, to: 5 },
      { ms: 1000, to: 0.5 },
    ],
  ],
  ['30s', undefined],
  ['30s:', undefined],
  ['30:5', undefined],
  ['30s:-1', undefined],
  ['30s:1,', undefined],
  ['25h:1', undefined],
])('%j means the stages %j', (text, expected) => {
  expect(parseStages(text)).toEqual(expected);
});

/** With the greatest possible pause where there is one, and the standard deviation of the distribution. */
const DISTRIBUTIONS: readonly [ThinkTime, number, number][] = [
  [{ kind: 'constant', ms: millis(300) }, 300, 0],
  [{ kind: 'uniform', minMs: millis(100), maxMs: millis(2000) }, 2000, 1900 / Math.sqrt(12)],
  [{ kind: 'exponential', meanMs: millis(500) }, 5000, 500],
  [
    { kind: 'lognormal', medianMs: millis(800), sigma: 0.5 },
    800 * Math.exp(2),
    800 * Math.exp(0.125) * Math.sqrt(Math.exp(0.25) - 1),
  ],
];

describe.each(DISTRIBUTIONS)('a think time %j', (think, longest, deviation) => {
  const count = 40_000;
  const random = new RandomStreams(5, [1, 2]);
  const draws = Array.from({ length: count }, () => drawThinkTime(think, random, 0)).sort((a, b) => a - b);

  it('has its mean, to 5 standard errors, and never exceeds its longest', () => {
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / count;
    expect(Math.abs(mean - meanThinkTimeMs(think))).toBeLessThanOrEqual((5 * deviation) / Math.sqrt(count) + 1e-9);
    expect(draws[0]).toBeGreaterThanOrEqual(0);
    expect(draws[count - 1]).toBeLessThanOrEqual(longest + 1e-9);
  });

  it('has its quantiles (Kolmogorov and Smirnov, 1 in 10^4)', () => {
    if (think.kind === 'constant') return;
    const distance = Math.max(
      ...draws.map((draw, index) => Math.abs(distribution(think, draw) - (index + 0.5) / count)),
    );
    expect(distance * Math.sqrt(count)).toBeLessThan(2.23);
  });

  it('spreads the first requests over more than half and at most its longest', () => {
    expect(startSpan(think)).toBeGreaterThanOrEqual(meanThinkTimeMs(think));
    expect(startSpan(think)).toBeLessThanOrEqual(longest);
  });
});

/** Probability of a pause of at most `ms`, from the textbook. */
function distribution(think: ThinkTime, ms: number): number {
  switch (think.kind) {
    case 'constant':
      return ms >= think.ms ? 1 : 0;
    case 'uniform':
      return (ms - think.minMs) / (think.maxMs - think.minMs);
    case 'exponential':
      return 1 - Math.exp(-ms / think.meanMs);
    case 'lognormal':
      return normal(Math.log(ms / think.medianMs) / think.sigma);
  }
}

/** Standard normal distribution function by its series at 0, which suffices to |z| = 6. */
function normal(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 1; Math.abs(term) > 1e-16; k++) {
    term *= (-z * z) / (2 * k);
    sum += term / (2 * k + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}
