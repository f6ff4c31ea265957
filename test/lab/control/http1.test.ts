import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Failure, ResponseHandler } from '../../../src/lab/control/http1/connection.js';
import { HttpPool } from '../../../src/lab/control/http1/pool.js';
import { MalformedResponse } from '../../../src/lab/control/http1/responseHead.js';
import { ResponseReader } from '../../../src/lab/control/http1/responseReader.js';

interface Read {
  status: number;
  headers: string[];
  body: string;
  clean: boolean | undefined;
}

/** Feeds pieces to a reader and returns every response that was complete. */
function read(pieces: readonly Buffer[], method = 'GET'): Read[] {
  const responses: Read[] = [];
  let current: Read | undefined;
  const reader = new ResponseReader({
    onHead: (head) => {
      current = { status: head.status, headers: head.headers, body: '', clean: undefined };
    },
    onData: (chunk) => {
      if (current) current.body += chunk.toString('latin1');
    },
    onEnd: (clean) => {
      if (current) responses.push({ ...current, clean });
    },
  });
  reader.expect(method);
  for (const piece of pieces) reader.push(piece);
  reader.close();
  return responses;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

test.each<[name: string, text: string, method: string, expected: Partial<Read>]>([
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc', 'GET', { status: 200, body: 'abc', clean: true }],
  [
    'chunks with extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n',
    'GET',
    { body: 'abcde', clean: true },
  ],
  ['the end of the connection', 'HTTP/1.1 200 OK\r\n\r\nabc', 'GET', { body: 'abc', clean: false }],
  ['HEAD, whatever the length says', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', 'HEAD', { body: '', clean: true }],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'GET', { status: 204, body: '', clean: true }],
  [
    'an early hint before the answer',
    'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200\r\ncontent-length: 0\r\n\r\n',
    'GET',
    { status: 200, clean: true },
  ],
  ['more bytes than the length', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabc', 'GET', { body: 'a', clean: false }],
])('a response is read to its end by %s', (_name, text, method, expected) => {
  expect(read([bytes(text)], method)[0]).toMatchObject(expected);
});

test.each([
  ['another protocol', 'SSH-2.0-x\r\n\r\n'],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na'],
  ['a folded header', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n'],
  ['a header without name', 'HTTP/1.1 200 OK\r\n: b\r\n\r\n'],
  ['a bare line feed', 'HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n'],
  ['a chunk without size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
  ['a chunk longer than it says', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n'],
  ['a protocol switch nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ['a head without end', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(70_000)}`],
])('%s is malformed', (_name, text) => {
  expect(() => read([bytes(text)])).toThrow(MalformedResponse);
});

test('how the bytes are cut into pieces never changes what is read', () => {
  const parts = fc.array(fc.string({ maxLength: 60, unit: 'binary-ascii' }), { maxLength: 4 });
  const header = fc.tuple(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]{1,20}$/));
  fc.assert(
    fc.property(
      fc.constantFrom(200, 204, 304, 404, 503),
      fc.array(header, { maxLength: 4 }),
      parts,
      fc.boolean(),
      fc.array(fc.nat(600), { maxLength: 12 }),
      (status, headers, texts, chunked, cuts) => {
        const bare = status === 204 || status === 304;
        const body = bare ? '' : texts.join('');
        const chunks = texts.filter((text) => text !== '').map((text) => `${text.length.toString(16)}\r\n${text}\r\n`);
        const framed = chunked
          ? `transfer-encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`
          : `content-length: ${body.length}\r\n\r\n${body}`;
        const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
        const whole = bytes(`HTTP/1.1 ${status} X\r\n${lines}${bare ? '\r\n' : framed}`);
        const places = [0, ...cuts.map((cut) => cut % whole.length), whole.length].sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, i) => whole.subarray(places[i], end));
        const [response] = read(pieces);
        expect(response).toMatchObject({ status, body, clean: true });
        expect(response?.headers.slice(0, headers.length * 2)).toEqual(headers.flat());
      },
    ),
    { seed: 4, numRuns: 500 },
  );
});

async function withServer(
  serve: (socket: Socket) => void,
  use: (pool: HttpPool, connections: () => number) => Promise<void>,
): Promise<void> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const pool = new HttpPool(() => port);
  try {
    await use(pool, () => connections);
  } finally {
    pool.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

function get(pool: HttpPool): Promise<{ status: number; body: string } | Failure> {
  return new Promise((resolve) => {
    let status = 0;
    let body = '';
    const handler: ResponseHandler = {
      onHeaders: (code) => {
        status = code;
        return true;
      },
      onData: (chunk) => {
        body += chunk;
        return true;
      },
      onComplete: () => resolve({ status, body }),
      onFailure: (failure) => resolve(failure),
    };
    pool.request({ method: 'GET', path: '/', headers: ['host', 'x'], body: null }, handler);
  });
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('one connection carries one request after the other, and a closing answer ends it', async () => {
  let served = 0;
  await withServer(
    (socket) =>
      socket.on('data', () =>
        socket.write(++served === 3 ? OK.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n') : OK),
      ),
    async (pool, connections) => {
      for (let i = 0; i < 4; i++) expect(await get(pool)).toEqual({ status: 200, body: 'ok' });
      expect(connections()).toBe(2);
    },
  );
});

test('bytes behind an answer are never taken for the next one', async () => {
  await withServer(
    (socket) => socket.on('data', () => socket.write(OK + OK.replace('200', '418'))),
    async (pool, connections) => {
      expect(await get(pool)).toEqual({ status: 200, body: 'ok' });
      expect(await get(pool)).toEqual({ status: 200, body: 'ok' });
      expect(connections()).toBe(2);
    },
  );
});

test.each<[string, (socket: Socket) => void, Failure]>([
  ['closes without a word', (socket) => void socket.once('data', () => socket.end()), 'closed'],
  ['closes in the body', (socket) => void socket.once('data', () => socket.end(OK.slice(0, -1))), 'closed'],
  ['resets', (socket) => void socket.once('data', () => socket.resetAndDestroy()), 'closed'],
  ['answers garbage', (socket) => void socket.once('data', () => socket.end('\x16\x03\x01')), 'malformed'],
])('a server that %s fails the request', async (_name, serve, failure) => {
  await withServer(serve, async (pool) => {
    expect(await get(pool)).toBe(failure);
  });
});

test('a port where nobody listens, or none at all, is a failed connection', async () => {
  expect(await get(new HttpPool(() => 1))).toBe('connect');
  expect(await get(new HttpPool(() => Promise.reject(new Error('no such host'))))).toBe('connect');
  const thrower = new HttpPool(() => {
    throw new Error('no such host');
  });
  expect(await get(thrower)).toBe('connect');
});

test('closing the pool fails what is under way', async () => {
  await withServer(
    () => undefined,
    async (pool, connections) => {
      const waiting = get(pool);
      await expect.poll(connections).toBe(1);
      pool.close();
      expect(await waiting).toBe('closed');
    },
  );
});
