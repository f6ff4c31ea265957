import type { PreparedRequest } from '../requests.js';
import type { FlightSink, Wire } from '../wire.js';
import { Connection, type ConnectionOwner, type Endpoint, endpointOf, type WireRequest } from './connection.js';
import { HeadMemo } from './headMemo.js';
import { requestBytes } from './requestBytes.js';

interface Target extends WireRequest {
  readonly pool: Pool;
}

/** HTTP/1.1 on `node:net` and `node:tls`: request bytes made once, answers parsed where they were read. */
export function nodeWire(requests: readonly PreparedRequest[], sink: FlightSink): Wire {
  const pools = new Map<string, Pool>();
  const targets = requests.map((request): Target => {
    const pool = pools.get(request.origin) ?? new Pool(endpointOf(request.origin), sink);
    pools.set(request.origin, pool);
    return { bytes: requestBytes(request), toHead: request.method === 'HEAD', memo: new HeadMemo(), pool };
  });
  return {
    send(flight) {
      const target = targets[flight.uri] as Target;
      target.pool.take().request(flight, target);
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}

/** The connections to one server; the one that became free last is used first. */
class Pool implements ConnectionOwner {
  readonly #endpoint: Endpoint;
  readonly #sink: FlightSink;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  #onEmpty: () => void = () => {};

  constructor(endpoint: Endpoint, sink: FlightSink) {
    this.#endpoint = endpoint;
    this.#sink = sink;
  }

  take(): Connection {
    // Dead ones are dropped when they come up: a new one is only opened when none is left, so they do not pile up.
    for (let free = this.#idle.pop(); free; free = this.#idle.pop()) if (free.usable) return free;
    const connection = new Connection(this.#endpoint, this, this.#sink);
    this.#all.add(connection);
    return connection;
  }

  free(connection: Connection): void {
    this.#idle.push(connection);
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
