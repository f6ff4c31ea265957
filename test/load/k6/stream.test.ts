import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Point, PointStream } from '../../../src/load/k6/stream.js';

const point = (metric: string, value: number | string, tags: string, time = '2026-11-28T18:34:09.858905464Z') =>
  `{"metric":"${metric}","type":"Point","data":{"time":"${time}","value":${value},"tags":${tags}}}`;
const METRIC =
  '{"type":"Metric","data":{"name":"weighbridge_answers","type":"counter","contains":"default","thresholds":[],"submetrics":null},"metric":"weighbridge_answers"}';

function read(...chunks: (string | Buffer)[]) {
  const points: Point[] = [];
  const stream = new PointStream((each) => points.push(each));
  for (const chunk of chunks) stream.push(Buffer.from(chunk));
  return { points, malformed: stream.malformed, cut: stream.end() };
}

describe("the samples in k6's output", () => {
  it('are those of the scripts, of dropped iterations and of bytes; everything else is passed over', () => {
    const lines = [
      METRIC,
      point('http_reqs', 1, '{"name":"/"}'),
      point('weighbridge_answers', 1, '{"outcome":"ok","uri":"/ä"}'),
      point('weighbridge_response_time', 4.12149, '{"uri":"/"}'),
      point('dropped_iterations', 2, '{"scenario":"load"}'),
      point('data_sent', 140, '{}'),
      point('data_received', 139, '{}'),
      point('vus', 1, '{}'),
      'words of a script',
      '',
    ];
    const { points, malformed, cut } = read(`${lines.join('\n')}\n`);
    expect(points.map(({ metric, value, tags }) => [metric, value, tags])).toEqual([
      ['weighbridge_answers', 1, { outcome: 'ok', uri: '/ä' }],
      ['weighbridge_response_time', 4.12149, { uri: '/' }],
      ['dropped_iterations', 2, { scenario: 'load' }],
      ['data_received', 139, {}],
    ]);
    expect(points[0]?.time).toBe('2026-11-28T18:34:09.858905464Z');
    expect({ malformed, cut }).toEqual({ malformed: 0, cut: false });
  });

  it('are the same however the output is cut into chunks', () => {
    const text = Buffer.from(
      `${[1, 2, 1, 3].map((value) => point('weighbridge_answers', value, `{"uri":"/é${value}"}`)).join('\n')}\n`,
    );
    const whole = read(text);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((to, index) => text.subarray(at[index], to));
        expect(read(...chunks)).toEqual(whole);
      }),
    );
  });

  it('share one object for one set of tags', () => {
    const line = point('weighbridge_answers', 1, '{"uri":"/"}');
    const { points } = read(`${line}\n${line}\n`);
    expect(points[1]?.tags).toBe(points[0]?.tags);
  });

  it.each([
    ['a value that is none', point('weighbridge_answers', '"x"', '{}')],
    ['no data', '{"metric":"weighbridge_answers","type":"Point"}'],
    ['half a line', point('weighbridge_answers', 1, '{"uri":"/"}').slice(0, 60)],
  ])('with %s are told as malformed', (_what, line) => {
    expect(read(`${line}\n`)).toEqual({ points: [], malformed: 1, cut: false });
  });

  it('tell when the last line is cut', () => {
    const line = point('weighbridge_answers', 1, '{}');
    expect(read(`${line}\n${line.slice(0, 30)}`)).toMatchObject({ malformed: 0, cut: true });
  });

  it('survive a line without an end', () => {
    const line = point('weighbridge_answers', 1, '{}');
    const { points, malformed } = read('x'.repeat(70_000), 'y'.repeat(70_000), `\n${line}\n`);
    expect([points.length, malformed]).toEqual([1, 0]);
  });
});
