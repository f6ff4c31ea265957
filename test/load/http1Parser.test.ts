import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { LONGEST_HEAD, LONGEST_LINE } from '../../src/load/http1/head.js';
import { HeadMemo } from '../../src/load/http1/headMemo.js';
import { ResponseParser } from '../../src/load/http1/parser.js';
import { arbitraryAnswer, cut, readAnswer } from '../support/http1.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

/** The same whole, and cut at every byte. */
function expectReading(text: string, options: Parameters<typeof readAnswer>[1], expected: object): void {
  const whole = readAnswer([bytes(text)], options);
  expect(whole).toMatchObject(expected);
  expect(readAnswer(cut(bytes(text), [...bytes(text).keys()]), options)).toEqual(whole);
}

describe('answers', () => {
  const answer = (status: number, body: string, keepAlive: boolean) => ({
    end: 'answer',
    status,
    body,
    keepAlive,
    surplus: 0,
  });
  test.each<[string, string, object]>([
    ['a body of Content-Length', `${OK}Content-Length: 5\r\n\r\nhello`, answer(200, 'hello', true)],
    [
      'names and values in any case, without or with many blanks',
      `${OK}cOnTeNt-LeNgTh:\t 5 \t\r\n\r\nhello`,
      answer(200, 'hello', true),
    ],
    ['an empty body', `${OK}Content-Length: 0\r\n\r\n`, answer(200, '', true)],
    ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', answer(200, '', true)],
    ['an empty reason phrase', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', answer(200, '', true)],
    ['chunks', `${CHUNKED}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`, answer(200, 'hello!', true)],
    [
      'chunk sizes in either case with leading zeros',
      `${CHUNKED}00a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n`,
      answer(200, '01234567890123456789', true),
    ],
    ['chunk extensions', `${CHUNKED}5;a=b;c="d e"\r\nhello\r\n0;last\r\n\r\n`, answer(200, 'hello', true)],
    [
      'trailers, which frame nothing',
      `${CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nConnection: close\r\n\r\n`,
      answer(200, 'hello', true),
    ],
    [
      'chunked as the last of several codings',
      `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
      answer(200, 'x', true),
    ],
    [
      'chunked in a second field',
      `${OK}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
      answer(200, 'x', true),
    ],
    ['204, whatever its fields say', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', answer(204, '', true)],
    [
      '304 with the length of what it stands for',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      answer(304, '', true),
    ],
    [
      'interim answers before the answer',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
      answer(200, 'hi', true),
    ],
    ['Connection: close', `${OK}Content-Length: 1\r\nConnection: close\r\n\r\nx`, answer(200, 'x', false)],
    ['close in a list', `${OK}Content-Length: 1\r\nConnection: foo, ,Close\r\n\r\nx`, answer(200, 'x', false)],
    [
      'a word that only begins like close',
      `${OK}Content-Length: 1\r\nConnection: closed, clos\r\n\r\nx`,
      answer(200, 'x', true),
    ],
    ['HTTP/1.0 closes', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', answer(200, 'x', false)],
    [
      'HTTP/1.0 with keep-alive',
      'HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx',
      answer(200, 'x', true),
    ],
    [
      'HTTP/1.0 with a transfer coding: read, not reused',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      answer(200, '', false),
    ],
    [
      'names that only begin like one that frames',
      `${OK}Content-Length: 1\r\nContent-Lengthy: 9\r\nContent-Lengt: 9\r\nConnectio: close\r\nTransfer-Encodin: chunked\r\n\r\nx`,
      answer(200, 'x', true),
    ],
    ['octets above ASCII in values', `${OK}X: caf\xe9\r\nContent-Length: 1\r\n\r\nx`, answer(200, 'x', true)],
  ])('%s', (_case, text, expected) => {
    expectReading(text, {}, expected);
  });

  it('to HEAD has no body', () => {
    expectReading(`${OK}Content-Length: 5\r\n\r\n`, { toHead: true }, answer(200, '', true));
    expectReading(CHUNKED, { toHead: true }, answer(200, '', true));
    expectReading(`${OK}\r\n`, { toHead: true }, answer(200, '', true));
  });

  it('without a length ends with the connection, and not before', () => {
    expectReading(`${OK}\r\nall of it`, { close: true }, answer(200, 'all of it', false));
    expectReading(`${OK}\r\nall of it`, {}, { end: 'open' });
    expectReading(
      `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
      { close: true },
      answer(200, '0\r\n\r\n', false),
    );
  });

  it('leaves what follows alone', () => {
    expectReading(`${OK}Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK`, {}, { end: 'answer', body: 'x', surplus: 15 });
  });
});

describe('faults', () => {
  const head = (fields: string) => `${OK}${fields}\r\n\r\nhello`;
  test.each<[string, string]>([
    ['no HTTP/1 status line', '<html>'],
    ['no HTTP/1 status line', ' HTTP/1.1 200 OK\r\n\r\n'],
    ['no HTTP/1 status line', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['neither HTTP/1.0 nor HTTP/1.1', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['no blank after the version', 'HTTP/1.1\t200 OK\r\n\r\n'],
    ['no status code', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['no blank after the status code', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['status code below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['switches protocols unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
    ['control character in the reason phrase', 'HTTP/1.1 200 O\0K\r\n\r\n'],
    ['CR without LF', 'HTTP/1.1 200 OK\r\rX: y\r\n\r\n'],
    ['CR without LF', `${OK}X: y\rZ: 1\r\n\r\n`],
    ['control character in a field value', `${OK}X: y\nZ: 1\r\n\r\n`],
    ['control character in a field value', head('Content-Length: 5\0')],
    ['no field name', `${OK}: y\r\n\r\n`],
    ['no colon after a field name', `${OK}Content-Length : 5\r\n\r\n`],
    ['no colon after a field name', `${OK}Server\r\n\r\n`],
    ['folded field', `${OK}X: y\r\n z\r\n\r\n`],
    ['CR without LF', `${OK}Content-Length: 5\r\n\rhello`],
    ['Content-Length is no number', head('Content-Length: 5, 5')],
    ['Content-Length is no number', head('Content-Length: -5')],
    ['Content-Length is no number', head('Content-Length: 0x5')],
    ['Content-Length is no number', head('Content-Length: 5 5')],
    ['Content-Length without a number', head('Content-Length:')],
    ['Content-Length is too large', head('Content-Length: 9007199254740993')],
    ['more than one Content-Length', head('Content-Length: 5\r\nContent-Length: 6')],
    ['both Content-Length and Transfer-Encoding', head('Content-Length: 5\r\nTransfer-Encoding: chunked')],
    ['both Content-Length and Transfer-Encoding', head('Transfer-Encoding: identity\r\nContent-Length: 5')],
    ['chunked twice', head('Transfer-Encoding: chunked, chunked')],
    ['no chunk size', `${CHUNKED};x\r\n`],
    ['no chunk size', `${CHUNKED}-5\r\n`],
    ['no number as a chunk size', `${CHUNKED}5 \r\nhello\r\n`],
    ['no number as a chunk size', `${CHUNKED}5\nhello\r\n`],
    ['chunk size too large', `${CHUNKED}10000000000000\r\n`],
    ['control character in a chunk extension', `${CHUNKED}5;a\nhello\r\n`],
    ['no CRLF after a chunk', `${CHUNKED}5\r\nhello!\r\n`],
    ['no CRLF after a chunk', `${CHUNKED}5\r\nhello\rx`],
    ['no colon after a field name', `${CHUNKED}0\r\nTrailer\r\n\r\n`],
    ['head too large', `${OK}X: ${'y'.repeat(LONGEST_LINE)}\r\n\r\n`],
    ['head too large', `${OK}X: ${'y'.repeat(LONGEST_LINE + 10)}`],
    ['head too large', `${OK}${'X: y\r\n'.repeat(LONGEST_HEAD / 6)}`],
    ['head too large', `HTTP/1.1 100 Continue\r\n\r\n`.repeat(LONGEST_HEAD / 24)],
    ['chunk extensions too large', `${CHUNKED}1;${'x'.repeat(LONGEST_LINE + 1)}`],
    ['chunk extensions too large', `${CHUNKED}${`1;${'x'.repeat(1022)}\r\ny\r\n`.repeat(66)}`],
    ['head too large', `${CHUNKED}0\r\nX: ${'y'.repeat(LONGEST_LINE)}\r\n\r\n`],
  ])('%s', (fault, text) => {
    expectReading(text, {}, { end: 'fault', fault });
  });

  test.each([
    '',
    'HTTP/1.1 20',
    `${OK}Content-Le`,
    `${OK}Content-Length: 5\r\n\r\nhell`,
    `${CHUNKED}5\r\nhello\r\n`,
    `${CHUNKED}5\r\nhello\r\n0\r\n`,
    'HTTP/1.1 100 Continue\r\n\r\n',
  ])('the connection ends after %j', (text) => {
    expectReading(text, { close: true }, { end: 'fault', fault: 'the connection ended inside the answer' });
    expectReading(text, {}, { end: 'open' });
  });
});

test('pieces make no difference, wherever they are cut, and a parser forgets the answer before', () => {
  const parser = new ResponseParser();
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.array(fc.nat(400), { maxLength: 12 }), fc.boolean(), (seed, cuts, close) => {
      const { pieces, toHead } = arbitraryAnswer(seed);
      const whole = Buffer.concat(pieces);
      const cutAt = cuts.filter((position) => position <= whole.length);
      expect(readAnswer(cut(whole, cutAt), { toHead, close, parser })).toEqual(readAnswer([whole], { toHead, close }));
    }),
    { seed: 5, numRuns: 2000 },
  );
});

test('a remembered head is read as it was the first time, and only when it is the same', () => {
  const parser = new ResponseParser();
  const memo = new HeadMemo();
  fc.assert(
    fc.property(fc.nat(300), fc.nat(3), fc.array(fc.nat(400), { maxLength: 2 }), (seed, times, cuts) => {
      const { pieces, toHead } = arbitraryAnswer(seed);
      const whole = Buffer.concat(pieces);
      const cutAt = cuts.filter((position) => position <= whole.length);
      const expected = readAnswer([whole], { toHead });
      // The last of them to HEAD: the same head, another end.
      for (let time = 0; time <= times; time++) {
        expect(readAnswer([whole], { toHead, parser, memo })).toEqual(expected);
      }
      expect(readAnswer(cut(whole, cutAt), { toHead: true, parser, memo })).toEqual(
        readAnswer([whole], { toHead: true }),
      );
    }),
    // Fewer heads than the memo bears to miss in a row.
    { seed: 5, numRuns: 90 },
  );
});
