import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { seededRandom } from '../../src/base/random.js';
import { millis } from '../../src/base/units.js';
import { LARGEST_BODY_BYTES } from '../../src/load/flight.js';
import type { LoadRun } from '../../src/load/loadRun.js';
import { startLoad } from '../../src/load/start.js';
import { LOAD_ENGINES, type LoadEngine, type LoadSpec } from '../../src/load/types.js';
import { expectBalanced, freePort, loadSpec, type Served, serveHttp, serveTcp, until, uri } from '../support/load.js';

const open: Served[] = [];
const runs: LoadRun[] = [];
const http = async (listener: RequestListener) => {
  const served = await serveHttp(listener);
  open.push(served);
  return served.url;
};
const tcp = async (onRequest: Parameters<typeof serveTcp>[0]) => {
  const served = await serveTcp(onRequest);
  open.push(served);
  return served.url;
};
let engine: LoadEngine = 'node';
const start = (baseUrl: string, extra: Partial<LoadSpec> = {}) => {
  const run = startLoad(loadSpec(baseUrl, { engine, ...extra }), { clock: systemClock });
  runs.push(run);
  return run;
};
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
  await Promise.all(runs.splice(0).map((run) => run.stop()));
});

describe.each(LOAD_ENGINES)('engine %s', (name) => {
  beforeEach(() => {
    engine = name;
  });

  const marker = { uri: '/d/*', versions: { v2: 'LoyaltyLevel' }, failed: 'offline' };

  describe('counting', () => {
    it('puts every request into exactly one account, equal to what the server gave', async () => {
      const given = { v1: 0, v2: 0, list: 0, offline: 0, error: 0 };
      const random = seededRandom(1);
      const url = await http((request, response) => {
        const draw = random();
        if (request.url === '/list') {
          if (draw < 0.1) given.offline++;
          else given.list++;
          response.end(draw < 0.1 ? '<h1>Sorry, offline</h1>' : '<h1>LoyaltyLevel in a list</h1>');
        } else if (draw < 0.1) {
          given.error++;
          response.writeHead(500).end('LoyaltyLevel');
        } else if (draw < 0.4) {
          given.v2++;
          // The text is cut by a chunk border.
          response.write('<td>Loyalty');
          setImmediate(() => response.end('Level</td>'));
        } else {
          given.v1++;
          response.end('<td>nothing</td>');
        }
      });
      const summary = await start(url, {
        uris: [uri('/list'), uri('/d/{id}')],
        variables: { id: '7' },
        marker,
        defaultVersion: 'v1',
        model: { kind: 'closed', users: 8, thinkTime: { kind: 'constant', ms: millis(0) } },
        maxRequests: 600,
      }).finished;
      expect(summary.counts).toMatchObject({
        sent: 600,
        ended: 600,
        versions: { v1: given.v1, v2: given.v2 },
        unmarked: given.list,
        failed: given.offline + given.error,
        dropped: 0,
        status: { 200: 600 - given.error, 500: given.error },
        errors: { 'offline-page': given.offline },
      });
      expect(summary.counts.byUri.map(({ uri: name }) => name)).toEqual(['/list', '/d/7']);
      expectBalanced(summary.counts);
      expect(summary.responseTime.count).toBe(600);
      expect(summary.serviceTime.count).toBe(600);
    });

    it('sends method, headers and no-cache, and takes a redirect as the answer', async () => {
      const seen: string[] = [];
      const url = await http((request, response) => {
        const {
          'cache-control': cache,
          'accept-encoding': encoding,
          'user-agent': agent,
          'x-own': own,
        } = request.headers;
        seen.push([request.method, request.url, cache, encoding, agent?.split('/')[0], own].join(' '));
        response.writeHead(302, { location: '/elsewhere' }).end();
      });
      const summary = await start(url, {
        uris: [uri('/a', { method: 'POST', headers: { 'X-Own': '1' } })],
        maxRequests: 1,
      }).finished;
      expect(seen).toEqual(['POST /a no-cache identity weighbridge 1']);
      expect(summary.counts).toMatchObject({ unmarked: 1, failed: 0, status: { 302: 1 } });
    });

    it('sends a body with its length, again and again', async () => {
      const seen = new Set<string>();
      const url = await http((request, response) => {
        let body = '';
        request.setEncoding('utf8').on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          seen.add(`${request.method} ${request.headers['content-length']} ${body.length} ${body.slice(0, 9)}`);
          response.end('ok');
        });
      });
      const { counts } = await start(url, {
        uris: [
          uri('/a', { method: 'PUT', body: { text: 'é {id}' } }),
          uri('/b', { method: 'POST', body: { base64: Buffer.alloc(300_000, 'x').toString('base64') } }),
          uri('/c', { method: 'DELETE', body: { text: 'x' } }),
        ],
        variables: { id: '7' },
        maxRequests: 12,
      }).finished;
      expect(counts).toMatchObject({ unmarked: 12, failed: 0 });
      expect([...seen].sort()).toEqual(['DELETE 1 1 x', 'POST 300000 300000 xxxxxxxxx', 'PUT 4 3 é 7']);
    });

    it('sends the next request out of the answer without think time: the loop sleeps between sweeps only', async () => {
      const url = await http((_request, response) => response.end('x'));
      let sleeps = 0;
      // Its first reading is such that a time since then, added to it, is often rounded to after the reading it came from.
      const origin = systemClock.now() - 512;
      let first = 3 * 2 ** -44;
      const clock: Clock = {
        ...systemClock,
        now() {
          const reading = millis(first || systemClock.now() - origin);
          first = 0;
          return reading;
        },
        sleepUntil(at, signal) {
          sleeps++;
          return systemClock.sleepUntil(millis(at + origin), signal);
        },
      };
      const model = { kind: 'closed', users: 4, thinkTime: { kind: 'constant', ms: millis(0) } } as const;
      const spec = loadSpec(url, { engine, model, maxRequests: 4000 });
      const { seconds, counts } = await startLoad(spec, { clock }).finished;
      expect(counts.ended).toBe(4000);
      // Ten sweeps a second, what the start and the end take; without the care, hundreds more.
      expect(sleeps).toBeLessThan(seconds * 10 + 60);
    });

    it('keeps one connection a user without think time', async () => {
      const connections = new Set<unknown>();
      const url = await http((request, response) => {
        connections.add(request.socket);
        response.end('x');
      });
      const model = { kind: 'closed', users: 5, thinkTime: { kind: 'constant', ms: millis(0) } } as const;
      const { counts } = await start(url, { model, maxRequests: 500 }).finished;
      expect(counts).toMatchObject({ unmarked: 500, failed: 0 });
      expect(connections.size).toBe(5);
    });
  });

  describe('bad servers are failures, and nothing hangs', () => {
    const raw = (text: string, end = true) =>
      tcp((socket) => {
        socket.write(text);
        if (end) socket.end();
      });
    test.each<[string, () => Promise<string>, string]>([
      ['sends garbage', () => raw('\x00\x01 this is no HTTP at all\r\n\r\n'), 'protocol'],
      ['closes without an answer', () => tcp((socket) => socket.end()), 'closed'],
      ['closes in the middle of the body', () => raw('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf'), 'closed'],
      ['breaks a chunked body', () => raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'), 'protocol'],
      ['resets', () => tcp((socket) => socket.resetAndDestroy()), 'reset'],
      ['never answers', () => tcp(() => {}), 'timeout'],
      ['never ends its body', () => raw('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf', false), 'timeout'],
      ['does not listen', async () => `http://127.0.0.1:${await freePort()}`, 'connect-refused'],
      ['sends endless headers', () => raw(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`, false), 'protocol'],
    ])('a server that %s', async (_case, serve, kind) => {
      const timeoutMs = kind === 'timeout' ? 150 : 20_000;
      const { counts } = await start(await serve(), { maxRequests: 6, timeoutMs }).finished;
      expect(counts).toMatchObject({ sent: 6, ended: 6, failed: 6, errors: { [kind]: 6 } });
      expectBalanced(counts);
    });

    it('a server that sends 100 MB: given up at the limit, memory stays flat', async () => {
      const chunk = Buffer.alloc(256 * 1024, 'x');
      const url = await http((_request, response) => {
        response.writeHead(200, { 'content-length': 400 * chunk.length });
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      });
      const { counts } = await start(url, { maxRequests: 4, marker, defaultVersion: 'v1' }).finished;
      expect(counts).toMatchObject({ failed: 4, errors: { 'too-large': 4 }, status: {} });
      expect(counts.bytesReceived).toBeLessThan(4 * (LARGEST_BODY_BYTES + 1024 * 1024));
    });

    it('a connection that was reset while nobody used it is replaced before the next request', async () => {
      const url = await tcp((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx', () =>
          setTimeout(() => socket.resetAndDestroy(), 10),
        );
      });
      const model = { kind: 'closed', users: 1, thinkTime: { kind: 'constant', ms: millis(60) } } as const;
      const { counts } = await start(url, { model, maxRequests: 4 }).finished;
      expect(counts).toMatchObject({ ended: 4, unmarked: 4, failed: 0 });
    });

    it('counts a timeout with its time and goes on with the next request of the same user', async () => {
      let calls = 0;
      const url = await http((_request, response) => {
        if (++calls > 1) response.end('ok');
      });
      const model = { kind: 'closed', users: 1, thinkTime: { kind: 'constant', ms: millis(0) } } as const;
      const summary = await start(url, { model, maxRequests: 3, timeoutMs: 120 }).finished;
      expect(summary.counts).toMatchObject({ ended: 3, unmarked: 2, errors: { timeout: 1 } });
      expect(summary.serviceTime.count).toBe(3);
      expect(summary.serviceTime.max).toBeGreaterThanOrEqual(120);
    });
  });

  describe('open model', () => {
    it('sends constant arrivals whatever the answers do, and counts what its limit refuses', async () => {
      const url = await http(() => {});
      const model = { kind: 'open', ratePerSecond: 200, arrivals: 'constant', maxInFlight: 10 } as const;
      const summary = await start(url, { model, durationMs: 500, timeoutMs: 2000 }).finished;
      expect(summary.counts.sent + summary.counts.dropped).toBe(100);
      expect(summary.counts).toMatchObject({ sent: 10, dropped: 90, errors: { timeout: 10 } });
      expect(summary.generator).toMatchObject({ valid: false, reason: expect.stringContaining('dropped') });
    });

    it('measures from the intended start: a blocked generator is late and says so', async () => {
      const url = await http((_request, response) => response.end('ok'));
      const model = { kind: 'open', ratePerSecond: 100, arrivals: 'constant', maxInFlight: 1000 } as const;
      const run = start(url, { model, durationMs: 600 });
      await until(() => run.counts().ended >= 5);
      const blockedUntil = performance.now() + 300;
      while (performance.now() < blockedUntil);
      const summary = await run.finished;
      expect(summary.counts).toMatchObject({ sent: 60, ended: 60, dropped: 0 });
      expect(summary.responseTime.max).toBeGreaterThanOrEqual(250);
      expect(summary.generator).toMatchObject({ valid: false, reason: expect.stringContaining('ran late') });
      expect(summary.generator.lateShare).toBeGreaterThan(0.2);
    });

    it('is healthy in a window that begins after the trouble, but not over the whole load', async () => {
      const url = await http((_request, response) => response.end('ok'));
      const model = { kind: 'open', ratePerSecond: 200, arrivals: 'constant', maxInFlight: 1000 } as const;
      const run = start(url, { model });
      await until(() => run.counts().ended >= 5);
      const blockedUntil = performance.now() + 300;
      while (performance.now() < blockedUntil);
      const behind = run.counts().sent + 60;
      await until(() => run.counts().sent >= behind);
      expect(run.health().valid).toBe(false);
      run.resetWindow();
      expect(run.health()).toMatchObject({ valid: true, lateShare: 0 });
      expect((await run.stop()).generator.valid).toBe(false);
    });
  });

  describe('pause and stop', () => {
    it('pauses until nothing is in flight, sends nothing meanwhile, and does not burst afterwards', async () => {
      let served = 0;
      const url = await http((_request, response) => {
        served++;
        setTimeout(() => response.end('ok'), 20);
      });
      const model = { kind: 'open', ratePerSecond: 100, arrivals: 'constant', maxInFlight: 1000 } as const;
      const run = start(url, { model, durationMs: 600 });
      await until(() => run.counts().ended >= 10);
      await run.pause();
      expect(run.inFlight()).toBe(0);
      const atPause = run.counts();
      expect(atPause.ended).toBe(atPause.sent);
      await systemClock.sleepUntil(millis(systemClock.now() + 300));
      expect(run.counts().sent).toBe(atPause.sent);
      run.resume();
      const summary = await run.finished;
      expect(served).toBe(60);
      // A pause that counted as delay would make the requests due in it late.
      expect(summary.responseTime.p50).toBeLessThan(300);
      expect(summary.seconds).toBeLessThan(1.2);
    });

    it('resume frees a pause that is still waiting', async () => {
      const url = await http(() => {});
      const run = start(url, { timeoutMs: 400 });
      await until(() => run.inFlight() === 2);
      const paused = run.pause();
      run.resume();
      await paused;
      expect(run.inFlight()).toBe(2);
    });

    it('stop waits for what is in flight, is idempotent, and works while paused', async () => {
      const waiting: (() => void)[] = [];
      const url = await http((_request, response) => {
        waiting.push(() => response.end('ok'));
      });
      const run = start(url);
      await until(() => waiting.length === 2);
      const paused = run.pause();
      const [first, second] = [run.stop(), run.stop()];
      for (const answer of waiting) answer();
      await paused;
      const summary = await first;
      expect(await second).toBe(summary);
      expect(await run.finished).toBe(summary);
      expect(summary.counts).toMatchObject({ sent: 2, ended: 2, unmarked: 2 });
    });

    it('gives the window latency since its last reset, the overall one since the start', async () => {
      const url = await http((_request, response) => response.end('ok'));
      const model = { kind: 'closed', users: 1, thinkTime: { kind: 'constant', ms: millis(1) } } as const;
      const run = start(url, { model });
      await until(() => run.counts().ended >= 20);
      await run.pause();
      const before = run.counts().ended;
      expect(run.windowLatency().count).toBe(before);
      run.resetWindow();
      expect(run.windowLatency().count).toBe(0);
      run.resume();
      await until(() => run.counts().ended >= before + 5);
      const summary = await run.stop();
      expect(run.windowLatency().count).toBe(summary.counts.ended - before);
      expect(summary.responseTime.count).toBe(summary.counts.ended);
    });
  });

  it('sends the same requests with the same seed', async () => {
    const sequence = async (seed: number) => {
      const seen: string[] = [];
      const url = await http((request, response) => {
        seen.push(request.url ?? '');
        response.end();
      });
      const model = { kind: 'closed', users: 1, thinkTime: { kind: 'constant', ms: millis(0) } } as const;
      const uris = ['/a', '/b', '/c', '/d'].map((target) => uri(target));
      await start(url, { model, uris, order: 'random', seed, maxRequests: 40 }).finished;
      return seen.join('');
    };
    expect(await sequence(1)).toBe(await sequence(1));
    expect(await sequence(1)).not.toBe(await sequence(2));
  });
});
