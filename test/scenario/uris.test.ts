import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readUriFile } from '../../src/scenario/uri-file.js';
import { parseUris } from '../../src/scenario/uris.js';
import { said } from '../support/scenario.js';

describe('a URI list', () => {
  test.each<[string, string, object[]]>([
    ['a path', '/a', [{ method: 'GET', target: '/a', headers: {}, line: 1 }]],
    [
      'a path with query, sub-delimiters and variables',
      '/a/{customerId}?x=1&y=[z]',
      [{ method: 'GET', target: '/a/{customerId}?x=1&y=[z]', headers: {}, line: 1 }],
    ],
    [
      'an absolute URI',
      'https://shop.example:8443/a?b',
      [{ method: 'GET', target: 'https://shop.example:8443/a?b', headers: {}, line: 1 }],
    ],
    ['a method', 'POST /orders', [{ method: 'POST', target: '/orders', headers: {}, line: 1 }]],
    [
      'headers',
      'GET /a X-Tenant: blue; Accept: text/html',
      [{ method: 'GET', target: '/a', headers: { 'X-Tenant': 'blue', Accept: 'text/html' }, line: 1 }],
    ],
    [
      'a ";" inside a header value',
      '/a Accept: text/html;q=0.9; Cookie: a=1; b=2',
      [{ method: 'GET', target: '/a', headers: { Accept: 'text/html;q=0.9', Cookie: 'a=1; b=2' }, line: 1 }],
    ],
    ['a weight', '/a weight=12', [{ method: 'GET', target: '/a', headers: {}, line: 1, weight: 12 }]],
    [
      'a weight before headers, and a header of that name',
      'POST /a weight=2 X-A: 1\n/b weight: 3',
      [
        { method: 'POST', target: '/a', headers: { 'X-A': '1' }, line: 1, weight: 2 },
        { method: 'GET', target: '/b', headers: { weight: '3' }, line: 2 },
      ],
    ],
    ['an empty header', '/a X-Empty:', [{ method: 'GET', target: '/a', headers: { 'X-Empty': '' }, line: 1 }]],
    [
      'comments and blank lines',
      '# x\n\n /a # why\n\t\n/b',
      [
        { method: 'GET', target: '/a', headers: {}, line: 3 },
        { method: 'GET', target: '/b', headers: {}, line: 5 },
      ],
    ],
    [
      'a byte order mark and CRLF',
      '\ufeff/a\r\n/b\r\n',
      [
        { method: 'GET', target: '/a', headers: {}, line: 1 },
        { method: 'GET', target: '/b', headers: {}, line: 2 },
      ],
    ],
    [
      'headers and a body below the request',
      'POST /orders X-A: 1\n  Content-Type: application/json # why\n\n\t# lines:\n  | {"a": [\n  |   1 # 2\n  |\n  |] }  \r\n/b',
      [
        {
          method: 'POST',
          target: '/orders',
          headers: { 'X-A': '1', 'Content-Type': 'application/json' },
          line: 1,
          body: { text: '{"a": [\n  1 # 2\n\n] }  ' },
        },
        { method: 'GET', target: '/b', headers: {}, line: 9 },
      ],
    ],
    ['an empty body', 'PUT /a\n |', [{ method: 'PUT', target: '/a', headers: {}, line: 1, body: { text: '' } }]],
    [
      'an indented request as a request',
      'POST /a\n  http://h/b\n  DELETE /c X: y',
      [
        { method: 'POST', target: '/a', headers: {}, line: 1 },
        { method: 'GET', target: 'http://h/b', headers: {}, line: 2 },
        { method: 'DELETE', target: '/c', headers: { X: 'y' }, line: 3 },
      ],
    ],
    [
      'a header named like a property of objects',
      '/a __proto__: x',
      [{ method: 'GET', target: '/a', headers: JSON.parse('{"__proto__": "x"}') as object, line: 1 }],
    ],
  ])('reads %s', (_, text, entries) => {
    const parsed = parseUris(text, 'u.txt');
    expect(parsed.problems.map(said)).toEqual([]);
    expect(JSON.stringify(parsed.entries)).toEqual(JSON.stringify(entries));
  });

  test.each<[string, string, string]>([
    ['nothing', '', 'u.txt:1: holds no URI; at least one is needed'],
    ['only comments', '# a\n#b\n', 'u.txt:1: holds no URI'],
    ['a word', 'customers', 'u.txt:1: "customers" is no URI; allowed are paths that start with one "/"'],
    ['another scheme', 'ftp://host/a', 'u.txt:1: "ftp://host/a" is no URI'],
    ['a path that is another host', '//evil/a', 'u.txt:1: "//evil/a" is no URI'],
    ['a method alone', 'POST', 'u.txt:1: "POST" is no URI'],
    [
      'an unknown method',
      '/\nGTE /a',
      'u.txt:2: "GTE" is no method; allowed are GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS (did you mean "GET"?)',
    ],
    [
      'a method in small letters',
      'get /a',
      'u.txt:1: "get" is no method; allowed are GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS (did you mean "GET"?)',
    ],
    ['a blank in a path', '/my page', 'u.txt:1: "page" is no header'],
    [
      'a letter beyond ASCII',
      '/café',
      'u.txt:1: "/café" is no URI: "é" may not stand in one (percent-encode it as %C3%A9)',
    ],
    ['half a surrogate pair', '/\ud800', 'u.txt:1: "/\\ud800" is no URI'],
    ['a broken percent-encoding', '/a%zz', '"%" may not stand in one (percent-encode it as %25)'],
    ['a backslash', '/a\\b', 'may not stand in one (percent-encode it as %5C)'],
    ['a fragment', '/a#b', '"#" may not stand in one (a fragment never reaches the server; leave it out)'],
    ['a port that is none', 'http://host:99999/', 'is no URI (check host and port)'],
    ['a password', 'http://me:secret@host/', 'a URI with a user name or password would put them into reports'],
    ['an unknown variable', '/a/{custmerId}', '{custmerId} is no known variable; known are {customerId}'],
    ['a brace alone', '/a/{customerId', '"{" may not stand in one'],
    ['a carriage return in the middle', '/a\rX-Injected: 1', 'u.txt:1: holds the control character "\\r" in column 3'],
    ['a NUL', '/a\0b', 'u.txt:1: holds the control character "\\u0000" in column 3'],
    ['a header without a name', '/a : x', '": x" is no header'],
    ['a framing header', '/a Transfer-Encoding: chunked', 'the header Transfer-Encoding frames the message'],
    ['a header twice', '/a X-A: 1; x-a: 2', 'the header x-a is there twice'],
    ['a header value beyond ASCII', '/a X-A: ü', 'the value of X-A holds "ü"; allowed are printable ASCII characters'],
    ['a body without a request', '  | x\n/a', 'u.txt:1: belongs to no request'],
    ['a body of a GET request', '/a\n  | x', 'u.txt:2: a GET request has no body (write POST, PUT or PATCH'],
    ['a body and a file', 'POST /a\n  | x\n  @y', 'u.txt:3: the request has a body already'],
    ['two files', 'POST /a\n  @x\n  @y', 'u.txt:3: the request has a body already'],
    ['a file without a name', 'POST /a\n  @ # x', 'u.txt:2: names no file'],
    ['a header that is there above', 'POST /a X-A: 1\n  x-a: 2', 'u.txt:2: the header x-a is there twice'],
    ['a framing header below', 'POST /a\n  Content-Length: 7\n  | x', 'u.txt:2: the header Content-Length frames'],
    ['a NUL in a body', 'POST /a\n  | \0', 'u.txt:2: holds the control character'],
    ['only the request that is wrong, not its body', 'PUSH /a\n  | x\n  @y\n  Z: a', 'u.txt:1: "PUSH" is no method'],
    ['an endless line', `/${'a'.repeat(9000)}`, 'u.txt:1: is longer than 8192 characters'],
    ['a weight of nothing', '/a weight=0', 'u.txt:1: found weight=0; allowed are whole numbers from 1 to 1000'],
    ['a weight that is too large', '/\n/a weight=1001', 'u.txt:2: found weight=1001'],
    ['a weight that is no number', '/a weight=high X-A: 1', 'u.txt:1: found weight=high'],
    [
      'weights that are too many together',
      '/a weight=1000\n'.repeat(66),
      'u.txt:66: brings the weights to 66000 together; at most 65536 are allowed',
    ],
    ['too many lines', '/\n'.repeat(10_001), 'u.txt:10001: is entry 10001; at most 10000 are read'],
  ])('refuses %s', (_, text, message) => {
    const { problems } = parseUris(text, 'u.txt');
    expect(problems.map(said).join('\n')).toContain(message);
    expect(problems).toHaveLength(1);
  });

  test('knows only the variables it is told', () => {
    expect(parseUris('/{id}', 'u.txt', ['id']).entries).toHaveLength(1);
    expect(parseUris('/{id}', 'u.txt', []).problems.map(said)).toEqual([
      expect.stringContaining('{id} is no known variable; there are none here'),
    ]);
  });

  describe('with files', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'uris-'));
      mkdirSync(join(folder, 'lists', 'bodies'), { recursive: true });
    });
    afterEach(() => rmSync(folder, { recursive: true }));
    const read = (text: string) => {
      writeFileSync(join(folder, 'lists', 'u.txt'), text);
      return readUriFile(folder, 'lists/u.txt', []);
    };

    test('reads bodies relative to the list, byte for byte, one file for several requests', async () => {
      const bytes = Buffer.from([0, 255, 10, 123, 105, 100, 125]);
      writeFileSync(join(folder, 'lists', 'bodies', 'a.bin'), bytes);
      const list = await read('POST /a\n  @bodies/a.bin # why\nPUT /b\n  @bodies/a.bin\n');
      expect(list).toMatchObject({ problems: [], entries: [{ target: '/a' }, { target: '/b' }] });
      for (const { body } of 'entries' in list ? list.entries : []) {
        expect(body).toEqual({ base64: bytes.toString('base64') });
      }
    });

    test('says which line names a file that cannot be sent', async () => {
      writeFileSync(join(folder, 'lists', 'large'), Buffer.alloc(1_048_577));
      const list = await read('POST /a\n\n  @missing.json\nPOST /b\n  @large\nPOST /c\n  @bodies\n');
      expect('problems' in list && list.problems.map(said)).toEqual([
        expect.stringContaining('lists/u.txt:3: lists/missing.json no such file or folder'),
        expect.stringContaining('lists/u.txt:5: lists/large is larger than 1048576 bytes'),
        expect.stringContaining('lists/u.txt:7: lists/bodies is no regular file'),
      ]);
    });

    test('holds at most 64 MB of bodies', async () => {
      writeFileSync(join(folder, 'lists', 'large'), Buffer.alloc(1_048_576));
      const list = await read('POST /a\n  @large\n'.repeat(65));
      expect('problems' in list && list.problems.map(said)).toEqual([
        expect.stringContaining('lists/u.txt:130: the bodies are larger than 67108864 bytes together'),
      ]);
    });
  });

  test('of any text is read or refused, and what is read can be sent as one request', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'GET ',
        '/',
        'http://h',
        '{customerId}',
        '{',
        '}',
        ' ',
        '\r',
        '\n',
        '\r\n',
        '\t',
        '#',
        ';',
        'A: b',
        'POST ',
        '\n  | ',
        '\n @',
        ':',
        '%41',
        '%',
        '\0',
        '\ufeff',
        'é',
        '?',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const { entries, problems } = parseUris(pieces.join(''), 'u.txt');
        expect(entries.length + problems.length).toBeGreaterThan(0);
        for (const problem of problems) expect(problem.line).toBeGreaterThan(0);
        for (const { method, target, headers } of entries) {
          const head = `${method} ${target}\n${Object.entries(headers)
            .map(([name, value]) => `${name}: ${value}`)
            .join('\n')}`;
          expect(head).toMatch(/^[\t\n\x20-\x7e]*$/);
          expect(head.split('\n')).toHaveLength(1 + Math.max(1, Object.keys(headers).length));
          expect(target).toMatch(/^(\/(?!\/)|https?:\/\/)\S*$/i);
          expect(URL.canParse(target.replace(/\{\w+\}/g, 'x'), 'http://host')).toBe(true);
        }
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});
