import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { millis } from '../../src/base/units.js';
import { ActiveTime } from '../../src/load/activeTime.js';
import { createSchedule, type ScheduleOptions } from '../../src/load/schedule.js';
import { DueQueue } from '../../src/load/workload/dueQueue.js';
import type { ReplayModel } from '../../src/load/workload/replay.js';
import type { ClosedModel, LoadModel, LoadStage, OpenModel, ThinkTime } from '../../src/scenario/types.js';
import { URI_ORDERS } from '../../src/scenario/types.js';

const uris = (count: number) => Array.from({ length: count }, (_, index) => ({ target: `/${index}` }));
const stages = (...list: readonly (readonly [seconds: number, to: number])[]): LoadStage[] =>
  list.map(([seconds, to]) => ({ ms: millis(seconds * 1000), to }));
const closed = (users: number, minMs: number, maxMs: number, ramp?: readonly LoadStage[]): ClosedModel => ({
  kind: 'closed',
  users,
  thinkTime: { kind: 'uniform', minMs: millis(minMs), maxMs: millis(maxMs) },
  ...(ramp ? { stages: ramp } : {}),
});
const open = (ratePerSecond: number, more: Partial<OpenModel> = {}): OpenModel => ({
  kind: 'open',
  ratePerSecond,
  arrivals: 'constant',
  maxInFlight: 1000,
  ...more,
});

interface Sent {
  readonly due: number;
  readonly at: number;
  readonly user: number;
  readonly uri: number;
}

/** Plays a schedule in virtual time; an answer takes as long as `service` says of its user. */
function play(options: ScheduleOptions, service: (user: number) => number, endAt: number): Sent[] {
  const schedule = createSchedule(options);
  const ends: { at: number; user: number }[] = [];
  const sent: Sent[] = [];
  for (;;) {
    ends.sort((a, b) => a.at - b.at || a.user - b.user);
    const due = schedule.nextDue();
    const end = ends[0]?.at ?? Number.POSITIVE_INFINITY;
    const now = Math.min(due, end);
    if (now >= endAt) return sent;
    if (end <= due) schedule.ended(ends.shift()!.user, now);
    else if (schedule.take(now)) {
      sent.push({ due: schedule.due, at: now, user: schedule.user, uri: schedule.uri });
      ends.push({ at: now + service(schedule.user), user: schedule.user });
    }
  }
}

test('the due queue gives users back in the order of a sorted list', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 })), { maxLength: 200 }), (steps) => {
      const queue = new DueQueue(200);
      const reference: { due: number; user: number }[] = [];
      for (const [user, due] of steps.entries()) {
        if (due === null) {
          reference.sort((a, b) => a.due - b.due || a.user - b.user);
          const first = reference.shift();
          expect(queue.due).toBe(first?.due ?? Number.POSITIVE_INFINITY);
          if (first) expect(queue.user).toBe(first.user);
          queue.pop();
        } else {
          queue.push(due, user);
          reference.push({ due, user });
        }
        expect(queue.size).toBe(reference.length);
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});

describe('closed model', () => {
  const base = { order: 'round-robin' as const, uris: uris(3), seed: 2 };

  it('starts its users spread over one think time, not at once', () => {
    const sent = play({ ...base, model: closed(100, 100, 2000) }, () => 1e9, 5000);
    expect(sent).toHaveLength(100);
    for (let i = 0; i < 10; i++) {
      const inTenth = sent.filter(({ due }) => due >= i * 200 && due < (i + 1) * 200).length;
      // Multiples of the golden ratio: at most 2 off in any interval of 100.
      expect(Math.abs(inTenth - 10)).toBeLessThanOrEqual(2);
    }
  });

  it('lets each user pause for a think time after his answer, whatever the others do', () => {
    const sent = play({ ...base, model: closed(20, 100, 300) }, () => 50, 3000);
    for (let user = 0; user < 20; user++) {
      const own = sent.filter((slot) => slot.user === user);
      expect(own.length).toBeGreaterThan(8);
      for (const [index, slot] of own.slice(1).entries()) {
        const pause = slot.due - (own[index] as Sent).due - 50;
        expect(pause).toBeGreaterThanOrEqual(100 - 1e-9);
        expect(pause).toBeLessThan(300);
        expect(slot.uri).toBe(((own[index] as Sent).uri + 1) % 3);
      }
    }
  });

  it('repeats itself with the same seed only', () => {
    const options = { ...base, order: 'random' as const, model: closed(10, 100, 300) };
    expect(play(options, () => 20, 2000)).toEqual(play(options, () => 20, 2000));
    expect(play({ ...options, seed: 10 }, () => 20, 2000)).not.toEqual(play(options, () => 20, 2000));
  });

  it('never lets one user have two requests in flight', () => {
    const schedule = createSchedule({ ...base, model: closed(3, 0, 0) });
    const taken = Array.from({ length: 5 }, () => (schedule.take(10) ? schedule.user : undefined));
    expect(taken).toEqual([0, 1, 2, undefined, undefined]);
    schedule.ended(1, 10);
    expect(schedule.take(10)).toBe(true);
    expect([schedule.due, schedule.user]).toEqual([10, 1]);
  });

  it('users come and go with the level; who is under way is not cut off, and who comes back asks again', () => {
    const model = closed(0, 100, 100, stages([10, 10], [10, 10], [10, 0], [10, 0], [0, 3]));
    const sent = play({ ...base, model }, () => 30, 50_000);
    const from = (begin: number, end: number) =>
      new Set(sent.filter(({ due }) => due >= begin && due < end).map(({ user }) => user));
    // User u comes at u s, plus a part of the think time of 100 ms.
    for (let user = 0; user < 10; user++) {
      const first = sent.find((slot) => slot.user === user) as Sent;
      expect(first.due).toBeGreaterThanOrEqual(user * 1000);
      expect(first.due).toBeLessThan(user * 1000 + 100);
    }
    expect(from(10_200, 20_000).size).toBe(10);
    expect([...from(24_500, 24_900)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(from(30_000, 40_000).size).toBe(0);
    expect([...from(40_000, 50_000)].sort()).toEqual([0, 1, 2]);
  });

  it('ends for good when the last stage ends at 0', () => {
    const schedule = createSchedule({ ...base, model: closed(1, 10, 10, stages([1, 0])) });
    expect(schedule.take(500)).toBe(true);
    schedule.ended(0, 2000);
    expect(schedule.nextDue()).toBe(Infinity);
  });
});

const thinkTimes: fc.Arbitrary<ThinkTime> = fc.constantFrom(
  { kind: 'constant', ms: millis(40) },
  { kind: 'uniform', minMs: millis(10), maxMs: millis(90) },
  { kind: 'exponential', meanMs: millis(40) },
  { kind: 'lognormal', medianMs: millis(30), sigma: 0.7 },
);
const ramps = fc.option(
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 6 })), { minLength: 1, maxLength: 4 })
    .map((list) => stages(...list)),
  { nil: undefined },
);
const common = { order: fc.constantFrom(...URI_ORDERS), seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }) };
/** Answer times that differ by user and by nothing else. */
const service = (user: number) => 5 + ((user * 7) % 11);
const bySlot = (sent: readonly Sent[]) => [...sent].sort((a, b) => a.due - b.due || a.user - b.user);

describe('determinism', () => {
  it('adding users changes no time and no URI of the others', () => {
    fc.assert(
      fc.property(
        fc.record({
          ...common,
          thinkTime: thinkTimes,
          fewer: fc.integer({ min: 1, max: 5 }),
          more: fc.integer({ min: 0, max: 5 }),
        }),
        ({ order, seed, thinkTime, fewer, more }) => {
          const run = (users: number) =>
            play({ order, seed, uris: uris(4), model: { kind: 'closed', users, thinkTime } }, service, 1000);
          expect(run(fewer + more).filter(({ user }) => user < fewer)).toEqual(run(fewer));
        },
      ),
      { seed: 31, numRuns: 60 },
    );
  });

  it('several workers together send exactly what one sends: users, times and URIs', () => {
    fc.assert(
      fc.property(
        fc.record({
          ...common,
          thinkTime: thinkTimes,
          ramp: ramps,
          users: fc.integer({ min: 1, max: 7 }),
          of: fc.integer({ min: 1, max: 4 }),
          arrivals: fc.constantFrom('constant' as const, 'poisson' as const),
          kind: fc.constantFrom('closed', 'open', 'mixed'),
        }),
        ({ order, seed, thinkTime, ramp, users, of, arrivals, kind }) => {
          const withRamp = ramp ? { stages: ramp } : {};
          const people: ClosedModel = { kind: 'closed', users, thinkTime, ...withRamp };
          const stream = open(40, { arrivals, ...withRamp });
          const model: LoadModel =
            kind === 'closed'
              ? people
              : kind === 'open'
                ? stream
                : { kind: 'mixed', parts: [{ model: people }, { model: stream }] };
          const options = { order, seed, model, uris: uris(5), endMs: 1500 };
          const all = play(options, service, 2000);
          const parts = Array.from({ length: of }, (_, index) =>
            play({ ...options, worker: { index, of } }, service, 2000),
          );
          expect(bySlot(parts.flat())).toEqual(bySlot(all));
        },
      ),
      { seed: 32, numRuns: 150 },
    );
  });

  it('arrivals do not depend on the order of URIs, and URIs do not depend on how arrivals are spaced', () => {
    const run = (order: ScheduleOptions['order'], arrivals: 'constant' | 'poisson', ratePerSecond: number) =>
      play({ order, seed: 4, uris: uris(6), model: open(ratePerSecond, { arrivals }) }, () => 1, 3000);
    const times = (sent: readonly Sent[]) => sent.map(({ due }) => due);
    const asked = (sent: readonly Sent[]) => sent.map(({ uri }) => uri).slice(0, 100);
    for (const order of URI_ORDERS) {
      expect(times(run(order, 'poisson', 50))).toEqual(times(run('round-robin', 'poisson', 50)));
      expect(asked(run(order, 'poisson', 50))).toEqual(asked(run(order, 'constant', 80)));
    }
  });

  it('a part of a mixture sends what it would send beside any other', () => {
    const people = closed(4, 20, 60);
    const mix = (other: OpenModel): ScheduleOptions => ({
      order: 'random',
      seed: 6,
      uris: uris(5),
      model: {
        kind: 'mixed',
        parts: [
          { model: people, uris: '/*' },
          { model: other, uris: '/1' },
        ],
      },
    });
    const ofPeople = (sent: readonly Sent[]) => sent.filter(({ user }) => user < 4);
    const slow = play(mix(open(10)), service, 1000);
    const fast = play(mix(open(300, { arrivals: 'poisson' })), service, 1000);
    expect(ofPeople(fast)).toEqual(ofPeople(slow));
    expect(slow.filter(({ user }) => user === 4).map(({ uri, due }) => [uri, due])).toEqual(
      Array.from({ length: 10 }, (_, index) => [1, index * 100]),
    );
  });
});

describe('open model', () => {
  it('late taking changes no due time', () => {
    const schedule = createSchedule({ model: open(10), order: 'round-robin', uris: uris(2), seed: 1 });
    const take = (elapsed: number) => (schedule.take(elapsed) ? schedule.due : undefined);
    expect([take(0), take(99), take(350), take(350), take(350), take(350)]).toEqual([
      0,
      undefined,
      100,
      200,
      300,
      undefined,
    ]);
    expect(schedule.nextDue()).toBe(400);
  });

  it('drops and counts what is due while the most allowed are in flight, and nothing at or after the end', () => {
    const model = open(10, { maxInFlight: 2 });
    const schedule = createSchedule({ model, order: 'round-robin', uris: uris(2), seed: 1, endMs: 1000 });
    expect([schedule.take(450), schedule.take(450), schedule.take(450), schedule.dropped]).toEqual([
      true,
      true,
      false,
      3,
    ]);
    schedule.ended(schedule.user, 460);
    expect([schedule.take(5000), schedule.due, schedule.take(5000)]).toEqual([true, 500, false]);
    expect([schedule.dropped, schedule.nextDue()]).toEqual([7, Infinity]);
  });

  it('gives arrival i the same URI whether arrivals before it were dropped or not', () => {
    const run = (maxInFlight: number) =>
      play({ model: open(100, { maxInFlight }), order: 'shuffled', uris: uris(7), seed: 9 }, () => 35, 2000);
    const all = new Map(run(1000).map(({ due, uri }) => [due, uri]));
    const few = run(2);
    expect(few.length).toBeLessThan(all.size);
    for (const { due, uri } of few) expect(uri).toBe(all.get(due));
  });

  it('shares its limit in flight among the workers', () => {
    const limits = [0, 1, 2].map((index) => {
      const worker = { index, of: 3 };
      const model = open(1000, { maxInFlight: 8 });
      const schedule = createSchedule({ model, order: 'random', uris: uris(2), seed: 1, worker });
      let taken = 0;
      while (schedule.take(1000)) taken++;
      return taken;
    });
    expect(limits).toEqual([3, 3, 2]);
  });
});

describe('replay', () => {
  const model: ReplayModel = {
    kind: 'replay',
    file: 'times',
    times: Float64Array.of(0, 10, 10, 400),
    uris: Uint16Array.of(2, 0, 1, 2),
    speed: 2,
    maxInFlight: 10,
  };

  it('sends what was recorded when it was recorded, by one worker or by two', () => {
    const run = (worker: { index: number; of: number }) =>
      play({ model, order: 'round-robin', uris: uris(3), seed: 1, worker }, () => 1, 10_000);
    const one = run({ index: 0, of: 1 });
    expect(one.map(({ due, uri }) => [due, uri])).toEqual([
      [0, 2],
      [5, 0],
      [5, 1],
      [200, 2],
    ]);
    const two = [0, 1].flatMap((index) => run({ index, of: 2 }));
    expect(two.map(({ due, uri }) => `${due} ${uri}`).sort()).toEqual(
      one.map(({ due, uri }) => `${due} ${uri}`).sort(),
    );
  });
});

describe('a mixture', () => {
  it('gives the earliest slot of all its models', () => {
    const model: LoadModel = {
      kind: 'mixed',
      parts: [{ model: closed(5, 10, 40) }, { model: open(100) }, { model: open(7) }],
    };
    const sent = play({ model, order: 'random', uris: uris(3), seed: 3 }, service, 2000);
    expect(sent.map(({ due }) => due)).toEqual([...sent.map(({ due }) => due)].sort((a, b) => a - b));
    expect(sent.filter(({ user }) => user === 5)).toHaveLength(200);
    expect(sent.filter(({ user }) => user === 6)).toHaveLength(14);
  });

  it('drops for the model that is at its limit, and goes on with the others', () => {
    const parts = [{ model: open(100, { maxInFlight: 1 }) }, { model: open(10) }];
    const schedule = createSchedule({ model: { kind: 'mixed', parts }, order: 'random', uris: uris(1), seed: 1 });
    const users: number[] = [];
    while (schedule.take(995)) users.push(schedule.user);
    expect([users.filter((user) => user === 0).length, users.filter((user) => user === 1).length]).toEqual([1, 10]);
    expect(schedule.dropped).toBe(99);
  });

  it('refuses a part that asks for no URI of the list', () => {
    const model: LoadModel = { kind: 'mixed', parts: [{ model: open(1), uris: '/nowhere/*' }] };
    expect(() => createSchedule({ model, order: 'random', uris: uris(2), seed: 1 })).toThrow(
      'uris: /nowhere/*: matches no URI of the list',
    );
  });
});

it('shuffled order that would take too much memory is refused before anything is allocated', () => {
  const model = closed(100_000, 0, 0);
  expect(() => createSchedule({ model, order: 'shuffled', uris: uris(600), seed: 1 })).toThrow('120 MB');
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
