import type { ClientCounts, ResponseTimeCounts, UriCounts } from '../load/types.js';
import type { ClientConnections, Observation, Observer } from './types.js';

/**
 * The client's own books: what the users of the load saw. Failures have no version, since a failed page does not tell who failed.
 * @param counts cumulative counts of the running load; undefined while none runs.
 * @param responseTimes of the counting window; default and undefined: none are judged.
 */
export function clientObserver(
  counts: () => ClientCounts | undefined,
  responseTimes: () => ResponseTimeCounts | undefined = () => undefined,
): Observer {
  let base: ClientCounts | undefined;
  return {
    vantagePoint: 'client',
    async check() {},
    async open() {
      base = counts();
      if (!base) throw new Error('no load is running');
    },
    async look() {
      const now = counts();
      if (!base || !now) return { status: 'no-data', vantagePoint: 'client', reason: 'no load is running' };
      return observation(base, now, responseTimes());
    },
    // Books are kept as answers end; nothing has to arrive.
    async settled() {
      return true;
    },
  };
}

function observation(
  base: ClientCounts,
  now: ClientCounts,
  responseTimes: ResponseTimeCounts | undefined,
): Observation {
  const versions = Object.entries(difference(now.versions, base.versions));
  return {
    status: 'ok',
    vantagePoint: 'client',
    rounding: 0,
    resets: 0,
    ...(now.connections ? { clientConnections: connectionsSince(now.connections, base.connections) } : {}),
    counts: {
      versions: Object.fromEntries(versions.map(([name, total]) => [name, { total, failed: 0 }])),
      unknown: { total: 0, failed: 0 },
      responses: {},
      foreign: {},
      unmarked: now.unmarked - base.unmarked,
      failed: now.failed - base.failed,
      sent: now.sent - base.sent,
      byUri: now.byUri.map((uri, index) => uriDifference(uri, base.byUri[index])),
      ...(responseTimes ? { responseTimes } : {}),
    },
  };
}

function connectionsSince(
  now: NonNullable<ClientCounts['connections']>,
  base: ClientCounts['connections'],
): ClientConnections {
  return {
    pairs: now.pairs - (base?.pairs ?? 0),
    agreeing: now.agreeing - (base?.agreeing ?? 0),
    first: difference(now.first, base?.first ?? {}),
  };
}

function uriDifference(now: UriCounts, base: UriCounts | undefined): UriCounts {
  return {
    uri: now.uri,
    versions: difference(now.versions, base?.versions ?? {}),
    unmarked: now.unmarked - (base?.unmarked ?? 0),
    failed: now.failed - (base?.failed ?? 0),
  };
}

function difference(now: Readonly<Record<string, number>>, base: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.entries(now).map(([name, count]) => [name, count - (base[name] ?? 0)]));
}
