import type { Carrier, Flight } from './flight.js';

/** Sends requests over keep-alive connections, one request at a time on each; nothing is retried or kept, and a redirect is an answer unless following was asked for. */
export interface Wire {
  /** Puts the request of the flight's URI on the wire and sets its phase. The sink is told its end later, never within this call. */
  send(flight: Flight): void;
  /** Connections that were begun; 0 where the wire does not tell. */
  readonly dialled: number;
  /** Opens connections, spread over the servers, that the first requests will find. A wire may leave it out. */
  openAhead?(count: number): void;
  /** Closes every connection; resolves when they are closed. */
  close(): Promise<void>;
}

/** Is told what happens to flights; each ends exactly once, unless it is abandoned. */
export interface FlightSink {
  /** A connection was established. */
  opened(connection: Carrier): void;
  /** The connection that it waited for is established. */
  connected(flight: Flight): void;
  /** The first byte of its answer is there. */
  began(flight: Flight): void;
  /** It was redirected and is under way again, over what its phase says. */
  resent(flight: Flight): void;
  /** Bytes of a body; they have also been added to the flight's and given to its scanner. */
  received(bytes: number): void;
  /** A complete answer. */
  answered(flight: Flight, status: number): void;
  /** It ended without a complete answer. @param failure a key of `ClientCounts.errors`. @param reason more about it, for a person. */
  broken(flight: Flight, failure: string, reason?: string): void;
}
