import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { millis } from '../../src/base/units.js';
import { FreshArm } from '../../src/load/freshArm.js';
import { refuseTooManyUsers } from '../../src/load/limits.js';
import { startLoad } from '../../src/load/start.js';
import type { LoadSpec } from '../../src/load/types.js';
import { loadSpec, until, uri } from '../support/load.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server whose listener is told the number of the connection and of the request on it, both from 0. */
async function serve(
  answer: (request: IncomingMessage, connection: number, nth: number) => string,
  listener?: RequestListener,
) {
  const numbers = new Map<Socket, { connection: number; requests: number }>();
  const server = createServer((request, response) => {
    const seen = numbers.get(request.socket) ?? { connection: numbers.size, requests: 0 };
    numbers.set(request.socket, seen);
    if (listener) listener(request, response);
    else response.end(answer(request, seen.connection, seen.requests++));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => numbers.size };
}

const users = (count: number, thinkMs = 0) =>
  ({ kind: 'closed', users: count, thinkTime: { kind: 'constant', ms: millis(thinkMs) } }) as const;
const load = (url: string, extra: Partial<LoadSpec> = {}) =>
  startLoad(loadSpec(url, { model: users(4), ...extra }), { clock: systemClock }).finished;
const marker = { uri: '/d', versions: { v1: 'one', v2: 'two' }, failed: undefined };

describe('one connection a user', () => {
  it('is kept through think time, and nobody else uses it', async () => {
    const byUser = new Map<string, Set<number>>();
    const server = await serve((request, connection) => {
      const user = request.headers.cookie ?? '';
      byUser.set(user, (byUser.get(user) ?? new Set()).add(connection));
      return 'ok';
    });
    const model = users(12, 15);
    const { counts } = await load(server.url, { model, connections: 'per-user', maxRequests: 120 });
    expect(counts).toMatchObject({ sent: 120, failed: 0, connections: { opened: 12, fresh: 0 } });
    expect(server.connections()).toBe(12);
  });

  it('is fewer connections when they are shared and users think', async () => {
    const server = await serve(() => 'ok');
    // One after the other: each user's first request is due 60 ms after the one before.
    const model = users(5, 300);
    const { counts } = await load(server.url, { model, connections: 'shared', maxRequests: 5 });
    expect(counts.failed).toBe(0);
    expect(server.connections()).toBeLessThan(5);
  });

  it('is opened again after it died, and the request that died with it is counted as what it was', async () => {
    const server = await serve(
      () => '',
      (request, response) => {
        if (request.url === '/die') request.socket.resetAndDestroy();
        else response.end('ok');
      },
    );
    const uris = [uri('/a'), uri('/die')];
    const { counts } = await load(server.url, { model: users(1), uris, connections: 'per-user', maxRequests: 6 });
    expect(counts).toMatchObject({ sent: 6, unmarked: 3, failed: 3, errors: { reset: 3 } });
    expect(counts.connections?.opened).toBe(server.connections());
    expect(server.connections()).toBeGreaterThanOrEqual(3);
  });
});

it('what undici cannot do is refused, each by its option', () => {
  const asked = { connections: 'per-user', freshShare: 0.1, followRedirects: 1, firstByteTimeoutMs: 5 } as const;
  expect(() => load('http://127.0.0.1:1', { engine: 'undici', ...asked })).toThrow(
    /--connections per-user.*\n.*\n.*--fresh-connections.*\n.*\n.*--follow-redirects.*\n.*\n.*--first-byte-timeout/,
  );
});

test.each<[string, Partial<LoadSpec>, number | undefined, boolean]>([
  ['as many users as there are files', { connections: 'per-user', model: users(1000) }, 1000, true],
  ['room for all of them', { connections: 'per-user', model: users(1000) }, 1100, false],
  ['fewer requests than users', { connections: 'per-user', model: users(1000), maxRequests: 10 }, 1000, false],
  ['connections that are shared', { connections: 'shared', model: users(1000) }, 1000, false],
  ['a limit that is not known', { connections: 'per-user', model: users(1000) }, undefined, false],
])('a connection each is refused where it cannot be: %s', (_case, extra, openFiles, refused) => {
  const check = () => refuseTooManyUsers(loadSpec('http://127.0.0.1:1', extra), { openFiles, localPorts: undefined });
  if (refused) expect(check).toThrow(/1000 users.*may open 1000 files\n.*ulimit -n 1050/);
  else expect(check).not.toThrow();
});

describe('requests on connections of their own', () => {
  it('say so, end their connection, and are the share that was asked for', async () => {
    let close = 0;
    const server = await serve((request, _connection, nth) => {
      if (request.headers.connection === 'close') {
        close++;
        expect(nth).toBe(0);
      }
      return 'ok';
    });
    const { counts } = await load(server.url, { freshShare: 0.25, maxRequests: 400 });
    expect(counts).toMatchObject({ unmarked: 400, failed: 0 });
    expect(counts.connections?.fresh).toBe(close);
    expect(counts.connections?.opened).toBe(server.connections());
    // Those, and at most one kept for each user.
    expect(server.connections() - close).toBeLessThanOrEqual(4);
    // 400 draws at 0.25: beyond 60..140 with a probability below 1e-5.
    expect(close).toBeGreaterThan(60);
    expect(close).toBeLessThan(140);
  });

  it('are all of them when everything is asked for', async () => {
    const server = await serve(() => 'ok');
    const { counts } = await load(server.url, { freshShare: 1, maxRequests: 20, connections: 'per-user' });
    expect(counts).toMatchObject({ unmarked: 20, connections: { opened: 20, fresh: 20 } });
    expect(server.connections()).toBe(20);
  });

  it('can be switched on while the load runs, and off again', async () => {
    const server = await serve(() => 'ok');
    const run = startLoad(loadSpec(server.url, { model: users(2, 1), connections: 'per-user' }), {
      clock: systemClock,
    });
    await until(() => run.counts().ended >= 20);
    expect(run.counts().connections).toMatchObject({ opened: 2, fresh: 0 });
    run.setFreshShare?.(1);
    await until(() => (run.counts().connections?.fresh ?? 0) >= 20);
    run.setFreshShare?.(0);
    const { sent, connections } = run.counts();
    await until(() => run.counts().ended >= sent + 20);
    const { counts } = await run.stop();
    expect(counts.failed).toBe(0);
    expect(counts.connections?.fresh).toBe(connections?.fresh);
    expect(counts.connections?.opened).toBe(server.connections());
  });

  test('each user draws from a stream of his own', () => {
    const draws = (arm: FreshArm, user: number) => Array.from({ length: 50 }, () => arm.takesNext(user));
    const alone = draws(new FreshArm(0.3, 5), 1);
    const crowded = new FreshArm(0.3, 5);
    draws(crowded, 0);
    draws(crowded, 2);
    expect(draws(crowded, 1)).toEqual(alone);
    expect(draws(new FreshArm(0.3, 6), 1)).not.toEqual(alone);
    expect(draws(new FreshArm(0, 5), 1)).not.toContain(true);
    expect(draws(new FreshArm(1, 5), 1)).not.toContain(false);
  });
});

describe('what connections tell of the unit of choice', () => {
  const uris = [uri('/d'), uri('/other')];
  it('a version chosen per connection never changes on one', async () => {
    const server = await serve((_request, connection) => (connection % 3 === 0 ? 'two' : 'one'));
    const { counts } = await load(server.url, {
      uris,
      marker,
      model: users(6),
      maxRequests: 240,
      connections: 'per-user',
    });
    const { connections, versions } = counts;
    expect(connections).toMatchObject({ opened: 6, first: { v1: 4, v2: 2 } });
    // Every second answer tells one; each connection's first has no predecessor.
    expect(connections?.pairs).toBe((versions.v1 ?? 0) + (versions.v2 ?? 0) - 6);
    expect(connections?.agreeing).toBe(connections?.pairs);
  });

  it('a version that alternates on each connection never agrees', async () => {
    const server = await serve((request, _connection, nth) =>
      request.url === '/d' && (nth >> 1) % 2 === 0 ? 'two' : 'one',
    );
    const { counts } = await load(server.url, {
      uris,
      marker,
      model: users(1),
      maxRequests: 40,
      connections: 'per-user',
    });
    expect(counts.connections).toEqual({ opened: 1, fresh: 0, pairs: 19, agreeing: 0, first: { v2: 1 } });
  });

  it('each window begins anew: what an earlier one told is no predecessor, and what it was opened for no draw', async () => {
    let version = 'one';
    const server = await serve(() => version);
    const spec = loadSpec(server.url, { uris: [uri('/d')], marker, model: users(1, 1), connections: 'per-user' });
    const run = startLoad(spec, { clock: systemClock });
    await until(() => run.counts().ended >= 5);
    await run.pause();
    version = 'two';
    run.resetWindow();
    run.resume();
    await until(() => (run.counts().versions.v2 ?? 0) >= 5);
    const { connections, ended } = (await run.stop()).counts;
    expect(connections).toMatchObject({ opened: 1, first: { v1: 1 }, pairs: ended - 2, agreeing: ended - 2 });
  });

  it('connections of one request have a first version and no pairs', async () => {
    const server = await serve(() => 'one');
    const { counts } = await load(server.url, { uris, marker, freshShare: 1, maxRequests: 20 });
    expect(counts.connections).toEqual({ opened: 20, fresh: 20, pairs: 0, agreeing: 0, first: { v1: 10 } });
  });
});
