import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { startLoad } from '../../src/load/start.js';
import { LOAD_ENGINES, type LoadSpec } from '../../src/load/types.js';
import { say } from '../support/io.js';
import { freePort, loadSpec, type Served, serveTcp, uri } from '../support/load.js';

const open: Served[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});
/** The n-th request, from 1, is answered by the n-th text, the last one again and again; an array is sent piece by piece. */
const serve = async (...answers: (string | readonly string[])[]) => {
  let request = 0;
  const served = await serveTcp((socket) => {
    const answer = answers[Math.min(request++, answers.length - 1)] ?? '';
    const send = (pieces: readonly string[]): void => {
      const [piece, ...rest] = pieces;
      if (piece === undefined || socket.destroyed) return;
      socket.write(piece, 'latin1');
      setTimeout(() => send(rest), 15);
    };
    send(typeof answer === 'string' ? [answer] : answer);
  });
  open.push(served);
  return served.url;
};
const oneUser = { kind: 'closed', users: 1, thinkTime: { kind: 'constant', ms: 0 as never } } as const;
const samplesOf = async (url: string, extra: Partial<LoadSpec> = {}) => {
  const spec = loadSpec(url, { model: oneUser, maxRequests: 1, captureFailures: 2, ...extra });
  return (await startLoad(spec, { clock: systemClock }).finished).samples ?? [];
};
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const bad = (body: string, fields = '') =>
  `HTTP/1.1 500 Oops\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;

describe('samples of failures', () => {
  it('are the first ones, with their place, their connection, head and body', async () => {
    const url = await serve(OK, bad('one'), bad('two'), bad('three'));
    const samples = await samplesOf(url, { maxRequests: 6, uris: [uri('/a', { method: 'POST' })] });
    expect(samples).toEqual([
      {
        atMs: expect.any(Number),
        uri: 'POST /a',
        connection: 1,
        failure: '500',
        head: expect.any(String),
        body: 'one',
      },
      expect.objectContaining({ body: 'two' }),
    ]);
    expect(samples[0]?.head).toBe('HTTP/1.1 500 Oops\nContent-Length: 3');
    expect(samples[1]?.atMs).toBeGreaterThan(samples[0]?.atMs ?? Infinity);
  });

  it('are none when none are asked for', async () => {
    const url = await serve(bad('x'));
    expect(await samplesOf(url, { captureFailures: 0 })).toEqual([]);
  });

  test.each<[string, string | readonly string[], Partial<LoadSpec>, object]>([
    [
      'an answer in many pieces',
      ['HTTP/1.1 5', '00 Oops\r\nX: 1\r', '\nContent-Length: 6\r\n\r\nab', 'cd', 'ef'],
      {},
      { failure: '500', head: 'HTTP/1.1 500 Oops\nX: 1\nContent-Length: 6', body: 'abcdef' },
    ],
    [
      'after interim answers',
      ['HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n', `HTTP/1.1 100 Continue\r\n\r\n${bad('x')}`],
      {},
      { failure: '500', head: 'HTTP/1.1 500 Oops\nContent-Length: 1', body: 'x' },
    ],
    [
      'a body that stops',
      ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', ' of it'],
      { timeoutMs: 200 },
      { failure: 'timeout', head: 'HTTP/1.1 200 OK\nContent-Length: 100', body: 'half of it' },
    ],
    [
      'garbage',
      '\x1b[2Jwhat\x00ever\r\n\r\n',
      {},
      { failure: 'protocol', reason: 'no HTTP/1 status line', head: '\\x1b[2Jwhat\\x00ever', body: '' },
    ],
    [
      'a wrong chunk, with what stood around it',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n',
      {},
      { failure: 'protocol', reason: 'no chunk size', body: '2\nok\nzz\n' },
    ],
    [
      'an offline page',
      bad('we are offline').replace('500 Oops', '200 OK'),
      { marker: { uri: '/', versions: {}, failed: 'offline' } },
      { failure: 'offline-page', body: 'we are offline' },
    ],
    [
      'text that would move a cursor or turn around',
      bad('\x9b2J\x07 \xe2\x80\xae'),
      {},
      { body: '\ufffd2J\\x07 \\u202e' },
    ],
    ['only the first 4 KiB of a body', bad('x'.repeat(9000)), {}, { body: 'x'.repeat(4096) }],
  ])('of %s', async (_case, answer, extra, expected) => {
    expect(await samplesOf(await serve(answer), extra)).toEqual([expect.objectContaining(expected)]);
  });

  it('hold no secret: neither what the server sets nor what it repeats', async () => {
    const fields =
      'Set-Cookie: session=topsecret; HttpOnly\r\nset-cookie:\r\nauthorization : Bearer tokentoken\r\nX: kept\r\n';
    const samples = await samplesOf(await serve(bad('you sent Basic dXNlcjpwYXNz and a=cookiesecret; see', fields)), {
      uris: [uri('/', { headers: { Authorization: 'Basic dXNlcjpwYXNz', Cookie: 'a=cookiesecret; b=1' } })],
    });
    const [{ head, body } = { head: '', body: '' }] = samples;
    expect(head).not.toMatch(/topsecret|tokentoken/);
    expect(head).toContain('Set-Cookie: ***');
    expect(head).toContain('X: kept');
    expect(body).toBe('you sent *** and a=***; see');
  });

  test.each(LOAD_ENGINES)('engine %s says why a connection failed', async (engine) => {
    const [sample] = await samplesOf(`http://127.0.0.1:${await freePort()}`, { engine });
    expect(sample).toMatchObject({
      failure: 'connect-refused',
      reason: expect.stringContaining('ECONNREFUSED'),
      body: '',
    });
  });

  it('are shown by the load command, in JSON and in text', async () => {
    const url = await serve(OK, bad(`${'\x1b[31mred\n'.repeat(12)}`), OK);
    const args = ['load', `${url}/`, '--requests', '5', '--users', '1', '--think-time', '0'];
    const text = await say(args);
    expect(text.stdout).toMatch(
      /the first 1 of 1 failed\n {2}0\.\d{3} s {2}\S+, connection 1: 500\n {4}HTTP\/1\.1 500 Oops\n/,
    );
    expect(text.stdout).toContain('    \\x1b[31mred\n');
    expect(text.stdout.split('red')).toHaveLength(9);
    expect(text.stdout).not.toContain('\x1b');
    const json = JSON.parse((await say([...args, '--json', '--capture-failures', '0'])).stdout);
    expect(json.failures).toEqual([]);
  });
});

it('costs bounded memory: many slow answers at once share few excerpts', async () => {
  const sockets = new Set<Socket>();
  const served = await serveTcp((socket) => {
    sockets.add(socket);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n${'x'.repeat(5000)}`);
  });
  open.push(served);
  const model = { kind: 'closed', users: 150, thinkTime: { kind: 'constant', ms: 0 as never } } as const;
  const spec = loadSpec(served.url, { model, maxRequests: 150, captureFailures: 150, timeoutMs: 600 });
  const { samples, counts } = await startLoad(spec, { clock: systemClock }).finished;
  expect(counts.errors).toEqual({ timeout: 150 });
  expect(samples).toHaveLength(150);
  const held = samples?.filter(({ head }) => head !== '') ?? [];
  expect(held.length).toBeGreaterThan(0);
  expect(held.length).toBeLessThanOrEqual(64);
});
