import { Client, type Dispatcher } from 'undici';
import { failureKind } from './failure.js';
import type { Flight } from './flight.js';
import type { PreparedRequest } from './requests.js';

/** Sends requests; one keep-alive connection for each that is in flight, reused by the next. */
export interface Wire {
  send(request: PreparedRequest, flight: Flight): void;
  /** Closes every connection. */
  close(): Promise<void>;
}

/**
 * HTTP/1.1 by undici's dispatch: no body buffering, no redirects, no automatic retries of a request that was sent.
 * Connections are kept here and not in undici's Pool, which takes a connection for busy until the turn after its answer and would open
 * more of them than there are requests in flight.
 */
export function undiciWire(connectTimeoutMs: number): Wire {
  const all: Client[] = [];
  const idle = new Map<string, Client[]>();
  const connect = (origin: string): Client => {
    // The flight's own timeout covers the whole answer; undici's two partial ones would cost timers.
    const client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: connectTimeoutMs },
      allowH2: false,
    });
    all.push(client);
    return client;
  };
  return {
    send({ origin, path, method, headers }, flight) {
      const free = idle.get(origin) ?? [];
      idle.set(origin, free);
      const client = free.pop() ?? connect(origin);
      flight.onWireFree = () => free.push(client);
      try {
        client.dispatch({ path, method: method as Dispatcher.HttpMethod, headers }, flight);
      } catch (error) {
        flight.fail(failureKind(error));
      }
    },
    async close() {
      await Promise.all(all.map((client) => client.destroy()));
    },
  };
}
