import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { millis } from '../../src/base/units.js';
import { ActiveTime } from '../../src/load/activeTime.js';
import { constantArrivals, poissonArrivals } from '../../src/load/arrivals.js';
import { DueQueue } from '../../src/load/dueQueue.js';
import { createSchedule, type Slot } from '../../src/load/schedule.js';
import { drawThinkTime, parseThinkTime } from '../../src/load/thinkTime.js';
import { randomWalk, roundRobinWalk } from '../../src/load/uriWalk.js';

describe('think time', () => {
  test.each([
    ['0', { kind: 'constant', ms: 0 }],
    ['100ms', { kind: 'constant', ms: 100 }],
    ['100ms..2s', { kind: 'uniform', minMs: 100, maxMs: 2000 }],
    ['uniform:100ms,2s', { kind: 'uniform', minMs: 100, maxMs: 2000 }],
    ['2s..100ms', undefined],
    ['100', undefined],
    ['uniform:100ms', undefined],
    ['1s..2s..3s', undefined],
    ['', undefined],
  ])('%j means %j', (text, expected) => {
    expect(parseThinkTime(text)).toEqual(expected);
  });

  it('is uniform between its bounds', () => {
    const random = seededRandom(1);
    const think = { kind: 'uniform', minMs: millis(100), maxMs: millis(2000) } as const;
    const draws = Array.from({ length: 20_000 }, () => drawThinkTime(think, random));
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...draws)).toBeLessThan(2000);
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    // 5 standard errors of the mean of a uniform variable, (b - a) / sqrt(12 n).
    expect(Math.abs(mean - 1050)).toBeLessThan((5 * 1900) / Math.sqrt(12 * 20_000));
  });
});

describe('arrivals', () => {
  const first = (arrivals: { due(): number; advance(): void }, count: number) =>
    Array.from({ length: count }, () => {
      const due = arrivals.due();
      arrivals.advance();
      return due;
    });

  it('constant: the millionth arrival at 3/s is due at exactly its own quotient', () => {
    const dues = first(constantArrivals(3), 1_000_001);
    expect(dues.slice(0, 4)).toEqual([0, 1000 / 3, 2000 / 3, 1000]);
    expect(dues[1_000_000]).toBe(1_000_000_000 / 3);
  });

  it('poisson: gaps have the mean and the variance of an exponential, and the seed repeats them', () => {
    const dues = first(poissonArrivals(50, seededRandom(3)), 40_001);
    const gaps = dues.slice(1).map((due, index) => due - (dues[index] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
    expect(Math.abs(mean / 20 - 1)).toBeLessThan(5 / Math.sqrt(gaps.length));
    expect(Math.abs(variance / 400 - 1)).toBeLessThan(5 * Math.sqrt(8 / gaps.length));
    expect(first(poissonArrivals(50, seededRandom(3)), 10)).toEqual(dues.slice(0, 10));
  });
});

test('the due queue gives users back in the order of a sorted list', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 })), { maxLength: 200 }), (steps) => {
      const queue = new DueQueue(200);
      const reference: { due: number; user: number }[] = [];
      for (const [user, due] of steps.entries()) {
        if (due === null) {
          reference.sort((a, b) => a.due - b.due || a.user - b.user);
          expect(queue.pop()).toEqual(reference.shift());
        } else {
          queue.push(due, user);
          reference.push({ due, user });
        }
        expect(queue.size).toBe(reference.length);
        expect(queue.nextDue()).toBe(reference.length ? Math.min(...reference.map((item) => item.due)) : undefined);
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});

describe('URI order', () => {
  it('round-robin walks the whole list in its order from an own offset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (count, seed) => {
        const walk = roundRobinWalk(count, seededRandom(seed));
        const seen = Array.from({ length: 2 * count }, walk);
        const start = seen[0] as number;
        expect(seen).toEqual(seen.map((_, index) => (start + index) % count));
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('random draws every URI about equally often', () => {
    const walk = randomWalk(4, seededRandom(5));
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 8000; i++) counts[walk()]!++;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(8000 * 0.25 * 0.75));
  });
});

describe('closed model', () => {
  const model = (users: number, minMs: number, maxMs: number) => ({
    kind: 'closed' as const,
    users,
    thinkTime: { kind: 'uniform' as const, minMs: millis(minMs), maxMs: millis(maxMs) },
  });

  /** Plays the schedule in virtual time: each answer takes `service` ms. */
  function play(options: Parameters<typeof createSchedule>[0], service: number, endAt: number): Slot[] {
    const schedule = createSchedule(options);
    const ends: { at: number; user: number }[] = [];
    const slots: Slot[] = [];
    for (;;) {
      ends.sort((a, b) => a.at - b.at);
      const due = schedule.nextDue() ?? Number.POSITIVE_INFINITY;
      const end = ends[0]?.at ?? Number.POSITIVE_INFINITY;
      const now = Math.min(due, end);
      if (now >= endAt) return slots;
      if (end <= due) schedule.ended(ends.shift()!.user, now);
      else {
        const slot = schedule.take(now)!;
        slots.push(slot);
        ends.push({ at: now + service, user: slot.user });
      }
    }
  }

  it('starts its users spread over one think time, not at once', () => {
    const slots = play({ model: model(100, 100, 2000), order: 'round-robin', uriCount: 4, seed: 1 }, 1e9, 5000);
    expect(slots).toHaveLength(100);
    for (let i = 0; i < 10; i++) {
      expect(slots.filter(({ due }) => due >= i * 200 && due < (i + 1) * 200)).toHaveLength(10);
    }
  });

  it('lets each user pause for a think time after his answer, whatever the others do', () => {
    const slots = play({ model: model(20, 100, 300), order: 'round-robin', uriCount: 3, seed: 2 }, 50, 3000);
    for (let user = 0; user < 20; user++) {
      const own = slots.filter((slot) => slot.user === user);
      expect(own.length).toBeGreaterThan(8);
      for (const [index, slot] of own.slice(1).entries()) {
        const pause = slot.due - (own[index] as Slot).due - 50;
        expect(pause).toBeGreaterThanOrEqual(100 - 1e-9);
        expect(pause).toBeLessThan(300);
        expect(slot.uri).toBe(((own[index] as Slot).uri + 1) % 3);
      }
    }
  });

  it('repeats itself with the same seed, and the choices of one user do not depend on the number of users', () => {
    const options = { model: model(10, 100, 300), order: 'random' as const, uriCount: 5, seed: 9 };
    expect(play(options, 20, 2000)).toEqual(play(options, 20, 2000));
    const uris = (users: number) =>
      play({ ...options, model: model(users, 100, 300) }, 20, 2000)
        .filter(({ user }) => user === 3)
        .map(({ uri }) => uri)
        .slice(0, 5);
    expect(uris(10)).toEqual(uris(4));
    expect(play({ ...options, seed: 10 }, 20, 2000)).not.toEqual(play(options, 20, 2000));
  });

  it('never lets one user have two requests in flight', () => {
    const schedule = createSchedule({ model: model(3, 0, 0), order: 'random', uriCount: 2, seed: 1 });
    const taken = Array.from({ length: 5 }, () => schedule.take(10)?.user);
    expect(taken).toEqual([0, 1, 2, undefined, undefined]);
    schedule.ended(1, 10);
    expect(schedule.take(10)).toMatchObject({ due: 10, user: 1 });
  });
});

it('open model: late taking changes no due time', () => {
  const model = { kind: 'open' as const, ratePerSecond: 10, arrivals: 'constant' as const, maxInFlight: 5 };
  const schedule = createSchedule({ model, order: 'round-robin', uriCount: 2, seed: 1 });
  expect(schedule.take(0)?.due).toBe(0);
  expect(schedule.take(99)).toBeUndefined();
  const late = [schedule.take(350), schedule.take(350), schedule.take(350), schedule.take(350)];
  expect(late.map((slot) => slot?.due)).toEqual([100, 200, 300, undefined]);
  expect(schedule.nextDue()).toBe(400);
});

test('active time stands still in a pause and shifts every due time by it', () => {
  const time = new ActiveTime(1000);
  expect(time.elapsed(1500)).toBe(500);
  time.pause(1500);
  time.pause(1600);
  expect([time.paused, time.elapsed(9000)]).toEqual([true, 500]);
  time.resume(9000);
  time.resume(9500);
  expect([time.paused, time.elapsed(9100)]).toEqual([false, 600]);
  expect(time.clockAt(700)).toBe(9200);
});
