import type { Hop } from './http1/redirects.js';
import { TextScanner } from './scan.js';
import type { Timed } from './timingWheel.js';

/** Bodies are read to their end up to this size; a larger one is a failure, so that it cannot hold a user for ever. */
export const LARGEST_BODY_BYTES = 8 * 1024 * 1024;

/** What a flight waits for. */
export const CONNECTING = 0;
export const WAITING = 1;
export const READING = 2;
type Phase = typeof CONNECTING | typeof WAITING | typeof READING;

/** What has a flight under way. */
export interface Carrier {
  /** The latest that an answer on it has told. */
  version: string;
  /** The window of the books in which that was; 0: no answer has told one. */
  window: number;
  /** The window of the books in which the connection was established; 0: it was not yet. */
  born: number;
  /** Ends it without telling the sink. */
  abandon(): void;
  /** The start of what has been received of the answer; a copy. Only while the sink is told of its end. Undefined: not known. */
  excerpt?(): Buffer;
}

/** One request between sending and the end of its answer. Used again for later requests, so that none is allocated while the load runs. */
export class Flight implements Timed<Flight> {
  user = 0;
  /** Position in the URI list. */
  uri = 0;
  /** Clock reading at which it was due. */
  intendedAt = 0;
  /** Clock reading at which it was sent. */
  sentAt = 0;
  /** Of the body so far. */
  bytes = 0;
  /** It gets a connection of its own, which then ends. */
  fresh = false;
  /** Set by the wire: the redirects that it has followed; undefined: none. */
  hop: Hop | undefined;
  /** Set by the wire: number of the connection, 0 when it is not known. */
  connection = 0;
  /** Set by the wire. */
  phase: Phase = WAITING;
  /** Set by the wire while it is under way. */
  carrier: Carrier | undefined;
  readonly scanner: TextScanner;
  dueAt = 0;
  slot = -1;
  previous: Flight | undefined;
  next: Flight | undefined;

  constructor(needles: readonly Buffer[]) {
    this.scanner = new TextScanner(needles);
  }
}
