import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { seededRandom } from '../../src/base/random.js';
import type { LoadRun } from '../../src/load/loadRun.js';
import { ResponseTimes, responseTimeCounts } from '../../src/load/responseTimes.js';
import { startLoad } from '../../src/load/start.js';
import { loadSpec, type Served, serveHttp, until, uri } from '../support/load.js';

const watch = {
  limits: [10, 50],
  versions: ['v2'],
  pairs: [{ candidate: 'v2', baseline: 'v1', margin: 0.1 }],
};
const answers = fc.array(
  fc.record({ ms: fc.integer({ min: 0, max: 100 }), version: fc.constantFrom('v1', 'v2', 'v3', undefined) }),
  { maxLength: 60 },
);

describe('response times of a window', () => {
  test('are counted as a list of all answers would be', () => {
    fc.assert(
      fc.property(answers, answers, (before, within) => {
        const tested = new ResponseTimes(watch);
        for (const { ms, version } of before) tested.record(ms, version);
        tested.reset();
        for (const { ms, version } of within) tested.record(ms, version);
        const { all, versions, pairs } = responseTimeCounts(tested.data());
        const ofV2 = within.filter(({ version }) => version === 'v2');
        for (const [subject, list] of [[all, within] as const, [versions.v2, ofV2] as const]) {
          expect(subject?.total).toBe(list.length);
          expect(subject?.over).toEqual({
            10: list.filter(({ ms }) => ms > 10).length,
            50: list.filter(({ ms }) => ms > 50).length,
          });
          expect(subject?.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(list.length);
        }
        const compared = within.filter(({ version }) => version === 'v1' || version === 'v2');
        const twos = Array.from({ length: Math.floor(compared.length / 2) }, (_, i) =>
          compared.slice(2 * i, 2 * i + 2),
        );
        const mixed = twos
          .filter(([a, b]) => a?.version !== b?.version)
          .map((two) => ({
            v1: two.find(({ version }) => version === 'v1')?.ms ?? 0,
            v2: two.find(({ version }) => version === 'v2')?.ms ?? 0,
          }))
          .filter(({ v1, v2 }) => v2 !== v1 * 1.1);
        expect(pairs).toEqual([
          { ...watch.pairs[0], total: mixed.length, slower: mixed.filter(({ v1, v2 }) => v2 > v1 * 1.1).length },
        ]);
      }),
      { seed: 6 },
    );
  });

  test('pairs are fair when answers that end later take longer, whatever the share of the versions', () => {
    for (const share of [0.1, 0.5]) {
      const random = seededRandom(61);
      const tested = new ResponseTimes({ ...watch, pairs: [{ candidate: 'v2', baseline: 'v1', margin: 0 }] });
      // Two are always sent at once and end in order: the second is the slower one, whichever version it is.
      for (let i = 0; i < 40_000; i++)
        tested.record(i % 2 === 0 ? 10 + random() : 20 + random(), random() < share ? 'v2' : 'v1');
      const { slower = 0, total = 0 } = responseTimeCounts(tested.data()).pairs[0] ?? {};
      expect(total).toBeGreaterThan(1000);
      expect(Math.abs(slower / total - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / total));
    }
  });
});

describe('a load', () => {
  const open: Served[] = [];
  const runs: LoadRun[] = [];
  afterEach(async () => {
    for (const served of open.splice(0)) await served.close();
    await Promise.all(runs.splice(0).map((run) => run.stop()));
  });

  test('counts every answer once, by version where it tells one, from the intended start; a window begins at 0', async () => {
    let answered = 0;
    const served = await serveHttp((_request, response) => {
      response.end(answered++ % 4 === 0 ? 'NEW' : 'old');
    });
    open.push(served);
    const run = startLoad(
      loadSpec(served.url, {
        uris: [uri('/d/1')],
        marker: { uri: '/d/*', versions: { v2: 'NEW' }, failed: undefined },
        defaultVersion: 'v1',
        responseTimes: { ...watch, limits: [0.000001, 100_000] },
      }),
      { clock: systemClock },
    );
    runs.push(run);
    await until(() => run.counts().ended >= 200);
    await run.pause();
    const counts = run.counts();
    const times = run.windowResponseTimes();
    expect(times?.all).toMatchObject({ total: counts.ended, over: { '0.000001': counts.ended, '100000': 0 } });
    expect(times?.versions.v2?.total).toBe(counts.versions.v2);
    expect(times?.pairs[0]?.total).toBeGreaterThan(0);
    run.resetWindow();
    expect(run.windowResponseTimes()).toMatchObject({ all: { total: 0 }, pairs: [{ total: 0, slower: 0 }] });
  });

  test('counts an answer that never comes as longer than every limit', async () => {
    const served = await serveHttp(() => {});
    open.push(served);
    const run = startLoad(
      loadSpec(served.url, {
        timeoutMs: 200,
        responseTimes: { limits: [199], versions: [], pairs: [] },
        maxRequests: 2,
      }),
      { clock: systemClock },
    );
    runs.push(run);
    await run.finished;
    expect(run.windowResponseTimes()?.all).toMatchObject({ total: 2, over: { '199': 2 } });
  });

  test('of several threads counts what all of them saw', async () => {
    const served = await serveHttp((_request, response) => response.end());
    open.push(served);
    const run = startLoad(
      loadSpec(served.url, { workers: 2, maxRequests: 40, responseTimes: { ...watch, limits: [0, 100_000] } }),
      { clock: systemClock },
    );
    runs.push(run);
    const summary = await run.finished;
    expect(summary.counts.ended).toBe(40);
    expect(run.windowResponseTimes()?.all).toMatchObject({ total: 40, over: { '0': 40, '100000': 0 } });
  });

  test('that nobody judges counts no response times', async () => {
    const served = await serveHttp((_request, response) => response.end());
    open.push(served);
    const run = startLoad(loadSpec(served.url, { maxRequests: 1 }), { clock: systemClock });
    runs.push(run);
    await run.finished;
    expect(run.windowResponseTimes()).toBeUndefined();
  });
});
