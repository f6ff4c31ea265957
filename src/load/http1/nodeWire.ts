import type { Flight } from '../flight.js';
import { hostHeaderOf, type PreparedRequest } from '../requests.js';
import type { LoadSpec } from '../types.js';
import type { FlightSink, Wire } from '../wire.js';
import type { WorkerShare } from '../workload/types.js';
import type { WireRequest } from './connection.js';
import { dialer, serverNameOf } from './dial.js';
import type { Excerpts } from './excerpt.js';
import { Following } from './following.js';
import { HeadMemo } from './headMemo.js';
import { Pool } from './pool.js';
import { requestBytes } from './requestBytes.js';

interface Target extends WireRequest {
  readonly pool: Pool;
  /** The same request, asking for the end of the connection. */
  readonly last: WireRequest;
}

interface NodeWireDeps {
  readonly excerpts: Excerpts;
  readonly sink: FlightSink;
  /** Which of several threads this is: the numbers of their connections differ. */
  readonly share?: WorkerShare | undefined;
}

/** Requests to which redirects led that are held ready; more of them are made anew each time. */
const MOST_HOPS = 1000;

/** HTTP/1.1 on `node:net` and `node:tls`: request bytes made once, answers parsed where they were read. */
export function nodeWire(
  requests: readonly PreparedRequest[],
  options: Pick<LoadSpec, 'connections' | 'tls' | 'freshShare' | 'followRedirects'>,
  { excerpts, sink, share = { index: 0, of: 1 } }: NodeWireDeps,
): Wire {
  const { connections, tls, freshShare = 0, followRedirects = 0 } = options;
  const pools = new Map<string, Pool>();
  const hops = new Map<string, Target>();
  const told =
    followRedirects > 0
      ? new Following(requests, followRedirects, sink, (flight, request) => send(flight, hopTo(flight.uri, request)))
      : sink;
  let dialled = 0;
  const nextId = () => share.index + 1 + share.of * dialled++;
  const poolOf = ({ origin, headers }: PreparedRequest): Pool => {
    const serverName = serverNameOf(origin, hostHeaderOf(headers));
    const key = origin.startsWith('https:') ? `${origin} ${serverName}` : origin;
    const pool =
      pools.get(key) ?? new Pool(dialer(origin, serverName, tls), connections === 'per-user', excerpts, nextId, told);
    pools.set(key, pool);
    return pool;
  };
  const targetOf = (request: PreparedRequest): Target => {
    const bytes = requestBytes(request, false);
    const target = { bytes, toHead: request.method === 'HEAD', memo: new HeadMemo() };
    const last = freshShare > 0 ? { ...target, bytes: requestBytes(request, true), memo: new HeadMemo() } : target;
    return { ...target, last, pool: poolOf(request) };
  };
  const hopTo = (uri: number, request: PreparedRequest): Target => {
    const key = `${uri} ${request.method} ${request.origin}${request.path}`;
    const target = hops.get(key) ?? targetOf(request);
    if (hops.size < MOST_HOPS) hops.set(key, target);
    return target;
  };
  const send = (flight: Flight, target: Target): void => {
    if (flight.fresh) target.pool.open().request(flight, target.last);
    else target.pool.take(flight.user).request(flight, target);
  };
  const targets = requests.map(targetOf);
  return {
    get dialled() {
      return dialled;
    },
    send: (flight) => send(flight, targets[flight.uri] as Target),
    openAhead(count) {
      for (const pool of pools.values()) pool.openAhead(Math.ceil(count / pools.size));
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}
