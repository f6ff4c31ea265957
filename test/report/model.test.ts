import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/release/events.js';
import { foldRun, RunFold } from '../../src/report/model.js';
import { MAX_POINTS } from '../../src/report/series.js';
import { failingCanary, makeJournal, VALID_GENERATOR } from '../support/journals.js';

const whole = makeJournal();
const INVALID = {
  ...VALID_GENERATOR,
  valid: false,
  lateShare: 0.4,
  reason: '40 % of the requests left late',
};
const reseq = (events: readonly RunEvent[]): RunEvent[] => events.map((event, seq) => ({ ...event, seq }) as RunEvent);
const beforeEnd = (body: object): RunEvent[] =>
  reseq([...whole.slice(0, -1), { at: whole.at(-1)?.at, ...body } as RunEvent, ...whole.slice(-1)]);

describe('verdict and exit code of a journal', () => {
  test.each([
    ['every stage keeps its promise', whole, 'pass', 0],
    ['the canary gets 25 % instead of 10 %', failingCanary(), 'fail', 1],
    [
      'nothing reaches the service',
      makeJournal({ looks: 10, stopAfter: 'v1-only', truths: { 'v1-only': { share: 0, silent: true } } }),
      'no-data',
      2,
    ],
    ['too few requests to tell', makeJournal({ looks: 2, stopAfter: 'v1-only' }), 'inconclusive', 2],
    ['Ctrl-C in the mirror stage', makeJournal({ interruptAt: { stage: 'mirror', look: 3 } }), 'inconclusive', 130],
    ['SIGTERM at the end', beforeEnd({ type: 'interrupted', signal: 'SIGTERM' }), 'inconclusive', 143],
    ['the generator was the bottleneck', makeJournal({ generator: INVALID }), 'inconclusive', 2],
    [
      'the harness failed',
      beforeEnd({ type: 'failed', code: 'E_X', message: 'm', hint: 'h', exitCode: 4 }),
      'inconclusive',
      4,
    ],
    ['the process was killed while a stage ran', whole.slice(0, 150), 'inconclusive', 4],
    ['the process was killed after the last stage', whole.slice(0, -1), 'inconclusive', 4],
    [
      'an object could not be put back',
      reseq(
        whole.map((event) =>
          event.type === 'restored'
            ? { ...event, objects: [{ object: 'Service/pitstop/a', result: 'failed' as const, note: 'conflict' }] }
            : event,
        ),
      ),
      'pass',
      4,
    ],
  ] as const)('%s', (_name, events, verdict, exitCode) => {
    const run = foldRun(events);
    expect({ verdict: run.verdict, exitCode: run.exitCode }).toEqual({ verdict, exitCode });
  });

  test('a stage that fails stays failed when the generator was invalid', () => {
    const events = makeJournal({ generator: INVALID, truths: { canary: { share: 0.4 } }, stopAfter: 'canary' });
    expect(foldRun(events)).toMatchObject({ verdict: 'fail', exitCode: 1 });
  });

  test('two signals: the first one names the exit code', () => {
    const twice = reseq([
      ...beforeEnd({ type: 'interrupted', signal: 'SIGINT' }),
      { at: 1, type: 'interrupted', signal: 'SIGTERM' } as RunEvent,
    ]);
    expect(foldRun(twice).exitCode).toBe(130);
  });
});

describe('what the model says of a stage', () => {
  test('the cause of a wrong split is found in the objects of the journal', () => {
    const canary = foldRun(failingCanary()).stages[3];
    expect(canary?.verdict).toBe('fail');
    expect(canary?.causes.map(({ code, field, found, expected }) => [code, field, found, expected])).toEqual([
      ['WEIGHT_DIFFERS', 'spec.http[0].route[1].weight', '25', '10'],
    ]);
  });

  test('a stage that fails with sound objects says that no known cause explains it', () => {
    const canary = foldRun(makeJournal({ truths: { canary: { share: 0.4 } }, stopAfter: 'canary' })).stages[3];
    expect([canary?.verdict, canary?.causes]).toEqual(['fail', []]);
    expect(canary?.findings[0]).toMatchObject({ level: 'warning', code: 'CAUSE_UNKNOWN' });
  });

  test('what series tell beside the counts goes into the causes, as far as the journal holds it', () => {
    const events = failingCanary();
    const at = events.findLastIndex(({ type }) => type === 'objects');
    const source = { responses: { v2: { '503 UO': 40 } }, labels: [], proxies: {}, copies: [] };
    const evidence = { at: 1, type: 'evidence', stage: 'canary', evidence: { source } } as unknown as RunEvent;
    const codes = (journal: readonly RunEvent[]) => foldRun(journal).stages[3]?.causes.map(({ code }) => code);
    expect(codes(reseq([...events.slice(0, at), evidence, ...events.slice(at)]))).toEqual(
      expect.arrayContaining(['WEIGHT_DIFFERS', 'CIRCUIT_BREAKER_OPEN']),
    );
    expect(codes(events)).not.toContain('CIRCUIT_BREAKER_OPEN');
  });

  test('stages that were not reached are listed and are never green', () => {
    const run = foldRun(failingCanary());
    expect(run.stages.map(({ name, phase, verdict }) => [name, phase, verdict])).toEqual([
      ['v1-only', 'finished', 'pass'],
      ['dark', 'finished', 'pass'],
      ['mirror', 'finished', 'pass'],
      ['canary', 'finished', 'fail'],
      ['even', 'not-reached', 'inconclusive'],
    ]);
  });

  test('the phases follow the events', () => {
    const fold = new RunFold();
    const phases: string[] = [];
    for (const event of whole) {
      fold.push(event);
      const phase = fold.model.stages[0]?.phase ?? '';
      if (phases.at(-1) !== phase) phases.push(phase);
    }
    expect(phases).toEqual(['not-reached', 'changing', 'arriving', 'warming-up', 'counting', 'settling', 'finished']);
  });

  test('a series ends with the counts of the last look, whatever the check decided before', () => {
    const canary = foldRun(whole).stages[3];
    const source = canary?.lastLook?.observations.find(({ vantagePoint }) => vantagePoint === 'source');
    const counts = source?.status === 'ok' ? source.counts.versions : {};
    const series = canary?.series.find(({ name, vantagePoint }) => name === 'share:v2' && vantagePoint === 'source');
    const v2 = counts.v2?.total ?? 0;
    expect(series?.points.at(-1)?.share).toBe(v2 / (v2 + (counts.v1?.total ?? 0)));
  });

  test('a long stage keeps at most 600 points, in order, the first and the last among them', () => {
    const events = makeJournal({ looks: 700, stopAfter: 'v1-only' });
    const series = foldRun(events).stages[0]?.series ?? [];
    expect(series.length).toBeGreaterThan(0);
    for (const { points } of series) {
      expect(points.length).toBeLessThanOrEqual(MAX_POINTS);
      expect(points.length).toBeGreaterThan(MAX_POINTS / 2);
      expect(points[0]?.at).toBe(500);
      expect(points.at(-1)?.at).toBe(700 * 500 + 900);
      expect(points.every(({ at }, index) => index === 0 || at > (points[index - 1]?.at ?? 0))).toBe(true);
    }
  });
});

test('a stage that never arrived is judged, and says so', () => {
  const events = reseq(
    whole.map((event) =>
      event.type === 'arrived' && event.stage === 'dark'
        ? {
            seq: 0,
            at: event.at,
            type: 'not-arrived' as const,
            stage: 'dark',
            ms: 60_000,
            detail: 'webapp-1 has the old routes',
          }
        : event,
    ),
  );
  const run = foldRun(events);
  expect(run.stages[1]).toMatchObject({ verdict: 'pass', arrival: undefined, notArrived: { ms: 60_000 } });
  expect(run.stages[1]?.findings[0]).toMatchObject({
    code: 'NOT_ARRIVED',
    message: 'After 1 m 0 s the stage had not arrived in the data plane: webapp-1 has the old routes',
  });
});

test('a stage that arrived while a proxy of the caller kept other routes says so, though it passes', () => {
  const behind = 'webapp-1: Route 1 on port 80 should send 90 % to v1, the proxy holds 100 %.';
  const run = foldRun(
    whole.map((event) => (event.type === 'arrived' && event.stage === 'dark' ? { ...event, behind } : event)),
  );
  expect(run.stages[1]).toMatchObject({ verdict: 'pass', arrival: { behind } });
  expect(run.stages[1]?.findings[0]).toMatchObject({
    level: 'warning',
    code: 'PROXIES_DIFFER',
    message: expect.stringContaining(behind),
  });
  expect(run.stages[0]?.findings.map(({ code }) => code)).not.toContain('PROXIES_DIFFER');
});

test('folding is incremental: a model asked for along the way does not change the later one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: whole.length }), fc.integer({ min: 1, max: 40 }), (length, step) => {
      const events = whole.slice(0, length);
      const fold = new RunFold();
      events.forEach((event, index) => {
        fold.push(event);
        if (index % step === 0) void fold.model;
      });
      expect(fold.model).toEqual(foldRun(events));
    }),
    { seed: 3, numRuns: 8 },
  );
});

test.each([
  ['a journal that does not begin with run-started', whole.slice(1), /first event is seeded/],
  ['no event at all', [], /no run-started/],
  [
    'an event of a stage that the run does not walk',
    [...whole.slice(0, 2), { seq: 2, at: 1, type: 'stage-started', stage: 'nowhere' } as RunEvent],
    /stage nowhere/,
  ],
])('refused: %s', (_name, events, message) => {
  expect(() => foldRun(events)).toThrow(message);
});
