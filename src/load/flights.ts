import { CONNECTING, Flight, WAITING } from './flight.js';
import { TimingWheel } from './timingWheel.js';

/** How long a request may take, ms. */
export interface TimeLimits {
  /** From the send to the end of the answer. */
  readonly wholeMs: number;
  /** From the send until the connection is established, TLS included; undefined: only the whole counts. */
  readonly connectMs: number | undefined;
  /** From the send, or from the moment the connection is established, to the first byte of the answer; undefined: only the whole counts. */
  readonly firstByteMs: number | undefined;
}

/** Found this much late at most, as a part of the shortest limit. */
const PRECISION = 0.05;
const [SHORTEST_TICK_MS, LONGEST_TICK_MS] = [1, 100];

/** The flights under way with their deadlines; ended ones are kept for reuse. No flight has a timer of its own. */
export class Flights {
  readonly #needles: readonly Buffer[];
  readonly #limits: TimeLimits;
  readonly #spare: Flight[] = [];
  readonly #wheel: TimingWheel<Flight>;

  /** @param needles texts that every flight's scanner looks for. @param now clock reading. */
  constructor(needles: readonly Buffer[], limits: TimeLimits, now: number) {
    this.#needles = needles;
    this.#limits = limits;
    const shortest = Math.min(limits.wholeMs, limits.connectMs ?? Infinity, limits.firstByteMs ?? Infinity);
    const tick = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, shortest * PRECISION));
    this.#wheel = new TimingWheel(tick, now);
  }

  get size(): number {
    return this.#wheel.size;
  }

  /** The clock reading at which `expire` has to look for the next time. */
  get nextLookAt(): number {
    return this.#wheel.nextTickAt;
  }

  /** A flight that is not under way yet, its counts at 0. */
  prepare(): Flight {
    const flight = this.#spare.pop() ?? new Flight(this.#needles);
    flight.bytes = 0;
    flight.hop = undefined;
    flight.scanner.reset();
    return flight;
  }

  /** The wire has taken it; its time runs from `sentAt`. */
  sent(flight: Flight): void {
    this.#wheel.add(flight, this.#dueAt(flight, flight.sentAt));
  }

  /** Its connection has just been established. @param now clock reading. */
  connected(flight: Flight, now: number): void {
    flight.phase = WAITING;
    this.#wheel.move(flight, this.#dueAt(flight, now));
  }

  /** The wire has sent it on after a redirect. @param now clock reading. */
  resent(flight: Flight, now: number): void {
    this.#wheel.move(flight, this.#dueAt(flight, now));
  }

  /** Its answer has begun. */
  began(flight: Flight): void {
    // Never earlier than it was: the wheel finds out by itself.
    flight.dueAt = flight.sentAt + this.#limits.wholeMs;
  }

  /** It has ended; it may come back from the next `prepare`. */
  ended(flight: Flight): void {
    this.#wheel.remove(flight);
    flight.carrier = undefined;
    this.#spare.push(flight);
  }

  /** Abandons what is out of time. @param told gets each with the class of its failure. */
  expire(now: number, told: (flight: Flight, failure: string) => void): void {
    this.#wheel.advance(now, (flight) => {
      flight.carrier?.abandon();
      told(flight, this.#failureOf(flight));
    });
  }

  #dueAt({ sentAt, phase }: Flight, phaseFrom: number): number {
    const { wholeMs, connectMs, firstByteMs } = this.#limits;
    const limit = phase === CONNECTING ? connectMs : phase === WAITING ? firstByteMs : undefined;
    return limit === undefined ? sentAt + wholeMs : Math.min(sentAt + wholeMs, phaseFrom + limit);
  }

  #failureOf({ phase, dueAt, sentAt }: Flight): string {
    if (phase === CONNECTING) return 'connect-timeout';
    return phase === WAITING && dueAt < sentAt + this.#limits.wholeMs ? 'first-byte-timeout' : 'timeout';
  }
}
