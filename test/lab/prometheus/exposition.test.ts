import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { honorLabels, parseExposition, parseIdentity } from '../../../src/lab/prometheus/exposition.js';

function read(page: string): unknown[] {
  return parseExposition(page).samples.map(({ identity, value, timeMs }) => {
    const labels = Object.fromEntries(parseIdentity(identity));
    return timeMs === undefined ? [labels, value] : [labels, value, timeMs];
  });
}

describe('the text format', () => {
  test.each([
    ['a name alone', 'up 1\n', [[{ __name__: 'up' }, 1]]],
    ['no newline at the end', 'up 1', [[{ __name__: 'up' }, 1]]],
    ['empty braces', 'up{} 1\n', [[{ __name__: 'up' }, 1]]],
    ['labels', 'a{b="1",c="two"} 3\n', [[{ __name__: 'a', b: '1', c: 'two' }, 3]]],
    ['a comma at the end', 'a{b="1",} 3\n', [[{ __name__: 'a', b: '1' }, 3]]],
    ['blanks everywhere', '  a {\tb = "1" , c="2" }\t3  \n', [[{ __name__: 'a', b: '1', c: '2' }, 3]]],
    ['escapes', 'a{b="q\\"b\\\\n\\n",c="\\x"} 1\n', [[{ __name__: 'a', b: 'q"b\\n\n', c: '\\x' }, 1]]],
    ['braces and newlines inside quotes', 'a{b="}{",c="x\ny"} 1\n', [[{ __name__: 'a', b: '}{', c: 'x\ny' }, 1]]],
    ['a timestamp in ms', 'a 1 1760000000123\n', [[{ __name__: 'a' }, 1, 1_760_000_000_123]]],
    [
      'infinities',
      'a +Inf\nb -inf\nc Inf\n',
      [
        [{ __name__: 'a' }, Number.POSITIVE_INFINITY],
        [{ __name__: 'b' }, Number.NEGATIVE_INFINITY],
        [{ __name__: 'c' }, Number.POSITIVE_INFINITY],
      ],
    ],
    ['not a number', 'a NaN\n', [[{ __name__: 'a' }, Number.NaN]]],
    [
      'exponents',
      'a 1.5e-3\nb .5\nc 5.\nd +4\n',
      [
        [{ __name__: 'a' }, 0.0015],
        [{ __name__: 'b' }, 0.5],
        [{ __name__: 'c' }, 5],
        [{ __name__: 'd' }, 4],
      ],
    ],
    ['comments and empty lines', '# a comment\n\n# HELP a Help\n   \n#\na 1\n# EOF\n', [[{ __name__: 'a' }, 1]]],
    ['colons in names', 'job:a:sum 1\n', [[{ __name__: 'job:a:sum' }, 1]]],
    ['an empty label is kept for honor_labels', 'a{b=""} 1\n', [[{ __name__: 'a', b: '' }, 1]]],
  ])('%s', (_, page, expected) => {
    expect(read(page)).toEqual(expected);
  });

  test.each([
    ['no value', 'up\n'],
    ['a value that is none', 'up one\n'],
    ['a hexadecimal value', 'up 0x10\n'],
    ['an underscore in a number', 'up 1_000\n'],
    ['a number beyond doubles', 'up 1e999\n'],
    ['a carriage return', 'up 1\r\n'],
    ['a timestamp with a fraction', 'up 1 1.5\n'],
    ['a third column', 'up 1 2 3\n'],
    ['an unclosed label set', 'up{a="1" 1\n'],
    ['an unclosed quote', 'up{a="1} 1\n'],
    ['no quotes', 'up{a=1} 1\n'],
    ['a label name with a dash', 'up{a-b="1"} 1\n'],
    ['a label twice', 'up{a="1",a="2"} 1\n'],
    ['a metric name that starts with a digit', '1up 1\n'],
    ['no comma between labels', 'up{a="1"b="2"} 1\n'],
    ['an unknown type', '# TYPE a thing\na 1\n'],
    ['HTML', '<html><body>Hello</body></html>\n'],
    ['JSON', '{"status":"ok"}\n'],
  ])('%s breaks the page', (_, page) => {
    expect(() => read(`good 1\n${page}`)).toThrow();
  });

  test('the reason names the line', () => {
    expect(() => parseExposition('a 1\nb 2\nc x\n')).toThrow(/^line 3: /);
  });

  test('types and help are kept', () => {
    const { metadata } = parseExposition('# HELP a Two\\nlines \\\\ here\n# TYPE a counter\n# TYPE b untyped\na 1\n');
    expect(Object.fromEntries(metadata)).toEqual({
      a: { type: 'counter', help: 'Two\nlines \\ here' },
      b: { type: 'unknown', help: '' },
    });
  });

  test('what is written is read again', () => {
    const label = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/).filter((name) => name !== '__name__');
    const labels = fc.dictionary(label, fc.string({ unit: 'grapheme', minLength: 1 }), {
      noNullPrototype: true,
      maxKeys: 5,
    });
    const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(labels, fc.double({ noNaN: true })), { maxLength: 6 }), (rows) => {
        const page = rows.map(([set, value]) => {
          const list = Object.entries(set).map(([name, text]) => `${name}="${escaped(text)}"`);
          return `m{${list.join(',')}} ${String(value).replace('Infinity', 'Inf')}\n`;
        });
        expect(read(page.join(''))).toEqual(
          rows.map(([set, value]) => [{ __name__: 'm', ...set }, Object.is(value, -0) ? expect.closeTo(0) : value]),
        );
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

test("the page's labels win over the target's, its empty ones remove them", () => {
  const labels = honorLabels(parseIdentity('a{app="page",gone=""}'), { app: 'target', gone: 'target', pod: 'p' });
  expect([...labels]).toEqual([
    ['__name__', 'a'],
    ['app', 'page'],
    ['pod', 'p'],
  ]);
});
