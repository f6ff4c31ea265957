import { describe, expect, test } from 'vitest';
import { ledgerOf } from '../../src/judge/ledger.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { GoodObservation as Good } from '../../src/judge/tallies.js';
import type { Ledger, Look } from '../../src/judge/types.js';
import type { Stage } from '../../src/scenario/types.js';
import { agreed, look, lost, mirror, saw, scenario, share, stage } from '../support/judge.js';

const canary = stage(share({ v2: 0.1 }));
const mirrorStage = stage({ ...share({ v2: 0 }), ...mirror({ v2: 1 }) });
const books = (promise: Stage, seen: Look): Ledger => ledgerOf(scenario([promise]), promise, seen);
const line = (ledger: Ledger, point: string, account: string) => {
  const found = ledger.lines.find((each) => each.vantagePoint === point && each.account === account);
  if (!found)
    throw new Error(
      `no line ${point} ${account} in ${ledger.lines.map((each) => `${each.vantagePoint} ${each.account}`).join('; ')}`,
    );
  return found;
};
const residuals = (ledger: Ledger) =>
  ledger.lines.filter((each) => each.residual !== 0).map((each) => [each.vantagePoint, each.account, each.residual]);

describe('ledger', () => {
  test('closes when every request is explained at every vantage point of the settled look', () => {
    const ledger = books(canary, agreed(900, 100, true));
    expect(residuals(ledger)).toEqual([]);
    expect(ledger.closed).toBe(true);
  });

  test('is open as long as the look is not settled, or a vantage point is lost', () => {
    expect(books(canary, agreed(900, 100)).closed).toBe(false);
    const seen = agreed(900, 100, true);
    const blind = {
      ...seen,
      observations: seen.observations.map((each) => (each.vantagePoint === 'graph' ? lost('graph') : each)),
    };
    expect(books(canary, blind).closed).toBe(false);
  });

  test('a gateway has no front door: it counts what it sends alone', () => {
    const seen = look(
      [saw('client', { v1: 90 }), saw('source', { v1: 90 }), saw('destination', { v1: 90 }, { frontDoor: 0 })],
      true,
    );
    expect(residuals(books(canary, seen))).toEqual([['destination', 'requests received by webapp', -90]]);
    expect(residuals(ledgerOf(scenario([canary]), canary, seen, true))).toEqual([]);
  });

  test.each([
    {
      says: 'an answer that the client did not sort',
      promise: canary,
      seen: look([saw('client', { v1: 90, v2: 10 }, { unmarked: 20, failed: 3, sent: 125 })], true),
      left: [['client', 'requests sent', 2]],
    },
    {
      says: 'requests that never came to the front door',
      promise: canary,
      seen: look(
        [saw('client', { v1: 90 }), saw('source', { v1: 90 }), saw('destination', { v1: 90 }, { frontDoor: 88 })],
        true,
      ),
      left: [['destination', 'requests received by webapp', -2]],
    },
    {
      says: 'marked answers without a call behind them',
      promise: canary,
      seen: look([saw('client', { v1: 90, v2: 10 }), saw('source', { v1: 90, v2: 7 })], true),
      left: [
        ['source', 'calls by webapp', -3],
        ['source', 'calls to v2', -3],
      ],
    },
    {
      says: 'copies that no stage promised',
      promise: canary,
      seen: look([saw('source', { v1: 90, v2: 10 }), saw('destination', { v1: 90, v2: 100 })], true),
      left: [['destination', 'requests to v2', 90]],
    },
    {
      says: 'calls that vanished between the proxies',
      promise: canary,
      seen: look([saw('source', { v1: 90, v2: 10 }), saw('destination', { v1: 90, v2: 4 })], true),
      left: [['destination', 'requests to v2', -6]],
    },
    {
      says: 'attempts that failed and were repeated explain what the destination has more',
      promise: canary,
      seen: look([saw('source', { v1: 90, v2: [10, 1] }), saw('destination', { v1: 90, v2: [15, 6] })], true),
      left: [],
    },
    {
      says: 'calls that failed on their way explain what the destination has less',
      promise: canary,
      seen: look([saw('source', { v1: 90, v2: [10, 4] }), saw('destination', { v1: 90, v2: [7, 1] })], true),
      left: [],
    },
    {
      says: 'a missing copy of a full mirror',
      promise: mirrorStage,
      seen: look([saw('source', { v1: 100 }), saw('destination', { v1: 100, v2: 99 })], true),
      left: [['destination', 'mirror copies to v2', -1]],
    },
    {
      says: 'a full mirror leaves nothing',
      promise: mirrorStage,
      seen: look([saw('source', { v1: 100 }), saw('destination', { v1: 100, v2: 100 })], true),
      left: [],
    },
    {
      says: 'a partial mirror is drawn by chance, so any number of copies up to the primaries is explained',
      promise: stage(mirror({ v2: 0.35 })),
      seen: look([saw('source', { v1: 100 }), saw('destination', { v1: 100, v2: 41 })], true),
      left: [],
    },
    {
      says: 'nothing when the graph’s rates stretch every version alike',
      promise: canary,
      seen: look([saw('source', { v1: 900, v2: 100 }), saw('graph', { v1: 963.2, v2: 106.9 }, { rounding: 1 })], true),
      left: [],
    },
    {
      says: 'nothing when the graph shows mirror copies like the destination',
      promise: mirrorStage,
      seen: look(
        [
          saw('source', { v1: 1972 }),
          saw('destination', { v1: 1972, v2: 1972 }),
          saw('graph', { v1: 2075.7, v2: 2138 }, { rounding: 1 }),
        ],
        true,
      ),
      left: [],
    },
    {
      says: 'nothing when the rates of a version that began in the window are stretched, and those of the other are not',
      promise: canary,
      seen: look(
        [
          saw('source', { v1: 2399, v2: 250 }),
          saw('graph', { v1: 2397, v2: 278 }, { rounding: 2, extrapolation: 0.22 }),
        ],
        true,
      ),
      left: [],
    },
    {
      says: 'what the graph shows of a version beyond all that rates can be stretched',
      promise: canary,
      seen: look(
        [
          saw('source', { v1: 2399, v2: 250 }),
          saw('graph', { v1: 2397, v2: 320 }, { rounding: 2, extrapolation: 0.22 }),
        ],
        true,
      ),
      left: [['graph', 'requests to v2', 64]],
    },
    {
      says: 'what the graph shows beyond rounding',
      promise: canary,
      seen: look([saw('source', { v1: 900, v2: 100 }), saw('graph', { v1: 880, v2: 120 }, { rounding: 3 })], true),
      left: [
        ['graph', 'requests to v1', -20],
        ['graph', 'requests to v2', 20],
      ],
    },
    {
      says: 'a graph of other traffic',
      promise: canary,
      seen: look(
        [saw('source', { v1: 900, v2: 100 }), saw('graph', { v1: 1800, v2: 200 }, { rounding: 3 })],
        true,
        120_000,
      ),
      left: [
        ['graph', 'requests to v1', 900],
        ['graph', 'requests to v2', 100],
      ],
    },
    {
      says: 'a pod of unknown labels',
      promise: canary,
      seen: look([saw('source', { v1: 90 }), saw('destination', { v1: 90 }, { unknown: 5 })], true),
      left: [['destination', 'requests to no known version', 5]],
    },
  ])('leaves over $says', ({ promise, seen, left }) => {
    expect(residuals(books(promise, seen))).toEqual(left);
  });

  test('names what the calls behind unmarked pages and retries are, and what reached no version', () => {
    const seen = look(
      [
        saw('client', { v1: 90, v2: 10 }, { unmarked: 100, failed: 2 }),
        saw(
          'source',
          { v1: 170, v2: 18 },
          { unknown: [24, 24], responses: { '200 -': 188, '503 UH': 20, '0 DC': 4 }, foreign: { 'other.shop': 7 } },
        ),
      ],
      true,
    );
    const ledger = books(canary, seen);
    expect(line(ledger, 'client', 'requests sent').explanation).toBe(
      '90 answers from v1, 10 answers from v2, 100 unmarked and 2 failed',
    );
    expect(line(ledger, 'source', 'calls by webapp')).toMatchObject({
      count: 212,
      explanation:
        "100 behind marked answers, 112 behind unmarked pages, failed pages and the application's own retries",
    });
    expect(line(ledger, 'source', 'calls that reached no version')).toMatchObject({
      count: 24,
      explanation: '503 UH: 20 and 0 DC: 4',
    });
    expect(line(ledger, 'source', 'requests of other workloads')).toMatchObject({
      count: 7,
      explanation: 'other.shop',
    });
  });

  test('explains a repeated attempt in words', () => {
    const seen = look([saw('source', { v1: 90, v2: [10, 1] }), saw('destination', { v1: 90, v2: [15, 6] })], true);
    expect(line(books(canary, seen), 'destination', 'requests to v2').explanation).toBe(
      '10 calls of the source proxy and 5 attempts that failed and were repeated by the source proxy',
    );
  });

  const part = (ledger: Ledger, point: string, account: string, what: string) =>
    line(ledger, point, account).parts.find((each) => each.what === what);

  test('names every part with all that it can be', () => {
    const seen = look([saw('source', { v1: 90, v2: [10, 2] }), saw('destination', { v1: 90, v2: [15, 7] })], true);
    const ledger = books(canary, seen);
    expect(part(ledger, 'destination', 'requests to v2', 'calls')).toEqual({
      what: 'calls',
      count: 10,
      low: 10,
      high: 10,
    });
    // All seven failures may have been attempts; two of them are more likely the ones that the source reports.
    expect(part(ledger, 'destination', 'requests to v2', 'retries')).toEqual({
      what: 'retries',
      count: 5,
      low: 5,
      high: 7,
    });
    expect(part(ledger, 'destination', 'requests to v2', 'never reached')).toMatchObject({ count: 0, low: 0, high: 2 });
  });

  test('an open window has requests in flight, and no contradiction as long as a scrape may explain it', () => {
    const seen = (at: number, settled = false) =>
      look(
        [saw('client', { v1: 900 }, { sent: 905 }), saw('source', { v1: 1000 }), saw('destination', { v1: 940 })],
        settled,
        at,
      );
    const open = books(canary, seen(20_000));
    expect(part(open, 'client', 'requests sent', 'in flight')).toMatchObject({ count: 5 });
    expect(line(open, 'client', 'requests sent').residual).toBe(0);
    expect(line(open, 'destination', 'requests to v1')).toMatchObject({
      residual: -60,
      residualRange: { low: -1000, high: 880 },
    });
    const long = books(canary, seen(3_000_000));
    expect(line(long, 'destination', 'requests to v1').residualRange).toEqual({ low: -70, high: -50 });
    expect(line(books(canary, seen(20_000, true)), 'destination', 'requests to v1').residualRange).toEqual({
      low: -60,
      high: -60,
    });
  });

  test('the graph draws the calls of others too, and the ledger closes over both', () => {
    const source = saw('source', { v1: 900, v2: 100 }, { foreign: { 'batch.shop': 500 } });
    const others = { ...source, counts: { ...(source as Good).counts, foreignVersions: { v1: 460, v2: 40 } } } as Good;
    const seen = look([others, saw('graph', { v1: 1361, v2: 141 }, { rounding: 3 })], true, 120_000);
    const ledger = books(canary, seen);
    expect(residuals(ledger)).toEqual([]);
    expect(line(ledger, 'graph', 'requests to v1').explanation).toContain('(460 of them of other workloads)');
    const alone = look([others, saw('graph', { v1: 901, v2: 101 }, { rounding: 3 })], true, 120_000);
    expect(residuals(books(canary, alone))).toEqual([]);
  });

  test('callers of others are an account of their own', () => {
    const ledger = books(canary, look([saw('source', { v1: 90 }, { foreign: { 'batch.shop': 40 } })], true));
    expect(part(ledger, 'source', 'requests of other workloads', 'foreign callers')).toMatchObject({ count: 40 });
  });
});

describe('retries', () => {
  const seen = look(
    [
      saw('client', { v1: 9000, v2: 1000 }, { unmarked: 0 }),
      saw('source', { v1: 9000, v2: [1000, 10] }),
      saw('destination', { v1: 9000, v2: [1300, 310] }, { frontDoor: 10_000 }),
      saw('graph', { v1: 9000, v2: 1300 }, { rounding: 3 }),
    ],
    true,
  );

  test('inflate the destination share, and the ledger explains it: no contradiction', () => {
    const assessment = new StageJudge(scenario([canary]), canary).look(seen);
    expect(assessment.verdict).toBe('pass');
    expect(assessment.ledger.closed).toBe(true);
    expect(assessment.checks.find(({ vantagePoint }) => vantagePoint === 'destination')?.verdict).toBe('pass');
    expect(assessment.findings.filter(({ level }) => level === 'warning')).toEqual([]);
    expect(assessment.findings.find(({ code }) => code === 'RETRIES_COUNTED')?.message).toBe(
      'v2 received 1,300 requests, 300 of them repeated by the source proxy after a failure: the destination proxies read 12.6 %, where 10 % of the calls was sent.',
    );
  });
});
