import fc from 'fast-check';
import { build } from 'hdr-histogram-js';
import { describe, expect, it, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { seededRandom } from '../../src/base/random.js';
import { failureKind, GivenUp } from '../../src/load/failure.js';
import { LatencyHistogram, mergeBuckets } from '../../src/load/latency.js';
import { classifyAnswer, markerTexts } from '../../src/load/marker.js';
import { prepareRequests } from '../../src/load/requests.js';
import { TextScanner } from '../../src/load/scan.js';
import { uri } from '../support/load.js';

test('the scanner finds a text exactly when the whole body holds it, wherever the chunks end', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), maxLength: 40 });
  const needle = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      letters,
      fc.array(needle, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(90)),
      (body, needles, cuts) => {
        const bytes = Buffer.from(body);
        const scanner = new TextScanner(needles.map((text) => Buffer.from(text)));
        const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        for (let i = 1; i < bounds.length; i++) scanner.push(bytes.subarray(bounds[i - 1], bounds[i]));
        expect(scanner.found).toEqual(needles.map((text) => body.includes(text)));
      },
    ),
    { seed: 4, numRuns: 2000 },
  );
});

describe('marker', () => {
  const texts = markerTexts({ uri: '/d/*', versions: { v2: 'Loyalty', v3: 'Gold' }, failed: 'offline' }, 'v1');
  test.each([
    ['the text of v2', true, 200, [true, false, false], { kind: 'version', version: 'v2' }],
    ['no text at a marker URI', true, 200, [false, false, false], { kind: 'version', version: 'v1' }],
    ['two texts', true, 200, [true, true, false], { kind: 'unmarked' }],
    ['any text at another URI', false, 200, [true, false, false], { kind: 'unmarked' }],
    ['a redirect of a marker URI', true, 302, [false, false, false], { kind: 'unmarked' }],
    ['the offline page with status 200', false, 200, [false, false, true], { kind: 'failed', reason: 'offline-page' }],
    [
      'the offline page beats a version text',
      true,
      200,
      [true, false, true],
      { kind: 'failed', reason: 'offline-page' },
    ],
    ['status 404', true, 404, [true, false, false], { kind: 'failed', reason: 'status' }],
    ['status 500 with the offline page', true, 500, [false, false, true], { kind: 'failed', reason: 'status' }],
  ])('%s', (_case, tellsVersion, status, found, expected) => {
    expect(classifyAnswer(texts, tellsVersion, status, found)).toEqual(expected);
  });

  it('leaves an answer unmarked when no version is meant by absence', () => {
    const strict = markerTexts({ uri: '/d/*', versions: { v1: 'One', v2: 'Two' }, failed: undefined }, undefined);
    expect(classifyAnswer(strict, true, 200, [false, false])).toEqual({ kind: 'unmarked' });
    expect(classifyAnswer(strict, true, 200, [true, false])).toEqual({ kind: 'version', version: 'v1' });
  });
});

describe('latency histogram', () => {
  it('gives percentiles within 0.1 % of the sorted values, and their exact count, mean and maximum', () => {
    const random = seededRandom(2);
    const histogram = new LatencyHistogram();
    const values = Array.from({ length: 30_000 }, () => Math.round(1000 * Math.exp(3 * random())) / 1000);
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    const summary = histogram.summary();
    expect(summary.count).toBe(30_000);
    expect(summary.max).toBe(values.at(-1));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(summary.mean / mean - 1)).toBeLessThan(0.001);
    for (const [p, key] of [
      [0.5, 'p50'],
      [0.9, 'p90'],
      [0.99, 'p99'],
      [0.999, 'p999'],
    ] as const) {
      const exact = values[Math.ceil(p * values.length) - 1] as number;
      expect(Math.abs(summary[key] / exact - 1)).toBeLessThan(0.001);
    }
    expect(summary.buckets.length).toBeLessThanOrEqual(120);
    expect(summary.buckets.reduce((sum, bucket) => sum + bucket.count, 0)).toBe(30_000);
    expect(summary.buckets.at(-1)?.upTo).toBe(summary.max);
  });

  it('has the percentiles of HDR histograms, exactly', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(5000), fc.nat(2 ** 31 - 1), fc.integer({ min: 2 ** 31, max: 3_600_000_000 })), {
          minLength: 1,
          maxLength: 300,
        }),
        (microseconds) => {
          const reference = build({
            bitBucketSize: 32,
            numberOfSignificantValueDigits: 3,
            highestTrackableValue: 2 ** 32,
          });
          const histogram = new LatencyHistogram();
          for (const us of microseconds) {
            reference.recordValue(us);
            histogram.record(us / 1000);
          }
          const { count, max, ...summary } = histogram.summary();
          expect(count).toBe(reference.totalCount);
          expect(max).toBe(Math.max(...microseconds) / 1000);
          for (const [p, key] of [
            [50, 'p50'],
            [90, 'p90'],
            [99, 'p99'],
            [99.9, 'p999'],
          ] as const) {
            // Theirs gives the upper end of the bucket even where nothing that large was recorded.
            const theirs = Math.min(reference.getValueAtPercentile(p), Math.max(...microseconds));
            expect(summary[key]).toBe(theirs / 1000);
          }
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it('is the same whether values were recorded in one or added from several', () => {
    const durations = fc.array(fc.double({ min: 0, max: 4_000_000, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(durations, durations, (first, second) => {
        const [all, one, two] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()];
        for (const ms of [...first, ...second]) all.record(ms);
        for (const ms of first) one.record(ms);
        for (const ms of second) two.record(ms);
        one.add(two);
        // The same when they come from another thread.
        const sent = LatencyHistogram.of(structuredClone(two.data()));
        expect(sent.summary()).toEqual(two.summary());
        const { mean, ...rest } = one.summary();
        const expected = all.summary();
        expect({ ...rest, mean: expected.mean }).toEqual(expected);
        expect(mean).toBeCloseTo(expected.mean, 6);
      }),
      { seed: 5, numRuns: 100 },
    );
  });

  it('is all zeros when empty and after a reset, and clamps what cannot be', () => {
    const histogram = new LatencyHistogram();
    const empty = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0, buckets: [] };
    expect(histogram.summary()).toEqual(empty);
    histogram.record(-5);
    histogram.record(1e12);
    expect(histogram.summary()).toMatchObject({ count: 2, p50: 0, max: 3_600_000 });
    histogram.reset();
    expect(histogram.summary()).toEqual(empty);
  });

  it('merges buckets without losing a count, bounds rising', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 1e7 }), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 120 }),
        (bounds, limit) => {
          const buckets = bounds.sort((a, b) => a - b).map((upTo, index) => ({ upTo, count: index + 1 }));
          const merged = mergeBuckets(buckets, limit);
          expect(merged.length).toBeLessThanOrEqual(limit);
          expect(merged.at(-1)?.upTo).toBe(buckets.at(-1)?.upTo);
          for (const [index, { upTo }] of merged.entries()) {
            const low = merged[index - 1]?.upTo ?? -1;
            expect(upTo).toBeGreaterThan(low);
            const inside = buckets.filter((bucket) => bucket.upTo > low && bucket.upTo <= upTo);
            expect(merged[index]?.count).toBe(inside.reduce((sum, { count }) => sum + count, 0));
          }
        },
      ),
      { seed: 5, numRuns: 200 },
    );
  });
});

describe('prepared requests', () => {
  const prepare = (uris: ReturnType<typeof uri>[], variables = {}) =>
    prepareRequests({
      baseUrl: 'http://shop.test:8080/app/',
      uris,
      variables,
      marker: { uri: '/d/*', versions: {}, failed: undefined },
    });

  it('fills known variables into a body as its type wants them, and nothing into a file', () => {
    const body = { text: '{id}{user}{toString}' };
    const bodies = prepare(
      [
        uri('/a', { method: 'POST', body }),
        uri('/a', { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
        uri('/a', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } }),
        uri('/a', { method: 'POST', body: { base64: Buffer.from('\0{id}').toString('base64') } }),
        uri('/a', { method: 'POST' }),
      ],
      { id: 'ä "b"' },
    ).map((request) => request.body?.toString('utf8'));
    const rest = '{user}{toString}';
    expect(bodies).toEqual([`ä "b"${rest}`, `%C3%A4%20%22b%22${rest}`, `ä \\"b\\"${rest}`, '\0{id}', undefined]);
  });

  it('fills in variables percent-encoded, resolves against the base URL and keeps absolute URIs', () => {
    const [first, second, third] = prepare(
      [uri('/d/{id}?x=1'), uri('relative'), uri('https://other.test/d/1', { method: 'POST' })],
      { id: 'a b/c' },
    );
    expect(first).toMatchObject({
      origin: 'http://shop.test:8080',
      path: '/d/a%20b%2Fc?x=1',
      name: '/d/a%20b%2Fc?x=1',
      tellsVersion: true,
    });
    expect(second).toMatchObject({ path: '/app/relative', tellsVersion: false });
    expect(third).toMatchObject({ origin: 'https://other.test', method: 'POST', name: 'POST https://other.test/d/1' });
  });

  it('sends no-cache and its own name, unless the list says otherwise, and never expects a version of a HEAD', () => {
    const [plain, own] = prepare([
      uri('/a'),
      uri('/d/1', { method: 'HEAD', headers: { 'Cache-Control': 'max-age=1' } }),
    ]);
    expect(plain?.headers.join(' ')).toMatch(
      /cache-control no-cache accept-encoding identity .*user-agent weighbridge\/\d+\.\d+\.\d+/,
    );
    expect(own?.headers.join(' ')).toContain('cache-control max-age=1');
    expect(own?.headers.filter((name) => name === 'cache-control')).toHaveLength(1);
    expect(own?.tellsVersion).toBe(false);
  });

  it('reports every problem at once with its line', () => {
    const list = [
      uri('/a/{nobody}', { line: 3 }),
      uri('ftp://x/', { line: 4 }),
      uri('/b', { line: 5, method: 'FETCH' }),
      uri('/c', { line: 6, headers: { Connection: 'close', 'x-y': 'a\nb' } }),
    ];
    let error: unknown;
    try {
      prepare(list, { id: '1' });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems.map(({ line }) => line)).toEqual([3, 4, 5, 6, 6]);
    expect((error as ConfigError).message).toContain('Known are {id}');
    expect(() => prepare([])).toThrow(/empty/);
  });
});

test.each([
  [Object.assign(new Error(), { code: 'ECONNREFUSED' }), 'connect-refused'],
  [Object.assign(new Error(), { code: 'EMFILE' }), 'out-of-sockets'],
  [Object.assign(new Error(), { code: 'EADDRNOTAVAIL' }), 'out-of-ports'],
  [Object.assign(new Error(), { code: 'HPE_INVALID_CONSTANT' }), 'protocol'],
  [Object.assign(new Error(), { code: 'UND_ERR_SOCKET' }), 'closed'],
  [Object.assign(new Error(), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'tls'],
  [new AggregateError([Object.assign(new Error(), { code: 'ECONNREFUSED' })]), 'connect-refused'],
  [new Error('outer', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) }), 'reset'],
  [new GivenUp('timeout'), 'timeout'],
  [new Error('?'), 'other'],
  ['text', 'other'],
])('%s is counted as %s', (error, kind) => {
  expect(failureKind(error)).toBe(kind);
});
