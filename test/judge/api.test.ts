import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorCeiling, judgeCounts, judgeShares, passThreshold, shareGate } from '../../src/index.js';

test('the package judges counts without anything else of it', () => {
  const promise = { share: 0.1, margin: 0.03, beta: 1e-4 };
  const gate = shareGate({ ...promise, alpha: 1e-4, passAt: passThreshold(promise) });
  expect(gate.decide(402, 1601)).toBe('fail');
  expect(judgeCounts({ share: 0.1, margin: 0.03, errorRate: 1e-4, absence: 0.01 })(402, 1601).verdict).toBe('fail');
});

/** Batches of requests per version, and the looks that are taken after some of them. */
const batches = fc.array(fc.tuple(fc.nat(60), fc.nat(60), fc.nat(60), fc.boolean()), { minLength: 1, maxLength: 40 });

test('the same looks give the same verdicts, however the requests between them came in batches and in whatever order', () => {
  const rules = {
    gate: shareGate({ share: 0.3, margin: 0.1, alpha: 0.01, beta: 0.01 }),
    quiet: shareGate({ share: 0.3, margin: 0.1, alpha: 0.01, beta: 0.01, quiet: 0.02 }),
    ceiling: errorCeiling({ max: 0.2, alpha: 0.01, beta: 0.01, absence: 0.01 }),
  };
  const shares = judgeShares({ shares: { a: 0.3, b: 0.3, c: 0.4 }, margin: 0.1, errorRate: 0.01, absence: 0.01 });
  const said = (looks: readonly (readonly [number, number, number])[]) =>
    looks.map(([a, b, c]) => {
      const n = a + b + c;
      return [...Object.values(rules).map((rule) => rule.decide(a, n)), shares({ a, b, c })];
    });
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 7 }), (given, chunk) => {
      const looks: [number, number, number][] = [];
      let at: [number, number, number] = [0, 0, 0];
      for (const [a, b, c, look] of given) {
        at = [at[0] + a, at[1] + b, at[2] + c];
        if (look) looks.push(at);
      }
      // The rules have meanwhile been asked at every few requests in between, and afterwards backwards.
      const between = looks.flatMap(([a, b, c]) =>
        Array.from({ length: chunk }, (_, i): [number, number, number] => [
          Math.floor((a * i) / chunk),
          Math.floor((b * i) / chunk),
          Math.floor((c * i) / chunk),
        ]),
      );
      const first = said(looks);
      said(between);
      expect(said(looks)).toEqual(first);
      expect(said([...looks].reverse()).reverse()).toEqual(first);
    }),
    { seed: 20_24, numRuns: 200 },
  );
});
