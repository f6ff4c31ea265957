import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { CONNECTING, type Flight, READING, WAITING } from '../../src/load/flight.js';
import { Flights, type TimeLimits } from '../../src/load/flights.js';
import { type Timed, TimingWheel } from '../../src/load/timingWheel.js';

class Entry implements Timed<Entry> {
  readonly id: number;
  dueAt = 0;
  slot = -1;
  previous: Entry | undefined;
  next: Entry | undefined;

  constructor(id: number) {
    this.id = id;
  }
}

/** The same by looking at everything, at the ends of ticks. */
class PlainWheel {
  readonly due = new Map<number, number>();
  readonly #tickMs: number;
  #done: number;

  constructor(tickMs: number, startedAt: number) {
    this.#tickMs = tickMs;
    this.#done = Math.floor(startedAt / tickMs);
  }

  /** Entries filed as already due are found at the next tick. */
  advance(now: number): number[] {
    const tick = Math.floor(now / this.#tickMs);
    if (tick <= this.#done) return [];
    this.#done = tick;
    const found = [...this.due].filter(([, dueAt]) => dueAt <= tick * this.#tickMs).map(([id]) => id);
    for (const id of found) this.due.delete(id);
    return found.sort((a, b) => a - b);
  }
}

describe('the timing wheel', () => {
  test('finds what a look at everything finds, whatever is filed, put off, moved and removed', () => {
    const id = fc.nat(20);
    // Up to three turns of the wheel at the shortest tick.
    const ahead = fc.oneof(fc.integer({ min: -20, max: 200 }), fc.nat(3500));
    const step = fc.oneof(
      fc.record({ op: fc.constant('add'), id, ahead }),
      fc.record({ op: fc.constant('later'), id, ahead: fc.nat(3500) }),
      fc.record({ op: fc.constant('move'), id, ahead }),
      fc.record({ op: fc.constant('remove'), id, ahead: fc.constant(0) }),
      fc.record({ op: fc.constant('advance'), id, ahead: fc.oneof(fc.nat(5), fc.nat(300), fc.nat(5000)) }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(1, 6, 50),
        fc.nat(10_000),
        fc.array(step, { maxLength: 120 }),
        (tickMs, startedAt, steps) => {
          const wheel = new TimingWheel<Entry>(tickMs, startedAt);
          const plain = new PlainWheel(tickMs, startedAt);
          const entries = Array.from({ length: 21 }, (_, index) => new Entry(index));
          let now = startedAt;
          for (const { op, id: index, ahead: by } of [...steps, { op: 'advance', id: 0, ahead: 20_000 }]) {
            const entry = entries[index] as Entry;
            const filed = plain.due.has(index);
            if (op === 'advance') {
              now += by;
              const found: number[] = [];
              wheel.advance(now, (expired) => found.push(expired.id));
              expect(found.sort((a, b) => a - b)).toEqual(plain.advance(now));
            } else if (op === 'remove') {
              wheel.remove(entry);
              plain.due.delete(index);
            } else if (op === 'add' && !filed) {
              wheel.add(entry, now + by);
              plain.due.set(index, now + by);
            } else if (op === 'move' && filed) {
              wheel.move(entry, now + by);
              plain.due.set(index, now + by);
            } else if (op === 'later' && filed) {
              entry.dueAt += by;
              plain.due.set(index, entry.dueAt);
            }
            expect(wheel.size).toBe(plain.due.size);
          }
          expect(wheel.size).toBe(0);
        },
      ),
      { seed: 9, numRuns: 400 },
    );
  });

  it('lets those it tells remove and file others meanwhile', () => {
    const wheel = new TimingWheel<Entry>(10, 0);
    const [first, second, third] = [new Entry(1), new Entry(2), new Entry(3)];
    wheel.add(first, 15);
    wheel.add(second, 15);
    const found: number[] = [];
    wheel.advance(20, (entry) => {
      found.push(entry.id);
      wheel.remove(entry === first ? second : first);
      // Due at once, but only the next tick finds it: this one ends.
      wheel.add(third, 5);
    });
    expect(found).toHaveLength(1);
    expect(wheel.size).toBe(1);
    wheel.advance(29, () => expect.unreachable());
    wheel.advance(30, (entry) => found.push(entry.id));
    expect(found[1]).toBe(3);
  });

  it('looks at an entry once a turn, not once a tick', () => {
    let looks = 0;
    const entry = new Entry(1);
    const wheel = new TimingWheel<Entry>(1, 0);
    wheel.add(entry, 10_000);
    Object.defineProperty(entry, 'dueAt', {
      get: () => {
        looks++;
        return 10_000;
      },
    });
    for (let now = 0; now < 10_000; now++) wheel.advance(now, () => expect.unreachable());
    expect(looks).toBeLessThan(3 * Math.ceil(10_000 / 1024));
  });
});

describe('the limits of a request', () => {
  const limits: TimeLimits = { wholeMs: 1000, connectMs: 200, firstByteMs: 300 };
  /** When and how a request that goes through these phases fails; [at, failure], or undefined when it does not within 3 s. */
  const failureOf = (given: Partial<TimeLimits>, connectedAt: number | undefined, beganAt: number | undefined) => {
    const flights = new Flights([], { ...limits, ...given }, 0);
    const flight = flights.prepare();
    let abandoned = 0;
    flight.carrier = { version: '', window: 0, born: 0, abandon: () => abandoned++ };
    flight.phase = connectedAt === 0 ? WAITING : CONNECTING;
    flight.sentAt = 0;
    flights.sent(flight);
    let failed: [number, string] | undefined;
    const tell = (at: number) => (_flight: Flight, failure: string) => {
      failed = [at, failure];
      flights.ended(_flight);
    };
    for (let now = 0; now <= 3000 && !failed; now++) {
      if (now === connectedAt && now > 0) flights.connected(flight, now);
      if (now === beganAt) {
        flight.phase = READING;
        flights.began(flight);
      }
      flights.expire(now, tell(now));
    }
    expect(abandoned).toBe(failed ? 1 : 0);
    return failed;
  };
  test.each<[string, Partial<TimeLimits>, number | undefined, number | undefined, number, string]>([
    ['never connected', {}, undefined, undefined, 200, 'connect-timeout'],
    [
      'never connected, without a limit of its own',
      { connectMs: undefined },
      undefined,
      undefined,
      1000,
      'connect-timeout',
    ],
    ['connected in time, then nothing: from then on', {}, 150, undefined, 450, 'first-byte-timeout'],
    ['on an old connection, then nothing', {}, 0, undefined, 300, 'first-byte-timeout'],
    ['no limit for the first byte', { firstByteMs: undefined }, 150, undefined, 1000, 'timeout'],
    ['a first byte that may take longer than the whole', { firstByteMs: 5000 }, 0, undefined, 1000, 'timeout'],
    ['begun in time, never ended', {}, 150, 440, 1000, 'timeout'],
    ['a whole that is shorter than the connect', { wholeMs: 100 }, undefined, undefined, 100, 'connect-timeout'],
  ])('%s', (_case, given, connectedAt, beganAt, at, failure) => {
    const [failedAt, how] = failureOf(given, connectedAt, beganAt) ?? [];
    expect(how).toBe(failure);
    expect(failedAt).toBeGreaterThanOrEqual(at);
    // Late by a twentieth of the shortest limit at most.
    expect(failedAt).toBeLessThanOrEqual(at + 10);
  });
});
