import type { FlightSink } from '../wire.js';
import { Connection, type ConnectionOwner } from './connection.js';
import type { Dialer } from './dial.js';
import type { Excerpts } from './excerpt.js';

/** Free connections by user, the one that became free last on top. Dead ones may be among them. */
class Shelf {
  readonly #top: (Connection | undefined)[] = [];

  take(user: number): Connection | undefined {
    const free = this.#top[user];
    this.#top[user] = free?.below;
    return free;
  }

  put(connection: Connection, user: number): void {
    connection.below = this.#top[user];
    this.#top[user] = connection;
  }
}

/** The connections to one server. */
export class Pool implements ConnectionOwner {
  readonly #dialer: Dialer;
  readonly #excerpts: Excerpts;
  readonly #sink: FlightSink;
  readonly #nextId: () => number;
  readonly #all = new Set<Connection>();
  readonly #shelf = new Shelf();
  readonly #perUser: boolean;
  #onEmpty: () => void = () => {};

  /** @param perUser no user takes the connection of another; arrivals of an open model share one user's number. @param nextId numbers connections. */
  constructor(dialer: Dialer, perUser: boolean, excerpts: Excerpts, nextId: () => number, sink: FlightSink) {
    this.#excerpts = excerpts;
    this.#dialer = dialer;
    this.#sink = sink;
    this.#nextId = nextId;
    this.#perUser = perUser;
  }

  /** One that can take the user's next request. */
  take(user: number): Connection {
    // Dead ones are dropped when they come up: a new one is only opened when none is left, so they do not pile up.
    const whose = this.#perUser ? user : 0;
    for (let free = this.#shelf.take(whose); free; free = this.#shelf.take(whose)) if (free.usable) return free;
    return this.open();
  }

  open(): Connection {
    const connection = new Connection(this.#nextId(), this.#dialer, this.#excerpts, this, this.#sink);
    this.#all.add(connection);
    return connection;
  }

  /** Opens connections for requests to come. */
  openAhead(count: number): void {
    for (let opened = 0; opened < count; opened++) this.#shelf.put(this.open(), 0);
  }

  free(connection: Connection, user: number): void {
    this.#shelf.put(connection, this.#perUser ? user : 0);
  }

  closed(connection: Connection): void {
    this.#all.delete(connection);
    if (this.#all.size === 0) this.#onEmpty();
  }

  async close(): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const connection of this.#all) connection.destroy();
    if (this.#all.size > 0) await empty;
  }
}
