/** CSI and OSC sequences, then any two-byte escape (ECMA-48 5.3, 5.4, 8.3.89). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]?|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[@-_]?/g;
/** C0 and C1 controls but tab and newline, marks that reorder text (Unicode UAX 9), and what XML 1.0 2.2 does not allow. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g;
const LONE_SURROGATES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text from outside without terminal escapes, control characters and lone surrogates; tabs and newlines stay. */
export function plainText(text: string): string {
  return text.replace(ESCAPES, '').replace(CONTROLS, '').replace(LONE_SURROGATES, '\ufffd');
}

/** `plainText` on one line: every run of white space is one space. */
function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, ' ').trim();
}

/** Text for a terminal: printable ASCII on one line, spacing kept; other characters become `?`. */
export function asciiLine(text: string): string {
  return plainText(text)
    .replace(/[\t\n]/g, ' ')
    .replaceAll('\u2264', '<=')
    .replaceAll('\u00b1', '+-')
    .replace(/[\u00a0\u2009\u202f]/g, ' ')
    .replace(/[\u2013\u2014]/g, '-')
    .replace(/[^\u0020-\u007e]/gu, '?');
}

/**
 * Text that GitHub-flavoured Markdown shows as it is, also in a table cell: one line, every character with a meaning escaped
 * (CommonMark 2.4: any ASCII punctuation may carry a backslash; `&` and `<` as entities keep HTML and entities out).
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]()#+!|~$]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;');
}
