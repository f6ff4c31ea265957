import { getEventListeners } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.js';
import type { LoadRun } from '../../src/load/loadRun.js';
import { startLoad } from '../../src/load/start.js';
import type { Observation, Observer } from '../../src/observe/types.js';
import { CountingWindow } from '../../src/release/window.js';
import { ManualClock } from '../support/clock.js';
import { loadSpec, serveHttp, until } from '../support/load.js';

const NEVER = new AbortController().signal;

/** A vantage point whose state the test moves. */
class Point implements Observer {
  readonly vantagePoint;
  /** Requests that it has counted since its base. */
  total: number | undefined = 0;
  isSettled: boolean | 'unreachable' = true;
  openFails = false;
  opened = 0;
  asked = 0;

  constructor(vantagePoint: Observer['vantagePoint'] = 'source') {
    this.vantagePoint = vantagePoint;
  }

  async check() {}

  async open() {
    if (this.openFails) throw new Error('connection refused');
    this.opened += 1;
    if (this.total !== undefined) this.total = 0;
  }

  async look(): Promise<Observation> {
    const { vantagePoint, total } = this;
    if (total === undefined) return { status: 'no-data', vantagePoint, reason: 'nothing was scraped' };
    const counts = {
      versions: { v1: { total, failed: 0 } },
      unknown: { total: 0, failed: 0 },
      responses: {},
      foreign: {},
      unmarked: 0,
      failed: 0,
      sent: 0,
      byUri: [],
    };
    return { status: 'ok', vantagePoint, counts, rounding: 0, resets: 0 };
  }

  async settled(_wallMs: number, _signal?: AbortSignal): Promise<boolean> {
    this.asked += 1;
    if (this.isSettled === 'unreachable') throw new Error('connection refused');
    return this.isSettled;
  }
}

/** Moves the clock until the work is done. @returns its result and how long it took on that clock, ms. */
async function timed<T>(clock: ManualClock, work: Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAt = clock.now();
  let done = false;
  const ending = work.finally(() => {
    done = true;
  });
  while (!done && clock.now() - startedAt < 200_000) await clock.advance(100);
  return { value: await ending, ms: clock.now() - startedAt };
}

/** A load of one user on a real server. */
async function someLoad(): Promise<LoadRun> {
  const server = await serveHttp((_request, response) => response.end('ok'));
  const load = startLoad(loadSpec(server.url), { clock: systemClock });
  onTestFinished(async () => {
    await load.stop();
    await server.close();
  });
  await until(() => load.counts().ended > 0);
  return load;
}

describe('the counting window', () => {
  it('opens and closes only when every vantage point has seen what was sent, with the load standing still', async () => {
    const clock = new ManualClock();
    const load = await someLoad();
    const point = new Point();
    point.isSettled = false;
    const window = new CountingWindow([point], load, clock);
    void sleep(clock, 3000).then(() => {
      point.isSettled = true;
    });
    const opening = await timed(clock, window.open(NEVER));
    expect(opening.ms).toBeGreaterThanOrEqual(3000);
    expect(opening.ms).toBeLessThan(5000);
    const { ended } = load.counts();
    await until(() => load.counts().ended > ended);

    point.isSettled = false;
    void sleep(clock, 2000).then(() => {
      point.total = 40;
      point.isSettled = true;
    });
    const closing = await timed(clock, window.close(NEVER));
    expect(load.inFlight()).toBe(0);
    expect(closing.value.look).toMatchObject({
      settled: true,
      observations: [{ status: 'ok', counts: { versions: { v1: { total: 40 } } } }],
    });
  });

  it('is not settled when a vantage point has data and its last scrape does not come', async () => {
    const clock = new ManualClock();
    const load = await someLoad();
    const [good, slow] = [new Point('destination'), new Point('source')];
    const window = new CountingWindow([good, slow], load, clock);
    await timed(clock, window.open(NEVER));
    slow.isSettled = false;
    const { value, ms } = await timed(clock, window.close(NEVER));
    expect(ms).toBeGreaterThanOrEqual(45_000);
    expect(ms).toBeLessThan(46_000);
    expect(value.look.settled).toBe(false);
  });

  it.each([
    ['that does not answer is waited for 20 s', 'unreachable', 20_000],
    ['that answers and shows nothing is waited for 35 s', false, 35_000],
  ] as const)('a vantage point %s, once in a run', async (_sentence, settled, patience) => {
    const clock = new ManualClock();
    const load = await someLoad();
    const gone = new Point();
    gone.isSettled = settled;
    gone.total = undefined;
    gone.openFails = settled === 'unreachable';
    const silent = new Set<Observer>();
    const first = new CountingWindow([gone, new Point('client')], load, clock, { silent });
    const opening = await timed(clock, first.open(NEVER));
    expect(opening.ms).toBeGreaterThanOrEqual(patience);
    expect(opening.ms).toBeLessThan(patience + 1000);
    const closing = await timed(clock, first.close(NEVER));
    expect(closing.ms).toBeLessThan(1000);
    // What cannot be read leaves no doubt about what can.
    expect(closing.value.look.settled).toBe(true);
    expect(closing.value.look.observations[0]?.status).toBe('no-data');

    const second = new CountingWindow([gone], load, clock, { silent, copies: true });
    expect((await timed(clock, second.open(NEVER))).ms).toBeLessThan(1000);

    // It is back: from now on it is waited for again.
    Object.assign(gone, { total: 5, isSettled: true, openFails: false });
    await timed(clock, new CountingWindow([gone], load, clock, { silent }).open(NEVER));
    expect(silent.size).toBe(0);
  });

  it('says no-data, with the reason, for a vantage point that gave no base', async () => {
    const clock = new ManualClock();
    const broken = new Point('graph');
    broken.openFails = true;
    const window = new CountingWindow([broken], undefined, clock);
    await timed(clock, window.open(NEVER));
    const { look } = await window.look(NEVER);
    expect(look.observations).toEqual([
      {
        status: 'no-data',
        vantagePoint: 'graph',
        reason: 'no base for the counting window: connection refused',
      },
    ]);
  });

  it('takes a new base until no late copy of the stage before arrives, and closes when the copies stand still', async () => {
    const clock = new ManualClock();
    const load = await someLoad();
    const callee = new Point('destination');
    let late = 2;
    const settled = callee.settled.bind(callee);
    callee.settled = async (wallMs) => {
      // Each scrape brings another copy, twice.
      if (callee.opened > 1 && late > 0) {
        late -= 1;
        callee.total = (callee.total ?? 0) + 1;
      }
      return settled(wallMs);
    };
    const window = new CountingWindow([callee], load, clock, { copies: true });
    await timed(clock, window.open(NEVER));
    expect(callee.opened).toBe(4);
    expect(callee.total).toBe(0);

    late = 3;
    const { value } = await timed(clock, window.close(NEVER));
    expect(value.look).toMatchObject({ settled: true, observations: [{ counts: { versions: { v1: { total: 3 } } } }] });
  });

  it('is never settled when others send the traffic', async () => {
    const clock = new ManualClock();
    const window = new CountingWindow([new Point()], undefined, clock);
    await timed(clock, window.open(NEVER));
    expect((await timed(clock, window.close(NEVER))).value.look.settled).toBe(false);
  });

  it('closes soon after an interrupt, before or while it waits, and leaves no listener behind', async () => {
    for (const abortAfter of [0, 4000]) {
      const clock = new ManualClock();
      const interrupt = new AbortController();
      const point = new Point();
      const window = new CountingWindow([point], await someLoad(), clock);
      await timed(clock, window.open(interrupt.signal));
      point.isSettled = false;
      point.total = 7;
      if (abortAfter === 0) interrupt.abort();
      else void sleep(clock, abortAfter).then(() => interrupt.abort());
      const { value, ms } = await timed(clock, window.close(interrupt.signal));
      expect(ms).toBeGreaterThanOrEqual(abortAfter + 2500);
      expect(ms).toBeLessThan(abortAfter + 3500);
      expect(value.look).toMatchObject({
        settled: false,
        observations: [{ counts: { versions: { v1: { total: 7 } } } }],
      });
      expect(getEventListeners(interrupt.signal, 'abort')).toHaveLength(0);
    }
  });

  it('opens at once when it is interrupted, with the load running again', async () => {
    const load = await someLoad();
    const point = new Point();
    point.isSettled = false;
    const clock = new ManualClock();
    const opening = new CountingWindow([point], load, clock).open(AbortSignal.abort());
    expect((await timed(clock, opening)).ms).toBeLessThan(1000);
    const { ended } = load.counts();
    await until(() => load.counts().ended > ended);
  });
});

describe('waiting on the clock of the system', () => {
  it('leaves no listener on the signal, however often', async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 50; i++) await sleep(systemClock, 0, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
