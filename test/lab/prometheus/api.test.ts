import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { GARBAGE, sendGarbage } from '../../support/garbage.js';
import { recordedSeries, storageOf } from '../../support/samples.js';

let prometheus: RunningPrometheus;
beforeAll(async () => {
  prometheus = await startPrometheus({
    targets: () => [],
    scrapeIntervalMs: 60_000,
    storage: storageOf(recordedSeries()),
  });
});
afterAll(() => prometheus.close());

async function get(path: string): Promise<{ status: number; type: string | null; body: unknown }> {
  const response = await fetch(prometheus.url + path);
  const type = response.headers.get('content-type');
  return {
    status: response.status,
    type,
    body: type?.includes('json') ? await response.json() : await response.text(),
  };
}

const refusal = (error: string, errorType = 'bad_data') => ({ status: 'error', errorType, error });

describe('requests that are refused', () => {
  test.each([
    ['/api/v1/query?query=sum(', 400, 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'],
    ['/api/v1/query', 400, 'invalid parameter "query": 1:1: parse error: no expression found in input'],
    ['/api/v1/query?query=up&time=noon', 400, 'invalid parameter "time": cannot parse "noon" to a valid timestamp'],
    ['/api/v1/query?query=up&timeout=x', 400, 'invalid parameter "timeout": cannot parse "x" to a valid duration'],
    [
      '/api/v1/query_range?query=up&start=0&end=20000&step=1',
      400,
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
    [
      '/api/v1/query_range?query=up&start=0&end=10&step=0',
      400,
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    ],
    [
      '/api/v1/query_range?query=up&start=0&end=10&step=-5',
      400,
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    ],
    [
      '/api/v1/query_range?query=up&start=10&end=0&step=1',
      400,
      'invalid parameter "end": end timestamp must not be before start time',
    ],
    [
      '/api/v1/query_range?query=up&end=0&step=1',
      400,
      'invalid parameter "start": cannot parse "" to a valid timestamp',
    ],
    [
      '/api/v1/query_range?query=up&start=0&end=10&step=x',
      400,
      'invalid parameter "step": cannot parse "x" to a valid duration',
    ],
    ['/api/v1/series', 400, 'no match[] parameter provided'],
    [
      '/api/v1/series?match[]={',
      400,
      'invalid parameter "match[]": 1:2: parse error: unexpected end of input inside braces',
    ],
    ['/api/v1/label/0x/values', 400, 'invalid label name: "0x"'],
  ])('%s: %i %s', async (path, status, error) => {
    const answer = await get(path);
    expect([answer.status, answer.body]).toEqual([status, refusal(error)]);
  });

  test('a query without time left is a timeout', async () => {
    const answer = await get('/api/v1/query?query=count({__name__=~".%2B"})&timeout=-1&time=1760000000');
    expect([answer.status, answer.body]).toEqual([503, refusal('query timed out in expression evaluation', 'timeout')]);
  });

  test('a query that cannot be computed is a failed execution', async () => {
    const answer = await get('/api/v1/query?query=temperature%2Bon()limit&time=1760000000');
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      errorType: 'execution',
      error: expect.stringContaining('many-to-many matching not allowed'),
    });
  });

  test('an unknown path is plain text', async () => {
    expect(await get('/api/v1/nothing')).toEqual({
      status: 404,
      type: 'text/plain; charset=utf-8',
      body: '404 page not found\n',
    });
    expect((await get('/nothing')).status).toBe(404);
    expect((await fetch(`${prometheus.url}/api/v1/query`, { method: 'DELETE' })).status).toBe(405);
  });
});

describe('requests that are answered', () => {
  test('a form that is posted counts as the query string does', async () => {
    const form = new URLSearchParams({ query: 'up', time: '1760000000' });
    const posted = await fetch(`${prometheus.url}/api/v1/query`, { method: 'POST', body: form });
    expect(await posted.json()).toEqual((await get(`/api/v1/query?${form}`)).body);
    const typeless = await fetch(`${prometheus.url}/api/v1/query?${form}`, { method: 'POST', body: 'query=1' });
    expect(typeless.status).toBe(200);
  });

  test('times are seconds with a fraction, or RFC 3339', async () => {
    const seconds = await get('/api/v1/query?query=time()&time=1760000000.25');
    expect(seconds.body).toEqual({
      status: 'success',
      data: { resultType: 'scalar', result: [1_760_000_000.25, '1760000000.25'] },
    });
    const written = await get(`/api/v1/query?query=time()&time=${encodeURIComponent('2025-10-09T10:53:20.25+02:00')}`);
    expect(written.body).toEqual(seconds.body);
  });

  test('series, labels and label values, of all or of the selected', async () => {
    const data = async (path: string) => ((await get(path)).body as { data: unknown }).data;
    expect(await data('/api/v1/series?match[]=limit&match[]=up')).toEqual([
      { __name__: 'limit', room: 'x' },
      { __name__: 'limit', room: 'y' },
      { __name__: 'up', job: 'a' },
    ]);
    expect(await data('/api/v1/series?match[]=limit&start=1760000001')).toEqual([]);
    expect(await data('/api/v1/labels?match[]=info')).toEqual(['__name__', 'note', 'owner', 'room']);
    expect(await data('/api/v1/label/room/values')).toEqual(['x', 'y', 'z']);
    expect(await data('/api/v1/label/__name__/values?match[]={room="x"}')).toEqual(['info', 'limit', 'temperature']);
    expect(await data('/api/v1/label/nothing/values')).toEqual([]);
  });

  test('a range is a matrix whose rows hold only the steps that have a value', async () => {
    const { body } = await get(
      '/api/v1/query_range?query=requests_total{job="e"}&start=1759999700&end=1760000300&step=100',
    );
    expect(body).toEqual({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: [
          {
            metric: { __name__: 'requests_total', instance: 'e:1', job: 'e' },
            values: [
              [1_759_999_700, '300'],
              [1_759_999_800, '310'],
              [1_759_999_900, '310'],
              [1_760_000_000, '310'],
            ],
          },
        ],
      },
    });
  });

  test('numbers are printed as Go prints them', async () => {
    const value = async (text: string) => {
      const { data } = (await get(`/api/v1/query?query=${encodeURIComponent(text)}`)).body as {
        data: { result: [number, string] };
      };
      return data.result[1];
    };
    expect(
      await Promise.all(
        [
          '1e21',
          '1e20',
          '123456789012345678',
          '1e-6',
          '1e-7',
          '0.1 + 0.2',
          '-0.0',
          '1/0',
          '-1/0',
          '0/0',
          '1e300 * 10',
        ].map(value),
      ),
    ).toEqual([
      '1e+21',
      '100000000000000000000',
      '123456789012345680',
      '0.000001',
      '1e-07',
      '0.30000000000000004',
      '-0',
      '+Inf',
      '-Inf',
      'NaN',
      '1e+301',
    ]);
  });

  test('pages about the server', async () => {
    expect((await get('/version')).body).toMatchObject({ version: '2.42.0' });
    expect((await get('/-/ready')).body).toBe('Prometheus Server is Ready.\n');
    expect((await get('/-/healthy')).body).toBe('Prometheus Server is Healthy.\n');
    const data = async (path: string) =>
      ((await get(`/api/v1/${path}`)).body as { data: Record<string, unknown> }).data;
    expect(await data('status/buildinfo')).toMatchObject({ version: '2.42.0' });
    expect(parse((await data('status/config')).yaml as string)).toMatchObject({ global: { scrape_interval: '1m' } });
    expect(await data('status/flags')).toMatchObject({ 'query.lookback-delta': '5m' });
    expect(await data('status/runtimeinfo')).toMatchObject({ storageRetention: '30m' });
    expect(await data('status/tsdb')).toMatchObject({ headStats: { maxTime: 1_760_000_000_000 } });
    expect([await data('rules'), await data('alerts'), await data('targets')]).toEqual([
      { groups: [] },
      { alerts: [] },
      { activeTargets: [], droppedTargets: [] },
    ]);
  });
});

test.each(GARBAGE)('after %s the next request is answered', async (_, bytes) => {
  await sendGarbage(prometheus.url, bytes);
  expect((await get('/-/ready')).status).toBe(200);
});

test('a taken port is refused, and nothing is left running', async () => {
  const port = Number(new URL(prometheus.url).port);
  await expect(startPrometheus({ targets: () => [], scrapeIntervalMs: 50, port })).rejects.toThrow(/EADDRINUSE/);
});
