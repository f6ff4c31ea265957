import { TextScanner } from './scan.js';

/** Bodies are read to their end up to this size; a larger one is a failure, so that it cannot hold a user for ever. */
export const LARGEST_BODY_BYTES = 8 * 1024 * 1024;

/** Ends what a flight has under way. */
export interface Carrier {
  /** Closes the connection without telling the sink. @returns the class of the failure. */
  abandon(): 'timeout' | 'connect-timeout';
}

/** One request between sending and the end of its answer. Used again for later requests, so that none is allocated while the load runs. */
export class Flight {
  user = 0;
  /** Position in the URI list. */
  uri = 0;
  /** Clock reading at which it was due. */
  intendedAt = 0;
  /** Clock reading at which it was sent. */
  sentAt = 0;
  /** Of the body so far. */
  bytes = 0;
  /** Set by the wire while it is under way. */
  carrier: Carrier | undefined;
  readonly scanner: TextScanner;
  /** Neighbours in the list of flights. */
  previous: Flight | undefined;
  next: Flight | undefined;

  constructor(needles: readonly Buffer[]) {
    this.scanner = new TextScanner(needles);
  }
}

/** The flights under way in the order of sending, and so of their deadlines; ended ones are kept for reuse. */
export class Flights {
  readonly #needles: readonly Buffer[];
  readonly #spare: Flight[] = [];
  #first: Flight | undefined;
  #last: Flight | undefined;
  #size = 0;

  /** @param needles texts that every flight's scanner looks for. */
  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
  }

  get size(): number {
    return this.#size;
  }

  /** The one that was sent first. */
  get first(): Flight | undefined {
    return this.#first;
  }

  /** A flight at the end of the list, its counts at 0. */
  add(): Flight {
    const flight = this.#spare.pop() ?? new Flight(this.#needles);
    flight.bytes = 0;
    flight.scanner.reset();
    flight.previous = this.#last;
    if (this.#last) this.#last.next = flight;
    else this.#first = flight;
    this.#last = flight;
    this.#size++;
    return flight;
  }

  /** Takes it out; it may come back from the next `add`. */
  remove(flight: Flight): void {
    const { previous, next } = flight;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    flight.previous = undefined;
    flight.next = undefined;
    flight.carrier = undefined;
    this.#size--;
    this.#spare.push(flight);
  }
}
