import type { FlightSink } from '../wire.js';
import { Connection, type ConnectionOwner } from './connection.js';
import type { Dialer } from './dial.js';

/** Keeps connections that are free. Dead ones may be among them. */
interface Shelf {
  take(user: number): Connection | undefined;
  put(connection: Connection, user: number): void;
}

/** Everybody's: the one that became free last is used first. */
class SharedShelf implements Shelf {
  readonly #free: Connection[] = [];

  take(): Connection | undefined {
    return this.#free.pop();
  }

  put(connection: Connection): void {
    this.#free.push(connection);
  }
}

/** Each user's own. */
class OwnShelf implements Shelf {
  readonly #free: (Connection | undefined)[] = [];

  take(user: number): Connection | undefined {
    const free = this.#free[user];
    this.#free[user] = undefined;
    return free;
  }

  put(connection: Connection, user: number): void {
    this.#free[user] = connection;
  }
}

/** The connections to one server. */
export class Pool implements ConnectionOwner {
  readonly #dialer: Dialer;
  readonly #sink: FlightSink;
  readonly #nextId: () => number;
  readonly #all = new Set<Connection>();
  readonly #shelf: Shelf;
  #onEmpty: () => void = () => {};

  /** @param perUser no user takes the connection of another. @param nextId numbers connections. */
  constructor(dialer: Dialer, perUser: boolean, nextId: () => number, sink: FlightSink) {
    this.#dialer = dialer;
    this.#sink = sink;
    this.#nextId = nextId;
    this.#shelf = perUser ? new OwnShelf() : new SharedShelf();
  }

  /** One that can take the user's next request. */
  take(user: number): Connection {
    // Dead ones are dropped when they come up: a new one is only opened when none is left, so they do not pile up.
    for (let free = this.#shelf.take(user); free; free = this.#shelf.take(user)) if (free.usable) return free;
    return this.open();
  }

  open(): Connection {
    const connection = new Connection(this.#nextId(), this.#dialer, this, this.#sink);
    this.#all.add(connection);
    return connection;
  }

  free(connection: Connection, user: number): void {
    this.#shelf.put(connection, user);
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
