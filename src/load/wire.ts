import { type Dispatcher, Pool } from 'undici';
import { failureKind } from './failure.js';
import type { Flight } from './flight.js';
import type { PreparedRequest } from './requests.js';

/** Sends requests; one keep-alive connection for each that is in flight, reused by the next. */
export interface Wire {
  send(request: PreparedRequest, flight: Flight): void;
  /** Closes every connection. */
  close(): Promise<void>;
}

/** HTTP/1.1 by undici's dispatch: no body buffering, no redirects, no automatic retries. */
export function undiciWire(timeoutMs: number): Wire {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (!pool) {
      // The flight's own timeout covers the whole answer; undici's two partial ones would cost timers.
      pool = new Pool(origin, {
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
        connect: { timeout: timeoutMs },
        allowH2: false,
      });
      pools.set(origin, pool);
    }
    return pool;
  };
  return {
    send(request, flight) {
      try {
        poolOf(request.origin).dispatch(
          { path: request.path, method: request.method as Dispatcher.HttpMethod, headers: request.headers },
          flight,
        );
      } catch (error) {
        flight.fail(failureKind(error));
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}
