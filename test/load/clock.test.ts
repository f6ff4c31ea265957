import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { seededRandom } from '../../src/base/random.js';
import { millis } from '../../src/base/units.js';
import { ActiveTime } from '../../src/load/activeTime.js';
import { type PacedClock, pacedClock } from '../../src/load/pacedClock.js';
import { startLoad } from '../../src/load/start.js';
import { EvenArrivals, PoissonArrivals } from '../../src/load/workload/arrivals.js';
import { streamNumber } from '../../src/load/workload/streams.js';
import { ManualClock } from '../support/clock.js';
import { loadSpec, type Served, serveHttp, until } from '../support/load.js';

const open: Served[] = [];
const paced: PacedClock[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
  for (const clock of paced.splice(0)) await clock.close();
});
const serve = async (...listener: Parameters<typeof serveHttp>) => {
  const served = await serveHttp(...listener);
  open.push(served);
  return served.url;
};

test('in virtual time exactly what is due has been sent at every moment: nothing early, nothing lost, pauses not counted', async () => {
  const url = await serve((_request, response) => response.end());
  const step = fc.record({ ms: fc.integer({ min: 1, max: 400 }), paused: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom('constant', 'poisson'),
      fc.nat(1000),
      fc.array(step, { minLength: 1, maxLength: 8 }),
      async (ratePerSecond, arrivals, seed, steps) => {
        const clock = new ManualClock();
        const model = { kind: 'open', ratePerSecond, arrivals, maxInFlight: 1e6 } as const;
        const run = startLoad(loadSpec(url, { model, seed, timeoutMs: 1e9 }), { clock });
        const levels = { start: ratePerSecond, stages: [] };
        const reference =
          arrivals === 'constant'
            ? new EvenArrivals(levels)
            : new PoissonArrivals(levels, seededRandom(seed, streamNumber(0, 'arrivals')));
        let due = 0;
        let elapsed = 0;
        for (const { ms, paused } of steps) {
          if (paused) void run.pause();
          else elapsed += ms;
          await clock.advance(ms);
          while (reference.due <= elapsed) {
            reference.advance(1);
            due++;
          }
          expect(run.counts().sent).toBe(due);
          run.resume();
        }
        let ended = false;
        const stopped = run.stop().then((summary) => {
          ended = true;
          return summary;
        });
        while (!ended) await clock.advance(100);
        // Whatever was held up in the pause left in time afterwards.
        expect((await stopped).generator).toMatchObject({ late: 0, lateness: { max: 0 } });
      },
    ),
    { seed: 11, numRuns: 15 },
  );
});

test('a clock reading for a due time is never before it, whatever the rounding', () => {
  const time = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(time, time, time, (startedAt, pause, elapsed) => {
      const active = new ActiveTime(startedAt);
      active.pause(startedAt);
      active.resume(startedAt + pause);
      const at = active.clockAt(elapsed);
      expect(active.elapsed(at)).toBeGreaterThanOrEqual(elapsed);
      expect(active.elapsed(at)).toBeCloseTo(elapsed, 5);
    }),
    { seed: 2, numRuns: 2000 },
  );
});

test.each([
  ['default', false],
  ['precise', true],
])('in real time nothing leaves early, mode %s', async (_mode, precise) => {
  const receivedAt: number[] = [];
  const url = await serve((_request, response) => {
    receivedAt.push(performance.now());
    response.end();
  });
  const ratePerSecond = 1500;
  const model = { kind: 'open', ratePerSecond, arrivals: 'constant', maxInFlight: 10_000 } as const;
  const startedAfter = performance.now();
  const { counts, generator } = await startLoad(loadSpec(url, { model, precise, durationMs: 400 }), {
    clock: systemClock,
  }).finished;
  expect(counts).toMatchObject({ sent: 600, ended: 600, failed: 0 });
  const early = receivedAt.filter((at, index) => at < startedAfter + (index * 1000) / ratePerSecond);
  expect(early).toEqual([]);
  expect(generator.lateness!.max).toBeGreaterThanOrEqual(generator.lateness!.p50);
});

test('an open model at a high rate finds connections open for its first arrivals', async () => {
  const sockets = new Set<unknown>();
  const server = createServer((_request, response) => {
    // It has sent one request; the other connections are of those to come.
    void until(() => sockets.size === 8).then(() => response.end());
  }).on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const model = { kind: 'open', ratePerSecond: 800, arrivals: 'constant', maxInFlight: 1000 } as const;
  const { counts } = await startLoad(loadSpec(url, { model, maxRequests: 1, timeoutMs: 30_000 }), {
    clock: systemClock,
  }).finished;
  expect(counts).toMatchObject({ sent: 1, failed: 0 });
  expect(sockets.size).toBe(8);
  await new Promise((resolve) => server.close(resolve));
});

test('after a stall, an open model reads answers between the connections that it opens for what is due', async () => {
  let mostInFlight = 0;
  let inFlight = () => 0;
  const url = await serve((_request, response) => {
    mostInFlight = Math.max(mostInFlight, inFlight());
    response.end();
  });
  const model = { kind: 'open', ratePerSecond: 1000, arrivals: 'constant', maxInFlight: 10_000 } as const;
  let stalledMs = 0;
  const clock: Clock = {
    now: () => millis(systemClock.now() + stalledMs),
    wallMs: systemClock.wallMs,
    sleepUntil: (at, signal) => systemClock.sleepUntil(millis(at - stalledMs), signal),
  };
  const run = startLoad(loadSpec(url, { model, durationMs: 1500 }), { clock });
  inFlight = () => run.inFlight();
  await until(() => run.counts().ended >= 20);
  stalledMs = 1400;
  const { counts, generator } = await run.finished;
  // Those that were due when the load ended are sent all the same.
  expect(counts).toMatchObject({ sent: 1500, ended: 1500, failed: 0 });
  expect(generator.late).toBeGreaterThan(1000);
  expect(mostInFlight).toBeGreaterThan(0);
  expect(mostInFlight).toBeLessThan(1300);
});

describe('the paced clock', () => {
  const ready = async () => {
    const clock = pacedClock(systemClock);
    paced.push(clock);
    await clock.ready;
    return clock;
  };

  it('never wakes early, and ends every sleep, however near or past its time is', async () => {
    const clock = await ready();
    const random = seededRandom(3);
    for (let sleep = 0; sleep < 400; sleep++) {
      const at = millis(clock.now() + 0.8 * random() - 0.1);
      await clock.sleepUntil(at);
      expect(clock.now()).toBeGreaterThanOrEqual(at);
    }
  });

  it('ends a sleep at an abort, and the sleeps after it', async () => {
    const clock = await ready();
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController();
      const sleeping = clock.sleepUntil(millis(clock.now() + 3_600_000), abort.signal);
      abort.abort();
      await sleeping;
      await clock.sleepUntil(millis(clock.now() + 3_600_000), abort.signal);
      await clock.sleepUntil(millis(clock.now() + 0.2));
    }
  });

  it('leaves the loop a turn even when the time is past', async () => {
    const clock = await ready();
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    await clock.sleepUntil(millis(clock.now() - 1));
    expect(turned).toBe(true);
  });

  it('sleeps on as the clock below it does when its thread is gone', async () => {
    const clock = await ready();
    const sleeping = clock.sleepUntil(millis(clock.now() + 30));
    await clock.close();
    await sleeping;
    const at = millis(clock.now() + 5);
    await clock.sleepUntil(at);
  });
});

describe('a server that stalls', () => {
  /** Answers at once, but for one stall in which it reads nothing; requests that come meanwhile are answered after it. */
  const stalling = async (from: number, stallMs: number) => {
    let requests = 0;
    let stalledUntil = 0;
    return serve((_request, response) => {
      if (++requests === from) stalledUntil = performance.now() + stallMs;
      const wait = stalledUntil - performance.now();
      if (wait > 0) setTimeout(() => response.end(), wait);
      else response.end();
    });
  };

  it('open model: everyone who came during the stall waited, and the percentiles of the response time say so', async () => {
    const url = await stalling(50, 1000);
    const model = { kind: 'open', ratePerSecond: 100, arrivals: 'constant', maxInFlight: 10_000 } as const;
    const { responseTime, counts } = await startLoad(loadSpec(url, { model, durationMs: 2000 }), {
      clock: systemClock,
    }).finished;
    expect(counts).toMatchObject({ sent: 200, failed: 0 });
    // 100 of 200 came in the stall and waited half of it on average.
    expect(responseTime.p90).toBeGreaterThan(500);
    expect(responseTime.p99).toBeGreaterThan(900);
  });

  it('closed model: every user waited once, and no request that the stall kept from being sent is made up', async () => {
    const url = await stalling(100, 1000);
    const model = { kind: 'closed', users: 20, thinkTime: { kind: 'constant', ms: millis(50) } } as const;
    const { responseTime, counts } = await startLoad(loadSpec(url, { model, durationMs: 1600 }), {
      clock: systemClock,
    }).finished;
    expect(responseTime.count).toBe(counts.sent);
    const waited = responseTime.buckets.filter(({ upTo }) => upTo > 900).reduce((sum, { count }) => sum + count, 0);
    expect(waited).toBeGreaterThanOrEqual(10);
    expect(responseTime.p99).toBeGreaterThan(900);
  });

  it('a generator that stalls itself: the response time counts from when requests were due, the service time hides it', async () => {
    const url = await serve((_request, response) => response.end());
    const model = { kind: 'open', ratePerSecond: 100, arrivals: 'constant', maxInFlight: 10_000 } as const;
    const run = startLoad(loadSpec(url, { model, durationMs: 1000 }), { clock: systemClock });
    await until(() => run.counts().ended >= 5);
    const heldUntil = performance.now() + 600;
    while (performance.now() < heldUntil);
    const { responseTime, serviceTime, generator } = await run.finished;
    // About 60 of 100 were due meanwhile.
    expect(responseTime.p90).toBeGreaterThan(300);
    expect(serviceTime.p90).toBeLessThan(responseTime.p90);
    expect(generator).toMatchObject({ valid: false, late: expect.any(Number) });
    expect(generator.lateness!.max).toBeGreaterThan(500);
  });
});
