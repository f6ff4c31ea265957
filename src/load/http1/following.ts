import type { Carrier, Flight } from '../flight.js';
import type { PreparedRequest } from '../requests.js';
import type { FlightSink } from '../wire.js';
import { splitAnswer } from './excerpt.js';
import { firstHop, isRedirect, nextHop, type RedirectRules } from './redirects.js';

/** Stands between the connections and the books, and sends a flight on where an answer redirects it: the books see its last answer only. */
export class Following implements FlightSink {
  readonly #requests: readonly PreparedRequest[];
  readonly #rules: RedirectRules;
  readonly #sink: FlightSink;
  readonly #resend: (flight: Flight, request: PreparedRequest) => void;

  /** @param resend puts the flight on the wire again. */
  constructor(
    requests: readonly PreparedRequest[],
    most: number,
    sink: FlightSink,
    resend: (flight: Flight, request: PreparedRequest) => void,
  ) {
    this.#requests = requests;
    this.#rules = { most, origins: new Set(requests.map(({ origin }) => origin)) };
    this.#sink = sink;
    this.#resend = resend;
  }

  answered(flight: Flight, status: number): void {
    const received = isRedirect(status) ? flight.carrier?.excerpt?.() : undefined;
    if (received) this.#follow(flight, status, received);
    else this.#sink.answered(flight, status);
  }

  #follow(flight: Flight, status: number, received: Buffer): void {
    const so = flight.hop ?? firstHop(this.#requests[flight.uri] as PreparedRequest);
    const hop = nextHop(so, status, splitAnswer(received).head.toString('latin1'), this.#rules);
    if ('failure' in hop) {
      this.#sink.broken(flight, hop.failure, hop.reason);
      return;
    }
    flight.hop = hop;
    flight.bytes = 0;
    flight.scanner.reset();
    this.#resend(flight, hop.latest);
    this.#sink.resent(flight);
  }

  opened(carrier: Carrier): void {
    this.#sink.opened(carrier);
  }

  connected(flight: Flight): void {
    this.#sink.connected(flight);
  }

  began(flight: Flight): void {
    this.#sink.began(flight);
  }

  resent(flight: Flight): void {
    this.#sink.resent(flight);
  }

  received(bytes: number): void {
    this.#sink.received(bytes);
  }

  broken(flight: Flight, failure: string, reason?: string): void {
    this.#sink.broken(flight, failure, reason);
  }
}
