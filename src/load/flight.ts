import type { Dispatcher } from 'undici';
import { failureKind, GivenUp } from './failure.js';
import type { TextScanner } from './scan.js';
import type { Slot } from './schedule.js';

/** Bodies are read to their end up to this size; a larger one is a failure, so that it cannot hold a user for ever. */
export const LARGEST_BODY_BYTES = 8 * 1024 * 1024;

export type FlightOutcome =
  | { readonly kind: 'answer'; readonly status: number; readonly found: readonly boolean[] }
  | { readonly kind: 'broken'; readonly failure: string };

export interface FlightTimes {
  /** Clock reading at which it was due. */
  readonly intendedAt: number;
  /** Clock reading at which it was sent. */
  readonly sentAt: number;
}

/** One request on the wire: reads the answer to its end without keeping it, and ends exactly once. */
export class Flight implements Dispatcher.DispatchHandler {
  readonly slot: Slot;
  readonly times: FlightTimes;
  /** Called once when the connection can take another request; that is later than the end of a flight that was given up. */
  onWireFree: () => void = () => {};
  readonly #scanner: TextScanner;
  readonly #received: (bytes: number) => void;
  readonly #end: (flight: Flight, outcome: FlightOutcome) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #bytes = 0;
  #ended: GivenUp | true | undefined;

  constructor(options: {
    slot: Slot;
    times: FlightTimes;
    scanner: TextScanner;
    received: (bytes: number) => void;
    end: (flight: Flight, outcome: FlightOutcome) => void;
  }) {
    this.slot = options.slot;
    this.times = options.times;
    this.#scanner = options.scanner;
    this.#received = options.received;
    this.#end = options.end;
  }

  /** Ends it now as a failure; the connection is closed, or refused as soon as it is there. */
  giveUp(kind: 'timeout' | 'too-large'): void {
    if (this.#ended) return;
    const reason = new GivenUp(kind);
    this.#finish({ kind: 'broken', failure: kind }, reason);
    this.#controller?.abort(reason);
  }

  /** It could not be put on the wire at all. */
  fail(failure: string): void {
    this.onWireFree();
    this.#finish({ kind: 'broken', failure });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended instanceof GivenUp) controller.abort(this.#ended);
  }

  /** Also called for 1xx answers; the last one counts. */
  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    this.#bytes += chunk.length;
    this.#received(chunk.length);
    if (this.#bytes > LARGEST_BODY_BYTES) this.giveUp('too-large');
    else this.#scanner.push(chunk);
  }

  onResponseEnd(): void {
    this.onWireFree();
    this.#finish({ kind: 'answer', status: this.#status, found: this.#scanner.found });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.onWireFree();
    this.#finish({ kind: 'broken', failure: failureKind(error) });
  }

  #finish(outcome: FlightOutcome, reason: GivenUp | true = true): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#end(this, outcome);
  }
}
