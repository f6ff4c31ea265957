import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { RecordingParser } from '../../src/load/workload/recording.js';
import { readRecording } from '../../src/load/workload/recordingFile.js';
import { said } from '../support/scenario.js';

function parse(text: string) {
  const parser = new RecordingParser('r.txt', ['id']);
  for (const row of text.split('\n')) if (!parser.read(row)) break;
  const recording = parser.finish();
  return {
    times: recording && [...recording.times],
    asked: recording?.uris && [...recording.uris].map((uri) => recording.entries[uri]?.target),
    problems: parser.problems.map(said),
  };
}

describe('a recording', () => {
  test.each<[string, string, number[], string[] | undefined]>([
    ['seconds from any origin', '1700000000.25\n1700000001', [0, 750], undefined],
    ['whole seconds, comments and blank lines', '# a\n3 # why\n\n  4\t\n', [0, 1000], undefined],
    ['times of the same moment, in the order written', '1 /a\n1 /b\n1 /a', [0, 0, 0], ['/a', '/b', '/a']],
    ['lines out of order', '5 /c\n1 /a\n3 /b', [0, 2000, 4000], ['/a', '/b', '/c']],
    [
      'ISO 8601 with fractions of any length and zones',
      '2026-03-01T10:00:00Z\n2026-03-01T11:00:00.5+01:00\n2026-03-01T10:00:01,000125\n2026-03-01T05:00:02-0500',
      [0, 500, 1000.125, 2000],
      undefined,
    ],
    [
      'requests with methods, headers and variables',
      '0 POST /a/{id} X-A: 1; B: 2\n1 HEAD http://h/b # why',
      [0, 1000],
      ['/a/{id}', 'http://h/b'],
    ],
  ])('of %s', (_, text, times, asked) => {
    const recording = parse(text);
    expect(recording.problems).toEqual([]);
    expect(recording.times?.map((ms) => Math.round(ms * 1000) / 1000)).toEqual(times);
    expect(recording.asked).toEqual(asked);
  });

  it('holds the times of its lines in their order, whatever that is in the file', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5000), fc.nat(30)), { minLength: 1, maxLength: 3000 }), (lines) => {
        const recording = parse(lines.map(([ms, uri]) => `${ms / 1000} /${uri}`).join('\n'));
        const sorted = [...lines].sort(([a], [b]) => a - b);
        const first = sorted[0]?.[0] ?? 0;
        expect(recording.times?.map(Math.round)).toEqual(sorted.map(([ms]) => ms - first));
        expect(recording.asked).toEqual(sorted.map(([, uri]) => `/${uri}`));
      }),
      { seed: 9, numRuns: 30 },
    );
  });

  test.each([
    ['nothing', '# x\n', 'r.txt:-: holds no arrival'],
    ['no time', '1\nsoon', 'r.txt:2: "soon" is no time (write seconds such as 12.345, or 2026-03-01T10:00:00.123Z)'],
    ['a negative time', '-1', 'r.txt:1: "-1" is no time'],
    ['a day that is none', '2026-13-01T10:00:00Z', 'is no time'],
    ['a day without an hour', '2026-03-01T', 'is no time'],
    ['both forms of time', '1\n\n2026-03-01T10:00:00Z', 'r.txt:3: has a time of another form than line 1'],
    ['a line without a URI', '1 /a\n2', 'r.txt:2: has no URI, line 1 has one'],
    ['a line with a URI', '1\n2 /a', 'r.txt:2: has a URI, line 1 has none'],
    ['a URI that is none', '1 /a\n2 b', 'r.txt:2: "b" is no URI'],
    ['a method that is none', '1 FETCH /a', 'r.txt:1: "FETCH" is no method'],
    ['a weight', '1 /a weight=2', 'r.txt:1: has a weight'],
    ['a variable that nothing fills', '1 /{name}', 'r.txt:1: {name} is no known variable'],
  ])('refuses %s', (_, text, message) => {
    const { times, problems } = parse(text);
    expect(times).toBeUndefined();
    expect(problems.join('\n')).toContain(message);
    expect(problems).toHaveLength(1);
  });

  it('stops reading after 20 problems, and after 10,000 different requests', () => {
    expect(parse('x\n'.repeat(1000)).problems).toHaveLength(20);
    const many = Array.from({ length: 10_001 }, (_, index) => `${index} /${index}`);
    expect(parse(many.join('\n')).problems).toEqual([
      expect.stringContaining('r.txt:10001: has a request unlike the 10000 before it'),
    ]);
  });

  it('of any garbage gives problems or times, and never throws', () => {
    const piece = fc.constantFrom(
      '1',
      '.5',
      ' ',
      '/a',
      '\n',
      '#',
      'T',
      'Z',
      'POST',
      '2026-03-01T10:00:00',
      ': ',
      '\0',
      '\ufeff',
      '9e9',
      '{',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { times, problems } = parse(pieces.join(''));
        expect(times === undefined).toBe(problems.length > 0);
        for (const ms of times ?? []) expect(ms).toBeGreaterThanOrEqual(0);
      }),
      { seed: 10, numRuns: 500 },
    );
  });
});

describe('a recording on disk', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'recording-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const problemsOf = async (text: string) => {
    writeFileSync(join(folder, 'r.txt'), text);
    const error = await readRecording(folder, 'r.txt', []).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems.map(said);
  };

  it('is read as a stream, lines across its chunks included', async () => {
    const count = 50_000;
    writeFileSync(join(folder, 'r.txt'), Array.from({ length: count }, (_, i) => `${i / 100} /p${i % 3}`).join('\r\n'));
    const { times, uris, entries } = await readRecording(folder, 'r.txt', []);
    expect(times).toHaveLength(count);
    expect(times[count - 1]).toBeCloseTo((count - 1) * 10, 6);
    expect([...(uris ?? [])].every((uri, index) => entries[uri]?.target === `/p${index % 3}`)).toBe(true);
  });

  it('with an endless line, or the wrong bytes, is refused with the line', async () => {
    expect(await problemsOf(`1\n${'2'.repeat(200_000)}`)).toEqual(['r.txt:2: is longer than 8192 characters']);
    expect((await problemsOf('1\n\u0001\u0002\n')).join()).toContain('r.txt:2: "\\u0001\\u0002" is no time');
    expect(await problemsOf('')).toEqual([expect.stringContaining('r.txt:-: holds no arrival')]);
  });
});
