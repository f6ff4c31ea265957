import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type Random, seededRandom } from '../../src/base/random.js';
import type { HeadMemo } from '../../src/load/http1/headMemo.js';
import { DONE, FAULT, type Progress, ResponseParser } from '../../src/load/http1/parser.js';

export interface Reading {
  readonly end: 'answer' | 'fault' | 'open';
  readonly status: number;
  readonly body: string;
  readonly keepAlive: boolean;
  /** Bytes after the answer. */
  readonly surplus: number;
  readonly fault: string;
}

/** What our parser makes of an answer that arrives in these pieces; `close` ends the connection after them. */
export function readAnswer(
  pieces: readonly Buffer[],
  options: { toHead?: boolean; close?: boolean; parser?: ResponseParser; memo?: HeadMemo } = {},
): Reading {
  const parser = options.parser ?? new ResponseParser();
  parser.start(options.toHead ?? false, options.memo);
  let body = '';
  let read = 0;
  let progress: Progress | undefined;
  for (const piece of pieces) {
    // Inside a larger buffer, as in the generator: what lies around the range must not matter.
    const buffer = Buffer.concat([Buffer.from('\r\n7'), piece, Buffer.from('\r\n\r\n')]);
    progress = parser.feed(buffer, 3, 3 + piece.length, {
      body: (bytes, from, to) => {
        body += bytes.toString('latin1', from, to);
      },
    });
    if (progress === DONE) read += parser.offset - 3;
    else read += piece.length;
    if (progress === DONE || progress === FAULT) break;
  }
  const total = pieces.reduce((sum, { length }) => sum + length, 0);
  if (progress !== DONE && progress !== FAULT && options.close) progress = parser.end();
  const end = progress === DONE ? 'answer' : progress === FAULT ? 'fault' : 'open';
  return {
    end,
    status: end === 'answer' ? parser.status : 0,
    body: end === 'answer' ? body : '',
    keepAlive: end === 'answer' && parser.keepAlive,
    surplus: end === 'answer' ? total - read : 0,
    fault: end === 'fault' ? parser.fault : '',
  };
}

/** Cuts bytes at these positions. */
export function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const at = [0, ...[...positions].sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

/** What Node's own client makes of the same pieces, followed by the end of the connection. */
function readByNode(pieces: readonly Buffer[], toHead: boolean): Promise<{ status: number; length: number } | string> {
  return new Promise((resolve) => {
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }) as Socket;
    socket.setTimeout = () => socket;
    socket.setNoDelay = () => socket;
    socket.setKeepAlive = () => socket;
    socket.ref = () => socket;
    socket.unref = () => socket;
    let client: ClientRequest | undefined;
    const finish = (result: { status: number; length: number } | string) => {
      resolve(result);
      client?.destroy();
      socket.destroy();
    };
    client = request({ method: toHead ? 'HEAD' : 'GET', createConnection: () => socket });
    client.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    client.on('upgrade', () => finish('upgrade'));
    client.on('response', (response: IncomingMessage) => {
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
      response.on('end', () => finish({ status: response.statusCode ?? 0, length }));
    });
    client.end();
    setImmediate(() => {
      for (const piece of pieces) socket.push(piece);
      socket.push(null);
    });
  });
}

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

const FIELDS = [
  'Content-Length: 5',
  'content-length:5 ',
  'Content-Length: 0',
  'Content-Length: 12',
  'Content-Length:  5, 5',
  'Content-Length: -1',
  'Content-Length: +5',
  'Content-Length: 0x5',
  'Content-Length: 99999999999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: CHUNKED',
  'transfer-encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: xchunked',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: Keep-Alive, close',
  'Connection: upgrade',
  'Keep-Alive: timeout=5',
  'Server: x',
  'X-Empty:',
  'Date: Mon, 23 Nov 2026 04:22:20 GMT',
  'x-text: caf\xe9 \t "quoted"',
  'Content-Type: text/html',
  'Content-Lengthy: 3',
  'Content-Lengt: 3',
];
const BODIES = ['hello', '', 'hello, world', '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\n'];
const CHUNKS = [
  '5\r\nhello\r\n',
  '5;name=value\r\nhello\r\n',
  'A\r\n0123456789\r\n',
  '01\r\nx\r\n',
  '3;a="b"\r\nabc\r\n',
];
const TRAILERS = ['', 'X-Check: 1\r\n', 'Expires: 0\r\nX: y\r\n'];
const STATUSES = [
  '200 OK',
  '200 OK',
  '200 OK',
  '200',
  '204 No Content',
  '304 Not Modified',
  '500 ',
  '404 Not Found',
  '99 x',
  '1000 x',
  '299 a\tb',
];
const OCTETS = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '1',
  '5',
  'a',
  'f',
  'g',
  'Z',
  '\0',
  '\x7f',
  '\xff',
  '-',
  '"',
  'HTTP/1.1 ',
];

/** An answer by a rough grammar, then mutated or not, cut at random points. */
export function arbitraryAnswer(seed: number): { readonly pieces: Buffer[]; readonly toHead: boolean } {
  const random = seededRandom(seed, 91);
  let text = '';
  while (random() < 0.1)
    text += `HTTP/1.1 ${pick(random, ['100 Continue', '103 Early Hints'])}\r\n${random() < 0.5 ? 'Link: x\r\n' : ''}\r\n`;
  text += `HTTP/1.${random() < 0.85 ? 1 : 0} ${pick(random, STATUSES)}\r\n`;
  const chunked = random() < 0.4;
  const sized = random() < 0.6;
  if (chunked) text += 'Transfer-Encoding: chunked\r\n';
  const body = pick(random, BODIES);
  if (!chunked && sized) text += `Content-Length: ${body.length}\r\n`;
  while (random() < 0.5) text += `${pick(random, FIELDS)}\r\n`;
  text += '\r\n';
  if (chunked) {
    while (random() < 0.6) text += pick(random, CHUNKS);
    text += `0${pick(random, ['', ';last', '00'])}\r\n${pick(random, TRAILERS)}\r\n`;
  } else text += body;
  for (let mutations = random() < 0.4 ? 0 : 1 + Math.floor(random() * 3); mutations > 0; mutations--) {
    const at = Math.floor(random() * (text.length + 1));
    const to = Math.min(text.length, at + Math.floor(random() * 4));
    const kind = random();
    if (kind < 0.35) text = text.slice(0, at) + pick(random, OCTETS) + text.slice(at);
    else if (kind < 0.6) text = text.slice(0, at) + text.slice(to);
    else if (kind < 0.85) text = text.slice(0, at) + pick(random, OCTETS) + text.slice(at + 1);
    else if (kind < 0.95) text = text.slice(0, to) + text.slice(at);
    else text = text.slice(0, at);
  }
  const bytes = Buffer.from(text, 'latin1');
  const cuts = Array.from({ length: Math.floor(random() * 5) }, () => Math.floor(random() * (bytes.length + 1)));
  return { pieces: cut(bytes, cuts), toHead: random() < 0.05 };
}

type Theirs = Awaited<ReturnType<typeof readByNode>>;

/** Where we and Node's client are meant to differ, and why. */
const MEANT: readonly (readonly [why: string, holds: (mine: Reading & { text: string }, theirs: Theirs) => boolean])[] =
  [
    [
      'an interim answer that says close, or is of HTTP/1.0, is only passed over (what follows the answer itself was cut off)',
      (mine, theirs) => mine.end === 'answer' && theirs === 'HPE_CLOSED_CONNECTION',
    ],
    [
      'blank lines before the status line: only servers are told to skip them (RFC 9112, 2.2)',
      (mine) => mine.fault === 'no HTTP/1 status line' && /^[\r\n]|\r\n\r\n[\r\n]/.test(mine.text),
    ],
    [
      'a CR without LF ends no line (RFC 9112, 2.2); Node takes one after the status for an end',
      (mine) => mine.fault === 'CR without LF',
    ],
    [
      'a tab is optional white space too (RFC 9110, 5.6.3)',
      (mine, theirs) => theirs === 'HPE_INVALID_CONTENT_LENGTH' && /content-length:[ \t]*\d+[ \t]*\t/i.test(mine.text),
    ],
    [
      'an empty member or a tab after chunked does not make it another coding (RFC 9110, 5.6.1); Node reads on to the end',
      (mine) => /chunked[ \t]*[,\t]/i.test(mine.text),
    ],
    [
      'chunked named twice: the body would have to be unwrapped twice (RFC 9112, 7.1 forbids it)',
      (mine) => mine.fault === 'chunked twice',
    ],
    [
      'a control character in the reason phrase: no server means it',
      (mine) => mine.fault === 'control character in the reason phrase',
    ],
    ['a status code below 100 has no class', (mine) => mine.fault === 'status code below 100'],
    ['101 was never asked for: what follows is no HTTP', (mine) => mine.fault === 'switches protocols unasked'],
    [
      'chunk extensions are passed over, not checked for their own syntax',
      (mine, theirs) => mine.end === 'answer' && theirs === 'HPE_STRICT',
    ],
  ];

/** Compares both readings of one answer. @returns undefined when they are the same or meant to differ, otherwise both. */
export async function unexplainedDifference(
  pieces: readonly Buffer[],
  toHead: boolean,
  met: Map<string, number>,
): Promise<string | undefined> {
  const whole = readAnswer(pieces, { toHead, close: true });
  // Node reads on into what follows an answer and may refuse that; the question here is the answer itself.
  const bytes = Buffer.concat(pieces);
  const answer = whole.surplus > 0 ? [bytes.subarray(0, bytes.length - whole.surplus)] : pieces;
  const mine = whole.surplus > 0 ? readAnswer(answer, { toHead, close: true }) : whole;
  const theirs = await readByNode(answer, toHead);
  const same =
    mine.end === 'answer'
      ? typeof theirs !== 'string' && theirs.status === mine.status && theirs.length === mine.body.length
      : typeof theirs === 'string';
  const why = same
    ? mine.end === 'answer'
      ? 'both accept'
      : 'both refuse'
    : MEANT.find(([, holds]) => holds({ ...mine, text: bytes.toString('latin1') }, theirs))?.[0];
  if (why === undefined) return JSON.stringify({ bytes: bytes.toString('latin1'), toHead, mine, theirs });
  met.set(why, (met.get(why) ?? 0) + 1);
  return undefined;
}
