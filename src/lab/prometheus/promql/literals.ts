import { parseGoFloat } from '../exposition.js';

/** A PromQL number: decimal, hexadecimal, `Inf` or `NaN`, any case; undefined when it is none (a duration is none in 2.42). */
export function parseNumber(text: string): number | undefined {
  const bare = text.replace(/\s+/g, '');
  const hex = /^([+-]?)0x([0-9a-f]+)$/i.exec(bare);
  if (hex) return Number.parseInt(hex[2] ?? '', 16) * (hex[1] === '-' ? -1 : 1);
  // Go reads a leading zero as octal first: 010 is 8.
  const octal = /^([+-]?)0([0-7]+)$/.exec(bare);
  if (octal) return Number.parseInt(octal[2] ?? '', 8) * (octal[1] === '-' ? -1 : 1);
  return parseGoFloat(bare);
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g;

/** Go's string literals: backquoted raw, single- or double-quoted with escapes; undefined when broken. */
export function unquote(literal: string): string | undefined {
  const quote = literal[0];
  if (literal.length < 2 || quote === undefined || literal.at(-1) !== quote) return undefined;
  const body = literal.slice(1, -1);
  if (quote === '`') return body;
  if (body.includes('\n')) return undefined;
  let valid = true;
  const text = body.replace(
    ESCAPE,
    (_, hex?: string, short?: string, long?: string, octal?: string, simple?: string) => {
      const code = hex ?? short ?? long;
      if (code !== undefined) {
        const point = Number.parseInt(code, 16);
        if (point <= 0x10ffff) return String.fromCodePoint(point);
      } else if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      else if (simple !== undefined && SIMPLE[simple] !== undefined && (!'\'"'.includes(simple) || simple === quote))
        return SIMPLE[simple];
      valid = false;
      return '';
    },
  );
  return valid ? text : undefined;
}
