import { createRequire } from 'node:module';
import type { Client, Dispatcher } from 'undici';
import type { Problem } from '../base/errors.js';
import { failureKind, failureReason, GivenUp } from './failure.js';
import { type Carrier, type Flight, LARGEST_BODY_BYTES, WAITING } from './flight.js';
import type { PreparedRequest } from './requests.js';
import type { LoadSpec } from './types.js';
import type { FlightSink, Wire } from './wire.js';

const require = createRequire(import.meta.url);

/** What only the node engine can do. @returns a problem for each that is asked for: none is passed over in silence. */
export function undiciLacks(spec: LoadSpec): Problem[] {
  const asked: readonly (readonly [boolean, string])[] = [
    [spec.connections === 'per-user', 'one connection a user (--connections per-user)'],
    [(spec.freshShare ?? 0) > 0, 'requests on connections of their own (--fresh-connections)'],
    [(spec.followRedirects ?? 0) > 0, 'following of redirects (--follow-redirects)'],
    [spec.firstByteTimeoutMs !== undefined, 'a limit for the first byte (--first-byte-timeout)'],
  ];
  return asked
    .filter(([given]) => given)
    .map(([, what]) => ({
      path: 'engine undici',
      message: `has no ${what}`,
      hint: 'leave it out, or use --engine node',
    }));
}

/**
 * HTTP/1.1 by undici's dispatch: no body buffering, no redirects, no automatic retries of a request that was sent.
 * Connections are kept here and not in undici's Pool, which takes a connection for busy until the turn after its answer and would open
 * more of them than there are requests in flight.
 */
export function undiciWire(requests: readonly PreparedRequest[], spec: LoadSpec, sink: FlightSink): Wire {
  // Loaded when it is asked for: it takes a tenth of a second, and the load usually goes without it.
  const { Client } = require('undici') as typeof import('undici');
  const all: Client[] = [];
  const idle = new Map<string, Client[]>();
  const connect = (origin: string): Client => {
    // The flight's own timeout covers the whole answer; undici's two partial ones would cost timers.
    const client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout: spec.connectTimeoutMs ?? spec.timeoutMs,
        rejectUnauthorized: spec.tls?.insecure !== true,
        ...(spec.tls?.ca === undefined ? {} : { ca: spec.tls.ca }),
      },
      allowH2: false,
    });
    all.push(client);
    return client;
  };
  return {
    dialled: 0,
    send(flight) {
      const { origin, path, method, headers, body } = requests[flight.uri] as PreparedRequest;
      const free = idle.get(origin) ?? [];
      idle.set(origin, free);
      const client = free.pop() ?? connect(origin);
      const exchange = new Exchange(flight, sink, () => free.push(client));
      flight.carrier = exchange;
      // Whether it still waits for a connection only undici knows.
      flight.phase = WAITING;
      try {
        client.dispatch({ path, method: method as Dispatcher.HttpMethod, headers, body: body ?? null }, exchange);
      } catch (error) {
        exchange.fail(error);
      }
    },
    async close() {
      await Promise.all(all.map((client) => client.destroy()));
    },
  };
}

/** What undici tells about one request. */
class Exchange implements Dispatcher.DispatchHandler, Carrier {
  version = '';
  window = 0;
  born = 0;
  readonly #sink: FlightSink;
  /** Called once when the connection can take another request; that is later than the end of a flight that was given up. */
  readonly #onFree: () => void;
  /** Undefined once it has ended. */
  #flight: Flight | undefined;
  #givenUp: GivenUp | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;

  constructor(flight: Flight, sink: FlightSink, onFree: () => void) {
    this.#flight = flight;
    this.#sink = sink;
    this.#onFree = onFree;
  }

  abandon(): void {
    this.#giveUp('timeout');
  }

  /** It could not be put on the wire at all. */
  fail(error: unknown): void {
    this.#onFree();
    this.#end((flight) =>
      this.#sink.broken(flight, failureKind(error), error instanceof Error ? failureReason(error) : undefined),
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#givenUp) controller.abort(this.#givenUp);
  }

  /** Also called for 1xx answers; the last one counts. */
  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const flight = this.#flight;
    if (!flight) return;
    flight.bytes += chunk.length;
    this.#sink.received(chunk.length);
    if (flight.bytes > LARGEST_BODY_BYTES) {
      this.#end((ended) => this.#sink.broken(ended, 'too-large'));
      this.#giveUp('too-large');
    } else flight.scanner.push(chunk, 0, chunk.length);
  }

  onResponseEnd(): void {
    this.#onFree();
    this.#end((flight) => this.#sink.answered(flight, this.#status));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#onFree();
    this.#end((flight) =>
      this.#sink.broken(flight, failureKind(error), error instanceof Error ? failureReason(error) : undefined),
    );
  }

  #giveUp(kind: 'timeout' | 'too-large'): void {
    this.#flight = undefined;
    this.#givenUp = new GivenUp(kind);
    this.#controller?.abort(this.#givenUp);
  }

  /** Not in this call: a request that fails at once would send the next from inside itself, without end. */
  #end(tell: (flight: Flight) => void): void {
    const flight = this.#flight;
    if (!flight) return;
    this.#flight = undefined;
    queueMicrotask(() => {
      // Abandoned in between: it has ended there.
      if (flight.carrier === this) tell(flight);
    });
  }
}
