import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { firstHop, nextHop } from '../../src/load/http1/redirects.js';
import { type PreparedRequest, prepareRequests } from '../../src/load/requests.js';
import { startLoad } from '../../src/load/start.js';
import type { LoadSpec } from '../../src/load/types.js';
import type { UriEntry } from '../../src/scenario/types.js';
import { say } from '../support/io.js';
import { loadSpec, serveTcp, uri } from '../support/load.js';

const prepared = (entry: UriEntry): PreparedRequest =>
  prepareRequests({
    baseUrl: 'http://shop.test',
    uris: [entry],
    variables: {},
    marker: undefined,
  })[0] as PreparedRequest;
const rules = { most: 5, origins: new Set(['http://shop.test', 'http://pay.test', 'https://shop.test']) };
const head = (...locations: string[]) =>
  ['HTTP/1.1 302 Found', ...locations.map((to) => `Location: ${to}`), 'X: y'].join('\r\n');
const shown = ({ method, origin, path, body }: PreparedRequest) =>
  `${method} ${origin}${path}${body === undefined ? '' : ` ${body}`}`;

describe('where a redirect leads', () => {
  const post = { method: 'POST', body: { text: 'x' } } as const;
  test.each<[string, UriEntry, number, string, string]>([
    ['a path', uri('/a/b?c'), 302, '/d?e#f', 'GET http://shop.test/d?e'],
    ['a relative path', uri('/a/b'), 302, '../c', 'GET http://shop.test/c'],
    ['a query alone', uri('/a/b'), 302, '?x=1', 'GET http://shop.test/a/b?x=1'],
    ['another origin of the list', uri('/a'), 301, 'http://pay.test/x', 'GET http://pay.test/x'],
    ['the same host by TLS', uri('/a'), 301, 'https://shop.test/a', 'GET https://shop.test/a'],
    ['a network path', uri('/a'), 302, '//pay.test/x', 'GET http://pay.test/x'],
    [
      'what the Host header calls itself',
      uri('/a', { headers: { Host: 'front.test' } }),
      302,
      'http://front.test/b',
      'GET http://shop.test/b',
    ],
    ['303 after a POST: by GET', uri('/a', post), 303, '/b', 'GET http://shop.test/b'],
    ['302 after a POST: by GET', uri('/a', post), 302, '/b', 'GET http://shop.test/b'],
    ['301 after a POST: by GET', uri('/a', post), 301, '/b', 'GET http://shop.test/b'],
    ['307 after a POST: as it was', uri('/a', post), 307, '/b', 'POST http://shop.test/b x'],
    ['308 after a PUT: as it was', uri('/a', { ...post, method: 'PUT' }), 308, '/b', 'PUT http://shop.test/b x'],
    ['302 after a PUT: as it was', uri('/a', { ...post, method: 'PUT' }), 302, '/b', 'PUT http://shop.test/b x'],
    ['303 after a PUT: by GET', uri('/a', { ...post, method: 'PUT' }), 303, '/b', 'GET http://shop.test/b'],
    ['303 after HEAD: by HEAD', uri('/a', { method: 'HEAD' }), 303, '/b', 'HEAD http://shop.test/b'],
  ])('%s', (_case, entry, status, location, expected) => {
    const hop = nextHop(firstHop(prepared(entry)), status, head(location), rules);
    expect('latest' in hop ? shown(hop.latest) : hop).toBe(expected);
  });

  test.each<[string, string, string]>([
    ['no Location', head(), 'redirect-invalid'],
    ['two that differ', head('/b', '/c'), 'redirect-invalid'],
    ['an empty host', head('http://'), 'redirect-invalid'],
    ['another scheme', head('javascript:alert(1)'), 'redirect-invalid'],
    ['a password', head('http://me:secret@shop.test/'), 'redirect-invalid'],
    ['an origin that was not asked for', head('http://evil.test/'), 'redirect-elsewhere'],
    ['another port', head('http://shop.test:81/'), 'redirect-elsewhere'],
    ['itself', head('/a'), 'redirect-loop'],
  ])('nowhere: %s', (_case, text, failure) => {
    expect(nextHop(firstHop(prepared(uri('/a'))), 302, text, rules)).toMatchObject({ failure });
  });

  it('a second Location that says the same changes nothing', () => {
    expect(nextHop(firstHop(prepared(uri('/a'))), 302, head('/b', '/b'), rules)).toHaveProperty('latest.path', '/b');
  });

  it('tells no other origin a secret, and says it again to its own', () => {
    const entry = uri('/a', {
      headers: { Authorization: 'Bearer x', Cookie: 'a=b', Host: 'front.test', 'X-Own': '1' },
    });
    const away = nextHop(firstHop(prepared(entry)), 302, head('http://pay.test/b'), rules);
    const named = (hop: typeof away) => ('latest' in hop ? hop.latest.headers.filter((_, at) => at % 2 === 0) : []);
    expect(named(away)).toContain('x-own');
    expect(named(away)).not.toEqual(expect.arrayContaining([expect.stringMatching(/authorization|cookie|host/)]));
    const back = 'latest' in away ? nextHop(away, 302, head('http://shop.test/c'), rules) : away;
    expect(named(back)).toEqual(expect.arrayContaining(['authorization', 'cookie', 'host']));
  });

  it('describes no body that is not sent', () => {
    const entry = uri('/a', { method: 'POST', body: { text: '{}' }, headers: { 'Content-Type': 'application/json' } });
    const kept = nextHop(firstHop(prepared(entry)), 307, head('/b'), rules);
    const dropped = nextHop(firstHop(prepared(entry)), 303, head('/b'), rules);
    expect('latest' in kept && kept.latest.headers).toContain('content-type');
    expect('latest' in dropped && dropped.latest.headers).not.toContain('content-type');
  });
});

describe('a load that follows redirects', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  const serve = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const load = (url: string, extra: Partial<LoadSpec>) =>
    startLoad(loadSpec(url, { followRedirects: 5, captureFailures: 1, ...extra }), { clock: systemClock }).finished;

  it('counts a request once, with its last status, and finds the marker of the last page only', async () => {
    let asked = 0;
    const url = await serve((request, response) => {
      asked++;
      if (request.url === '/d/start') response.writeHead(302, { location: '/d/middle' }).end('Loyalty');
      else if (request.url === '/d/middle') response.writeHead(307, { location: '/d/end' }).end();
      else response.end('plain');
    });
    const marker = { uri: '/d/*', versions: { v2: 'Loyalty' }, failed: undefined };
    const { counts, responseTime } = await load(url, {
      uris: [uri('/d/start')],
      marker,
      defaultVersion: 'v1',
      maxRequests: 30,
    });
    expect(counts).toMatchObject({ sent: 30, ended: 30, failed: 0, status: { 200: 30 }, versions: { v1: 30 } });
    expect(counts.connections?.opened).toBe(2);
    expect(responseTime.count).toBe(30);
    expect(asked).toBe(90);
  });

  it('goes on by GET after a POST, on a fresh connection each where that was asked for', async () => {
    const seen = new Set<string>();
    const url = await serve((request, response) => {
      seen.add(`${request.method} ${request.url} ${request.headers.connection}`);
      request.resume();
      if (request.method === 'POST') response.writeHead(303, { location: '/done' }).end();
      else response.end('ok');
    });
    const uris = [uri('/order', { method: 'POST', body: { text: 'x'.repeat(100) } })];
    const { counts } = await load(url, { uris, freshShare: 1, maxRequests: 5 });
    expect(counts).toMatchObject({ status: { 200: 5 }, failed: 0, connections: { opened: 10, fresh: 5 } });
    expect([...seen].sort()).toEqual(['GET /done close', 'POST /order close']);
  });

  test.each<[string, string, (request: IncomingMessage) => string | undefined]>([
    ['a chain that is too long', 'redirect-limit', (request) => `${request.url}x`],
    ['a loop', 'redirect-loop', (request) => (request.url === '/' ? '/b' : '/')],
    ['another server', 'redirect-elsewhere', () => 'http://127.0.0.1:1/'],
    ['no Location', 'redirect-invalid', () => undefined],
  ])('%s: %s', async (_case, failure, location) => {
    const url = await serve((request, response) => {
      const to = location(request);
      response.writeHead(302, to === undefined ? {} : { location: to }).end();
    });
    const { counts, samples } = await load(url, { maxRequests: 2 });
    expect(counts).toMatchObject({ ended: 2, failed: 2, status: {}, errors: { [failure]: 2 } });
    expect(samples).toEqual([expect.objectContaining({ failure, head: expect.stringContaining('302 Found') })]);
  });

  it('finds a Location wherever the head is cut', async () => {
    const redirect = 'HTTP/1.1 302 Found\r\nX: y\r\nLocation: /end\r\nContent-Length: 3\r\n\r\nabc';
    let cut = 0;
    const served = await serveTcp((socket) => {
      const at = cut++ % redirect.length;
      socket.write(redirect.slice(0, at));
      setTimeout(() => socket.write(redirect.slice(at)), 1);
    });
    closers.push(() => served.close());
    // Every answer leads to the same place, so that the second redirect is a loop: the first was understood.
    const { counts } = await load(served.url, { maxRequests: redirect.length });
    expect(counts.errors).toEqual({ 'redirect-loop': redirect.length });
  });

  it('is asked for by --follow-redirects, 5 without a number', async () => {
    const url = await serve((request, response) => {
      const hops = Number(request.url?.slice(1));
      if (hops > 0) response.writeHead(302, { location: `/${hops - 1}` }).end();
      else response.end('ok');
    });
    const of = async (path: string, ...args: string[]) =>
      JSON.parse((await say(['load', `${url}${path}`, '--requests', '1', '--json', ...args])).stdout);
    expect(await of('/5', '--follow-redirects')).toMatchObject({ status: { 200: 1 }, errors: {} });
    expect(await of('/6', '--follow-redirects')).toMatchObject({ failed: 1, errors: { 'redirect-limit': 1 } });
    expect(await of('/6', '--follow-redirects', '6')).toMatchObject({ status: { 200: 1 } });
    expect(await of('/6')).toMatchObject({ status: { 302: 1 }, failed: 0 });
  });
});
