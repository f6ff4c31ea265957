import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { ConfigError } from '../../src/base/errors.js';
import { millis } from '../../src/base/units.js';
import type { LoadRun } from '../../src/load/loadRun.js';
import { addCounts } from '../../src/load/snapshot.js';
import { startLoad } from '../../src/load/start.js';
import { ThreadedLoad } from '../../src/load/threadedLoad.js';
import { startThread } from '../../src/load/threads/start.js';
import type { ClientCounts, LoadSpec } from '../../src/load/types.js';
import { expectBalanced, loadSpec, type Served, serveHttp, until, uri } from '../support/load.js';

const open: Served[] = [];
const runs: LoadRun[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
  await Promise.all(runs.splice(0).map((run) => run.stop()));
});
const serve = async (...listener: Parameters<typeof serveHttp>) => {
  const served = await serveHttp(...listener);
  open.push(served);
  return served.url;
};
const start = (baseUrl: string, extra: Partial<LoadSpec> = {}) => {
  const run = startLoad(loadSpec(baseUrl, { workers: 2, ...extra }), { clock: systemClock });
  runs.push(run);
  return run;
};
const closed = (users: number, thinkMs = 0) =>
  ({ kind: 'closed', users, thinkTime: { kind: 'constant', ms: millis(thinkMs) } }) as const;

describe('several threads', () => {
  it('count together what the server gave, to the request', async () => {
    const given: Record<string, number> = {};
    let requests = 0;
    const url = await serve((request, response) => {
      const status = ++requests % 5 === 0 ? 503 : 200;
      const key = `${request.url} ${status}`;
      given[key] = (given[key] ?? 0) + 1;
      response.writeHead(status).end(requests % 3 === 0 ? 'LoyaltyLevel' : 'nothing here');
    });
    const summary = await start(url, {
      workers: 3,
      model: closed(7),
      uris: [uri('/a'), uri('/b')],
      marker: { uri: '/b', versions: { v2: 'LoyaltyLevel' }, failed: undefined },
      defaultVersion: 'v1',
      maxRequests: 500,
    }).finished;
    const { counts } = summary;
    expect(requests).toBe(500);
    expect(counts).toMatchObject({ sent: 500, ended: 500, dropped: 0, status: { 200: 400, 503: 100 } });
    expect(counts.byUri.map(({ uri: name }) => name)).toEqual(['/a', '/b']);
    expect(counts.byUri.map(({ failed }) => failed)).toEqual([given['/a 503'], given['/b 503']]);
    expect(counts.byUri[0]?.unmarked).toBe(given['/a 200']);
    expect(counts.versions.v1! + counts.versions.v2!).toBe(given['/b 200']);
    expectBalanced(counts);
    expect(summary.responseTime.count).toBe(500);
    expect(summary.serviceTime.count).toBe(500);
    expect(summary.generator).toMatchObject({ threads: 3 });
    expect(summary.generator.cpuSeconds).toBeGreaterThan(0);
  });

  it('send to every user the same sequence as one does, and every arrival once', async () => {
    const sequences = async (workers: number) => {
      const seen = new Map<unknown, string[]>();
      const url = await serve((request, response) => {
        const one = seen.get(request.socket) ?? [];
        seen.set(request.socket, one);
        one.push(request.url ?? '');
        response.end('x');
      });
      const uris = ['/a', '/b', '/c', '/d', '/e'].map((target) => uri(target));
      // Without think time a user keeps his connection.
      await start(url, { workers, model: closed(4), uris, order: 'random', seed: 12, maxRequests: 240 }).finished;
      return [...seen.values()].map((urls) => urls.slice(0, 20).join('')).sort();
    };
    const one = await sequences(1);
    expect(one).toHaveLength(4);
    expect(await sequences(2)).toEqual(one);
    expect(await sequences(4)).toEqual(one);

    const arrivals = async (workers: number) => {
      const seen: string[] = [];
      const url = await serve((request, response) => {
        seen.push(request.url ?? '');
        response.end();
      });
      const model = { kind: 'open', ratePerSecond: 400, arrivals: 'poisson', maxInFlight: 1000 } as const;
      const uris = ['/a', '/b', '/c'].map((target) => uri(target));
      const { counts } = await start(url, { workers, model, uris, order: 'random', seed: 5, durationMs: 500 }).finished;
      return { seen: seen.sort().join(''), sent: counts.sent };
    };
    const alone = await arrivals(1);
    expect(await arrivals(3)).toEqual(alone);
  });

  it('pause until nothing is in flight anywhere, tell exact counts then, and begin a window at once', async () => {
    let served = 0;
    const url = await serve((_request, response) => {
      served++;
      setTimeout(() => response.end('ok'), 10);
    });
    const run = start(url, { model: closed(6, 5) });
    await until(() => run.counts().ended >= 30);
    await run.pause();
    expect(run.inFlight()).toBe(0);
    const paused = run.counts();
    expect(paused).toMatchObject({ sent: served, ended: served });
    expect(run.windowLatency().count).toBe(served);
    run.resetWindow();
    expect(run.windowLatency().count).toBe(0);
    expect(run.health()).toMatchObject({ valid: true, late: 0 });
    await systemClock.sleepUntil(millis(systemClock.now() + 100));
    expect(served).toBe(paused.sent);
    run.resume();
    await until(() => run.counts().ended >= paused.ended + 30);
    await run.pause();
    expect(run.windowLatency().count).toBe(run.counts().ended - paused.ended);
    const [first, second] = [run.stop(), run.stop()];
    const summary = await first;
    expect(await second).toBe(summary);
    expect(summary.counts).toMatchObject({ sent: served, ended: served });
    expect(summary.responseTime.count).toBe(served);
  });

  it('resume frees a pause that is still waiting', async () => {
    const url = await serve(() => {});
    const run = start(url, { timeoutMs: 400 });
    await until(() => run.inFlight() === 2);
    const paused = run.pause();
    run.resume();
    await paused;
    expect(run.inFlight()).toBe(2);
  });

  it('end by themselves, at a stop that comes before they have started too', async () => {
    const url = await serve((_request, response) => response.end());
    const { counts } = await start(url, { model: closed(2, 1000) }).stop();
    expect(counts.ended).toBe(counts.sent);
    expect(counts.sent).toBeLessThanOrEqual(2);
  });

  it('one that dies ends the load with a clear error; what the others measured is kept', async () => {
    const url = await serve((_request, response) => response.end('ok'));
    const workers: Worker[] = [];
    const run = new ThreadedLoad(loadSpec(url, { model: closed(4, 1) }), 2, ['/'], {
      clock: systemClock,
      startSender(data) {
        const worker = startThread('sender', { workerData: data });
        workers.push(worker);
        return worker;
      },
    });
    runs.push(run);
    await until(() => run.counts().ended >= 40);
    await workers[1]?.terminate();
    const { counts, generator, responseTime } = await run.finished;
    expect(generator.valid).toBe(false);
    expect(generator.reason).toMatch(/^thread 2 of 2 ended too early \(exit code 1\): the load was stopped/);
    expect(counts.ended).toBeGreaterThanOrEqual(40);
    expect(responseTime.count).toBe(counts.ended);
  });

  it('are never more than users, so that a number of requests is reached', async () => {
    const url = await serve((_request, response) => response.end());
    const { counts, generator } = await start(url, { workers: 8, model: closed(2), maxRequests: 21 }).finished;
    expect(counts.sent).toBe(21);
    expect(generator.threads).toBe(2);
  });

  it('refuse a spec here, before any thread is started', () => {
    expect(() => start('http://127.0.0.1:1', { uris: [uri('/{nobody}')] })).toThrow(ConfigError);
  });
});

test('books are added up by URI, status, error and version; what only one has is kept', () => {
  const books = (extra: Partial<ClientCounts>): ClientCounts => ({
    sent: 3,
    ended: 2,
    versions: { v1: 1 },
    unmarked: 0,
    failed: 1,
    dropped: 1,
    bytesReceived: 100,
    status: { 200: 1 },
    errors: { timeout: 1 },
    byUri: [{ uri: '/a', versions: { v1: 1 }, unmarked: 0, failed: 1 }],
    ...extra,
  });
  expect(
    addCounts([books({}), books({ status: { 200: 1, 404: 1 }, errors: {} }), books({ errors: { reset: 2 } })]),
  ).toEqual({
    sent: 9,
    ended: 6,
    versions: { v1: 3 },
    unmarked: 0,
    failed: 3,
    dropped: 3,
    bytesReceived: 300,
    status: { 200: 3, 404: 1 },
    errors: { timeout: 1, reset: 2 },
    byUri: [{ uri: '/a', versions: { v1: 3 }, unmarked: 0, failed: 3 }],
  });
});
