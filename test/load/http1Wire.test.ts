import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { millis } from '../../src/base/units.js';
import { startLoad } from '../../src/load/start.js';
import type { LoadSpec } from '../../src/load/types.js';
import { loadSpec, until, uri } from '../support/load.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Script {
  readonly url: string;
  /** What was asked for, one text a request. */
  readonly requests: string[];
  connections: number;
}

/** A server that answers the n-th request of its m-th connection, both from 1, as the script says. */
async function serve(answer: (socket: Socket, request: number, connection: number) => void, host = '127.0.0.1') {
  const sockets = new Set<Socket>();
  const script: Script = { url: '', requests: [], connections: 0 };
  const server = createServer((socket) => {
    const connection = ++script.connections;
    let request = 0;
    let text = '';
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        script.requests.push(text.slice(0, end + 2));
        text = text.slice(end + 4);
        answer(socket, ++request, connection);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(script, { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` });
}

const oneUser = { kind: 'closed', users: 1, thinkTime: { kind: 'constant', ms: millis(0) } } as const;
const load = (url: string, extra: Partial<LoadSpec> = {}) =>
  startLoad(loadSpec(url, { model: oneUser, timeoutMs: 5000, ...extra }), { clock: systemClock }).finished;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('requests', () => {
  it('are one head each, with the host, the own headers and a length where a body is expected', async () => {
    const server = await serve((socket) => socket.write(OK));
    await load(server.url, {
      uris: [
        uri('/a?b=c'),
        uri('/d', { method: 'POST', headers: { 'X-Own': 'caf\xe9' } }),
        uri('/e', { headers: { Host: 'shop.example' } }),
      ],
      maxRequests: 3,
    });
    const of = (start: string) => server.requests.find((request) => request.startsWith(start)) ?? '';
    const host = server.url.slice('http://'.length);
    expect(of('GET /a?b=c HTTP/1.1\r\n')).toContain(`\r\nhost: ${host}\r\n`);
    expect(of('GET /a?b=c HTTP/1.1\r\n')).not.toContain('content-length');
    expect(of('POST /d HTTP/1.1\r\n')).toContain('\r\ncontent-length: 0\r\n');
    expect(of('POST /d HTTP/1.1\r\n')).toContain('\r\nx-own: caf\xe9\r\n');
    expect(of('GET /e HTTP/1.1\r\n').match(/host:[^\r]*/gi)).toEqual(['host: shop.example']);
  });

  it('go to an IPv6 address', async ({ skip }) => {
    if (!Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))) {
      skip('this machine has no ::1');
    }
    const server = await serve((socket) => socket.write(OK), '::1');
    expect((await load(server.url, { maxRequests: 2 })).counts).toMatchObject({ unmarked: 2, failed: 0 });
    expect(server.requests[0]).toContain(`\r\nhost: ${server.url.slice('http://'.length)}\r\n`);
  });
});

describe('connections', () => {
  const connectionsAfter = async (
    requests: number,
    answer: Parameters<typeof serve>[0],
    extra: Partial<LoadSpec> = {},
  ) => {
    const server = await serve(answer);
    const { counts } = await load(server.url, { maxRequests: requests, ...extra });
    return { ...counts, connections: server.connections, requests: server.requests.length };
  };

  test.each<[string, number, Parameters<typeof serve>[0], Partial<LoadSpec>]>([
    ['kept after a length', 1, (socket) => socket.write(OK), {}],
    [
      'kept after chunks that come one by one',
      1,
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n');
        setImmediate(() => socket.write('ok\r\n0\r\n\r\n'));
      },
      {},
    ],
    [
      'kept after an answer to HEAD',
      1,
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'),
      { uris: [uri('/', { method: 'HEAD' })] },
    ],
    ['kept after an interim answer', 1, (socket) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}`), {}],
    [
      'opened anew after Connection: close',
      6,
      (socket) => socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'),
      {},
    ],
    ['opened anew after HTTP/1.0', 6, (socket) => socket.write('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'), {}],
    [
      'opened anew after a body that ends with the connection',
      6,
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'),
      {},
    ],
    [
      'opened anew after bytes that nobody asked for',
      6,
      (socket) => socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwhat else`),
      {},
    ],
  ])('%s', async (_case, connections, answer, extra) => {
    expect(await connectionsAfter(6, answer, extra)).toMatchObject({
      connections,
      requests: 6,
      ended: 6,
      unmarked: 6,
      failed: 0,
    });
  });

  it('a request on a connection that the server then closes is a failure and not sent again', async () => {
    const result = await connectionsAfter(7, (socket, request) => {
      if (request % 2 === 1) socket.write(OK);
      else socket.end();
    });
    expect(result).toMatchObject({
      sent: 7,
      requests: 7,
      connections: 4,
      unmarked: 4,
      failed: 3,
      errors: { closed: 3 },
    });
  });

  it('a connection that died while it was idle is replaced without a failure', async () => {
    const sockets: Socket[] = [];
    const server = await serve((socket) => {
      if (sockets.at(-1) !== socket) sockets.push(socket);
      socket.write(OK);
    });
    const run = startLoad(loadSpec(server.url, { model: oneUser }), { clock: systemClock });
    for (let round = 0; round < 3; round++) {
      await until(() => sockets.length > round);
      await run.pause();
      const socket = sockets[round] as Socket;
      const closed = once(socket, 'close');
      socket.end();
      // Both ends are closed, so the load knows.
      await closed;
      run.resume();
    }
    const { counts } = await run.stop();
    expect(counts.failed).toBe(0);
    expect(counts.connections?.opened).toBeGreaterThanOrEqual(3);
  });
});

describe('bad servers', () => {
  const flood = (head: string, piece: string) => (socket: Socket) => {
    socket.write(head);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  };
  test.each<[string, string, Parameters<typeof serve>[0]]>([
    ['a head without an end', 'protocol', flood('HTTP/1.1 200 OK\r\n', 'X-More: and more\r\n'.repeat(500))],
    ['interim answers without an end', 'protocol', flood('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(500))],
    [
      'chunks without an end',
      'too-large',
      flood('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `8000\r\n${'x'.repeat(0x8000)}\r\n`),
    ],
    [
      'chunks of one byte with long extensions',
      'protocol',
      flood('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `1;${'x'.repeat(900)}\r\ny\r\n`),
    ],
    [
      'a trailer without an end',
      'protocol',
      flood('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', 'X-More: and more\r\n'.repeat(500)),
    ],
    [
      'both framings',
      'protocol',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
    [
      'another protocol',
      'protocol',
      (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'),
    ],
    [
      'half a chunk, then the end',
      'closed',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe'),
    ],
    ['a length longer than the body, then the end', 'closed', (socket) => socket.end(`${OK.replace(': 2', ': 3')}`)],
    ['nothing, then the end', 'closed', (socket) => socket.end()],
    ['a reset before the answer', 'reset', (socket) => socket.resetAndDestroy()],
    [
      'a reset inside the head',
      'reset',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nConte', () => setTimeout(() => socket.resetAndDestroy(), 20)),
    ],
    [
      'a reset inside the body',
      'reset',
      (socket) => socket.write(OK.replace(': 2', ': 9'), () => setTimeout(() => socket.resetAndDestroy(), 20)),
    ],
    ['two lengths', 'protocol', (socket) => socket.write(OK.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\n'))],
    ['a length that is no number', 'protocol', (socket) => socket.write(OK.replace(': 2', ': 0x2'))],
    ['a length beyond any body', 'protocol', (socket) => socket.write(OK.replace(': 2', `: ${'9'.repeat(30)}`))],
    [
      'a chunk larger than any body',
      'protocol',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\n`),
    ],
    [
      'a negative chunk',
      'protocol',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx'),
    ],
    [
      'a chunk longer than it says',
      'protocol',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n0\r\n\r\n'),
    ],
    ['a folded field', 'protocol', (socket) => socket.write(OK.replace('Content', 'X: a\r\n b\r\nContent'))],
    ['a NUL in a field', 'protocol', (socket) => socket.write(OK.replace('Content', 'X: \0\r\nContent'))],
    ['a NUL in the status line', 'protocol', (socket) => socket.write(OK.replace('OK', 'O\0'))],
    ['lines that end with LF alone', 'protocol', (socket) => socket.write(OK.replaceAll('\r', ''))],
    ['a field without a name', 'protocol', (socket) => socket.write(OK.replace('Content', ': x\r\nContent'))],
    ['a blank before the colon', 'protocol', (socket) => socket.write(OK.replace('Length:', 'Length :'))],
    ['a status of two digits', 'protocol', (socket) => socket.write(OK.replace('200', '20'))],
    ['HTTP/2', 'protocol', (socket) => socket.write(OK.replace('1.1', '2.0'))],
    ['a preface of HTTP/2', 'protocol', (socket) => socket.write('\0\0\x12\x04\0\0\0\0\0')],
    ['an alert of TLS', 'protocol', (socket) => socket.write(Buffer.from([21, 3, 1, 0, 2, 2, 70]))],
    ['a page without HTTP', 'protocol', (socket) => socket.write('<html>hello</html>\r\n\r\n')],
    ['half a head, then the end', 'closed', (socket) => socket.end('HTTP/1.1 200 OK\r\nConte')],
    ['half a head, then nothing', 'timeout', (socket) => socket.write('HTTP/1.1 200 OK\r\nConte')],
    ['an interim answer, then nothing', 'timeout', (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n')],
    ['half a body without a length, then nothing', 'timeout', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhalf')],
  ])('%s: %s', async (_case, failure, answer) => {
    const timeoutMs = failure === 'timeout' ? 120 : 5000;
    const { counts } = await load((await serve(answer)).url, { maxRequests: 2, timeoutMs });
    expect(counts).toMatchObject({ sent: 2, ended: 2, failed: 2, errors: { [failure]: 2 } });
  });
});

describe('servers that are merely odd', () => {
  test.each<[string, Parameters<typeof serve>[0], object]>([
    [
      'one octet at a time',
      (socket) => {
        for (const octet of OK) socket.write(octet);
      },
      { unmarked: 4, connections: { opened: 1 } },
    ],
    [
      'a body longer than its length',
      (socket) => socket.write(`${OK}more`),
      { unmarked: 4, connections: { opened: 4 } },
    ],
    [
      'a body after 204',
      (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\nbody'),
      { unmarked: 4, connections: { opened: 4 } },
    ],
    ['two answers to one request', (socket) => socket.write(OK + OK), { unmarked: 4, connections: { opened: 4 } }],
    [
      'an answer of no length, ended by the connection',
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'),
      { unmarked: 4, bytesReceived: 8 },
    ],
  ])('%s: answered, and nothing of it is taken for the next answer', async (_case, answer, expected) => {
    const { counts } = await load((await serve(answer)).url, { maxRequests: 4 });
    expect(counts).toMatchObject({ sent: 4, ended: 4, failed: 0, ...expected });
  });

  it('an answer while the body is still being sent is the answer', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const body = { base64: Buffer.alloc(1_000_000).toString('base64') };
    const { counts } = await load(url, { uris: [uri('/', { method: 'POST', body })], maxRequests: 3 });
    expect(counts).toMatchObject({ ended: 3, failed: 3, status: { 413: 3 }, errors: {} });
  });
});

describe('limits of time', () => {
  /** A server whose queue of connections is full: the kernel leaves further ones unanswered. */
  const fullServer = async () => {
    const listen =
      'const s = require("net").createServer(); s.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))';
    const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
    const waiting: Socket[] = [];
    closers.push(async () => {
      for (const socket of waiting) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    });
    const port = Number(String((await once(child.stdout, 'data'))[0]));
    child.kill('SIGSTOP');
    for (let taken = true; taken; ) {
      const socket = connect(port, '127.0.0.1');
      waiting.push(socket);
      taken = await Promise.race([
        once(socket, 'connect').then(() => true),
        systemClock.sleepUntil(millis(systemClock.now() + 300)).then(() => false),
      ]);
    }
    return `http://127.0.0.1:${port}`;
  };

  test.each<[string, string, Partial<LoadSpec>, () => Promise<string>]>([
    ['a server that takes no connection', 'connect-timeout', { connectTimeoutMs: 60 }, fullServer],
    [
      'a server that takes the connection and is silent',
      'first-byte-timeout',
      { firstByteTimeoutMs: 60, connectTimeoutMs: 4000 },
      async () => (await serve(() => {})).url,
    ],
    [
      'a server that begins in time and never ends',
      'timeout',
      { firstByteTimeoutMs: 4000, timeoutMs: 150 },
      async () => (await serve((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'))).url,
    ],
  ])('%s: %s', async (_case, failure, limits, url) => {
    const { counts, serviceTime } = await load(await url(), { maxRequests: 2, ...limits });
    expect(counts).toMatchObject({ sent: 2, ended: 2, failed: 2, errors: { [failure]: 2 } });
    expect(serviceTime.count).toBe(2);
  });

  it('count for each request anew on a connection that is kept', async () => {
    const server = await serve((socket, request) => {
      if (request < 4) setTimeout(() => socket.write(OK), 60);
    });
    const { counts } = await load(server.url, { maxRequests: 4, firstByteTimeoutMs: 400 });
    expect(counts).toMatchObject({ unmarked: 3, errors: { 'first-byte-timeout': 1 } });
    expect(server.connections).toBe(1);
  });
});
