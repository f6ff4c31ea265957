import { afterEach, describe, expect, it, test } from 'vitest';
import { ConfigError, EnvironmentError } from '../../src/base/errors.js';
import { shorten } from '../../src/observe/http.js';
import { PrometheusClient } from '../../src/observe/prometheus.js';
import { freePort, type Served, serveHttp, serveTcp } from '../support/load.js';

const open: Served[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});
const serve = async (...listener: Parameters<typeof serveHttp>) => {
  const served = await serveHttp(...listener);
  open.push(served);
  return served.url;
};
const json = { 'content-type': 'application/json' };
const failure = async (url: string, timeoutMs = 2000) => {
  const error = await new PrometheusClient({ url, timeoutMs }).instant('up').then(
    (value) => value,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(EnvironmentError);
  expect((error as EnvironmentError).message).toContain(url);
  expect((error as EnvironmentError).hint).toContain('--prometheus-url');
  return (error as EnvironmentError).message;
};

describe('answers that are no data', () => {
  test.each([
    ['a log-in page', 200, 'text/html', '<html>Sign in</html>', /text\/html instead of JSON: <html>Sign in/],
    ['a broken proxy', 500, 'text/html', '<h1>Bad gateway</h1>', /fails with status 500: <h1>Bad gateway/],
    ['no right', 403, 'text/plain', 'Forbidden', /refuses access with status 403: Forbidden/],
    [
      'a refused query',
      400,
      'application/json',
      '{"status":"error","errorType":"bad_data","error":"parse error"}',
      /refuses the query up: bad_data: parse error/,
    ],
    [
      'an overloaded server',
      503,
      'application/json',
      '{"status":"error","errorType":"timeout","error":"query timed out"}',
      /timeout: query timed out/,
    ],
    ['broken JSON', 200, 'application/json', '{"status":', /broken JSON/],
    ['another API', 200, 'application/json', '{"items":[]}', /no result of an instant query/],
    [
      'a matrix',
      200,
      'application/json',
      '{"status":"success","data":{"resultType":"matrix","result":[]}}',
      /no result of an instant query/,
    ],
    ['an error without JSON shape', 502, 'application/json', '{"message":"x"}', /fails with status 502/],
  ])('%s', async (_case, status, type, body, message) => {
    const url = await serve((_request, response) => response.writeHead(status, { 'content-type': type }).end(body));
    expect(await failure(url)).toMatch(message);
  });

  it('nobody listens, nobody answers, the connection breaks', async () => {
    expect(await failure(`http://127.0.0.1:${await freePort()}`)).toMatch(/cannot be reached: .*ECONNREFUSED/);
    expect(await failure(await serve(() => {}), 100)).toMatch(/did not answer within 0\.1 s/);
    const half = await serveTcp((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{'));
    open.push(half);
    expect(await failure(half.url)).toMatch(/cannot be reached/);
  });

  it('a redirect to another host gets no credential', async () => {
    const visits: string[] = [];
    const other = await serve((request, response) => {
      visits.push(request.url ?? '');
      response.end();
    });
    const url = await serve((_request, response) => response.writeHead(302, { location: `${other}/login` }).end());
    expect(await failure(url)).toMatch(/redirects to http:.*log-in page/);
    expect(visits).toEqual([]);
  });

  it('an aborted call ends at once', async () => {
    const url = await serve(() => {});
    const abort = new AbortController();
    const call = new PrometheusClient({ url }).instant('up', abort.signal);
    abort.abort();
    await expect(call).rejects.toThrow(url);
  });
});

describe('a good answer', () => {
  it('posts the query below the path prefix with the token, and leaves out what is not finite', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
        const result = ['1.5', 'NaN', '+Inf', '-Inf'].map((value) => ({ metric: { a: value }, value: [1, value] }));
        response
          .writeHead(200, json)
          .end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
      });
    });
    const client = new PrometheusClient({ url: `${url}/prom/`, bearerToken: 'secret' });
    expect(await client.instant('up{a="b"}')).toEqual([{ labels: { a: '1.5' }, value: 1.5 }]);
    expect(seen).toEqual(['POST /prom/api/v1/query Bearer secret query=up%7Ba%3D%22b%22%7D']);
  });

  it('sends user and password of the address, and never shows them', async () => {
    let authorization: string | undefined;
    const url = await serve((request, response) => {
      authorization = request.headers.authorization;
      response.writeHead(401, { 'content-type': 'text/plain' }).end('no');
    });
    const client = new PrometheusClient({ url: url.replace('//', '//me:p%40ss@') });
    expect(client.address).toBe(url);
    await expect(client.instant('up')).rejects.toThrow(new RegExp(`Prometheus at ${url} refuses access`));
    expect(Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64').toString()).toBe('me:p@ss');
  });

  test.each(['localhost:9090', 'ftp://x', '', 'http://'])('%j is no address', (url) => {
    expect(() => new PrometheusClient({ url })).toThrow(ConfigError);
  });
});

test('foreign text becomes one short line', () => {
  expect(shorten(' a\n\t\u001b[31mb ')).toBe('a [31mb');
  expect(shorten('')).toBe('(empty body)');
  expect(shorten('x'.repeat(300))).toHaveLength(203);
});
