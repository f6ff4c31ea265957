import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { unpackSnappy } from '../../../src/lab/prometheus/snappy.js';
import { readWriteRequest } from '../../../src/lab/prometheus/writeRequest.js';
import { packSnappy, remoteWrite, writeRequest } from '../../support/remoteWrite.js';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

describe('Snappy', () => {
  const repetitive = fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 40 })), { maxLength: 30 })
    .map((parts) =>
      Uint8Array.from(
        parts.flatMap(([part, times]) =>
          Array(times)
            .fill([...part])
            .flat(),
        ),
      ),
    );

  test('what was packed is what is unpacked, runs and repetitions included', () => {
    fc.assert(
      fc.property(repetitive, (plain) => {
        expect(unpackSnappy(packSnappy(plain), 1e6)).toEqual(plain);
      }),
    );
  });

  test('a copy from far away, beyond 64 KiB', () => {
    const noise = Uint8Array.from({ length: 70_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 0xff);
    const plain = Uint8Array.from([...bytes('a beginning'), ...noise, ...bytes('a beginning')]);
    expect(unpackSnappy(packSnappy(plain), 1e6)).toEqual(plain);
  });

  test.each([
    ['nothing at all', ''],
    ['a length without an end', '\xff\xff\xff\xff\xff\xff'],
    ['a literal that is longer than the input', '\x05\x10abc'],
    ['a copy from before the start', '\x08\x00a\x05\x02'],
    ['a copy from where it writes', '\x08\x00a\x05\x00'],
    ['more bytes than were announced', '\x01\x08abc'],
    ['fewer bytes than were announced', '\x09\x08abc'],
  ])('%s is refused', (_, packed) => {
    expect(() => unpackSnappy(bytes(packed), 1e6)).toThrow('snappy: corrupt input');
  });

  test('a length that would fill the memory is refused before anything is unpacked', () => {
    expect(() => unpackSnappy(bytes('\xff\xff\xff\xff\x0f'), 1e6)).toThrow('too large');
  });

  test('no input makes it write past its end or run on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (packed) => {
        try {
          expect(unpackSnappy(packed, 10_000).length).toBeLessThanOrEqual(10_000);
        } catch (error) {
          expect(String(error)).toContain('snappy');
        }
      }),
    );
  });
});

describe('write requests', () => {
  test('labels, values and times of every size', () => {
    const sent = [
      {
        labels: { __name__: 'a_total', uri: 'Grüße "x"' },
        samples: [[0, 0] as const, [1_764_000_000_000, -1.5e300] as const],
      },
      { labels: {}, samples: [[5, Number.POSITIVE_INFINITY] as const] },
    ];
    expect(readWriteRequest(writeRequest(sent))).toEqual(
      sent.map(({ labels, samples }) => ({
        labels: Object.entries(labels),
        samples: samples.map(([timeMs, value]) => ({ timeMs, value, stale: false })),
      })),
    );
  });

  test('a stale marker is told from other NaNs by its bits', () => {
    const [series] = readWriteRequest(
      writeRequest([
        {
          labels: {},
          samples: [
            [1, 0x7ff0000000000002n],
            [2, Number.NaN],
          ],
        },
      ]),
    );
    expect(series?.samples.map(({ stale }) => stale)).toEqual([true, false]);
  });

  test('what is cut short is refused', () => {
    const whole = writeRequest([{ labels: { a: 'b' }, samples: [[1, 2]] }]);
    for (let length = 1; length < 20; length++) {
      expect(() => readWriteRequest(whole.subarray(0, length))).toThrow();
    }
  });
});

describe('the receiver', () => {
  let prometheus: RunningPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000 });
  });
  afterAll(() => prometheus.close());

  const ask = async (query: string, timeMs: number) => {
    const answer = await fetch(
      `${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}&time=${timeMs / 1000}`,
    );
    const { data } = (await answer.json()) as { data: { result: { metric: object; value: [number, string] }[] } };
    return data.result.map(({ metric, value }) => [metric, value[1]]);
  };
  const labels = { __name__: 'k6_requests_total', testid: 'run', uri: '/' };
  const { __name__: _, ...rest } = labels;
  const NOW = 1_764_000_000_000;

  test('samples are there for queries, until a stale marker ends their series', async () => {
    expect(
      await remoteWrite(prometheus.url, [
        {
          labels,
          samples: [
            [NOW, 3],
            [NOW + 1000, 7],
          ],
        },
      ]),
    ).toEqual({
      status: 204,
      text: '',
    });
    expect(await ask('k6_requests_total{testid="run"}', NOW + 500)).toEqual([[labels, '3']]);
    expect(await ask('sum by (testid, uri) (k6_requests_total)', NOW + 1000)).toEqual([[rest, '7']]);
    await remoteWrite(prometheus.url, [{ labels, samples: [[NOW + 2000, 0x7ff0000000000002n]] }]);
    expect(await ask('k6_requests_total', NOW + 2500)).toEqual([]);
    expect(await ask('last_over_time(k6_requests_total[10s])', NOW + 2500)).toEqual([[labels, '7']]);
  });

  test('the same sample once more is no error; an older one, or another value for its time, refuses all that came with it', async () => {
    const late = { __name__: 'late', n: '1' };
    const fresh = { labels: { __name__: 'fresh' }, samples: [[NOW, 1] as const] };
    await remoteWrite(prometheus.url, [{ labels: late, samples: [[NOW, 1]] }]);
    expect((await remoteWrite(prometheus.url, [{ labels: late, samples: [[NOW, 1]] }])).status).toBe(204);
    expect(await remoteWrite(prometheus.url, [fresh, { labels: late, samples: [[NOW - 1, 0]] }])).toEqual({
      status: 400,
      text: 'out of order sample\n',
    });
    expect(await remoteWrite(prometheus.url, [fresh, { labels: late, samples: [[NOW, 2]] }])).toEqual({
      status: 400,
      text: 'duplicate sample for timestamp\n',
    });
    expect(await ask('fresh', NOW)).toEqual([]);
  });

  test('garbage is refused, and only POST is taken', async () => {
    const garbage = await fetch(`${prometheus.url}/api/v1/write`, { method: 'POST', body: 'no snappy' });
    expect(garbage.status).toBe(400);
    expect((await fetch(`${prometheus.url}/api/v1/write`)).status).toBe(405);
    const { data } = (await (await fetch(`${prometheus.url}/api/v1/status/flags`)).json()) as { data: object };
    expect(data).toMatchObject({ 'web.enable-remote-write-receiver': 'true' });
  });
});
