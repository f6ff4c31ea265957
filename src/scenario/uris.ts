import type { Problem } from '../base/errors.js';
import { didYouMean, show } from './nearest.js';
import { URI_VARIABLES } from './seeds.js';
import type { UriEntry } from './types.js';

/** The largest URI file that is read, in bytes. */
export const MAX_URI_FILE_BYTES = 1_048_576;
const MAX_ENTRIES = 10_000;
const MAX_LINE_LENGTH = 8192;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Headers that frame the message or belong to one connection; the load engine writes them. */
const FRAMING = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/**
 * Parses a URI list: one `[METHOD] URI [Header: value; Header: value]` a line, `#` comments, blank lines, CRLF and a byte order mark
 * tolerated. Control characters are refused, so that no line can smuggle a second header or request.
 * @param file as problems name it.
 * @param variables names that may stand in braces; default: those of all seed records.
 */
export function parseUris(
  text: string,
  file: string,
  variables: readonly string[] = URI_VARIABLES,
): { entries: UriEntry[]; problems: Problem[] } {
  const entries: UriEntry[] = [];
  const problems: Problem[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const line = index + 1;
    const row = raw.replace(/\r$/, '');
    const problem = (message: string, hint?: string) =>
      problems.push({ file, line, message, ...(hint === undefined ? {} : { hint }) });
    const entry = parseLine(row, line, problem, variables);
    if (entry) entries.push(entry);
    if (entries.length > MAX_ENTRIES) {
      problem(`is entry ${entries.length}; at most ${MAX_ENTRIES} are read`, 'shorten the list');
      break;
    }
  }
  if (entries.length === 0 && problems.length === 0) {
    problems.push({
      file,
      line: 1,
      message: 'holds no URI; at least one is needed',
      hint: 'write one a line, such as /',
    });
  }
  return { entries, problems };
}

type Report = (message: string, hint?: string) => void;

function parseLine(row: string, line: number, problem: Report, variables: readonly string[]): UriEntry | undefined {
  if (row.length > MAX_LINE_LENGTH) {
    problem(`is longer than ${MAX_LINE_LENGTH} characters`);
    return undefined;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const control = /[\u0000-\u0008\u000a-\u001f\u007f]/.exec(row);
  if (control) {
    problem(
      `holds the control character ${show(control[0])} in column ${control.index + 1}`,
      'remove it; a line is one request, and headers are separated by ";"',
    );
    return undefined;
  }
  const text = row.replace(/(^|\s)#.*$/, '').trim();
  if (text === '') return undefined;
  const match = /^(?:([A-Za-z]+)\s+)?(\S+)(?:\s+(.*))?$/.exec(text);
  const [, word, target = '', rest] = match ?? [];
  const method = word ?? 'GET';
  // After a wrong first word nothing else of the line means what it seems to.
  if (!checkMethod(method, problem)) return undefined;
  const good = checkTarget(target, word === undefined, problem, variables);
  const headers = rest === undefined ? {} : parseHeaders(rest, problem);
  return headers && good ? { method, target, headers, line } : undefined;
}

function checkMethod(method: string, problem: Report): boolean {
  if (METHODS.includes(method)) return true;
  problem(`${show(method)} is no method; allowed are ${METHODS.join(', ')}`, didYouMean(method, METHODS));
  return false;
}

function checkTarget(target: string, first: boolean, problem: Report, variables: readonly string[]): boolean {
  const bad = (message: string, hint: string) => {
    problem(message, hint);
    return false;
  };
  const absolute = /^https?:\/\//i.test(target);
  if (!absolute && !/^\/(?!\/)/.test(target)) {
    const hint = first && METHODS.includes(target) ? `write "${target} /path"` : 'write /path or http://host/path';
    return bad(
      `${show(target)} is no URI; allowed are paths that start with one "/" and absolute http and https URIs`,
      hint,
    );
  }
  for (const [, name = ''] of target.matchAll(/\{([^{}]*)\}/g)) {
    if (variables.includes(name)) continue;
    return bad(
      `{${name}} is no known variable; ${variables.length ? `known are ${variables.map((v) => `{${v}}`).join(', ')}` : 'there are none here'}`,
      didYouMean(name, variables) ?? 'write a value in its place, or percent-encode the braces',
    );
  }
  const filled = target.replace(/\{[^{}]*\}/g, 'x');
  const odd = /[^!$&'()*+,\-./0-9:;=?@A-Z_a-z~%[\]]|%(?![0-9A-Fa-f]{2})/u.exec(filled);
  if (odd) {
    return bad(
      `${show(target)} is no URI: ${show(odd[0])} may not stand in one`,
      odd[0] === '#' ? 'a fragment never reaches the server; leave it out' : `percent-encode it as ${encode(odd[0])}`,
    );
  }
  if (!URL.canParse(filled, 'http://host')) return bad(`${show(target)} is no URI`, 'check host and port');
  const url = new URL(filled, 'http://host');
  if (url.username || url.password) {
    return bad(
      'a URI with a user name or password would put them into reports',
      'send them as an Authorization header',
    );
  }
  return true;
}

const encode = (text: string): string =>
  /[\ud800-\udfff]/.test(text) && text.length === 1 ? '%EF%BF%BD' : encodeURIComponent(text);

function parseHeaders(text: string, problem: Report): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  let good = true;
  const bad = (message: string, hint?: string) => {
    problem(message, hint);
    good = false;
  };
  for (const part of text.split(new RegExp(`;\\s*(?=${TOKEN}:(?:\\s|$))`))) {
    const match = new RegExp(`^(${TOKEN}):\\s*(.*)$`).exec(part.trim());
    const [, name = '', value = ''] = match ?? [];
    const lower = name.toLowerCase();
    if (!match)
      bad(`${show(part)} is no header; allowed is "Name: value; Name: value"`, 'percent-encode blanks in a URI as %20');
    else if (FRAMING.includes(lower))
      bad(`the header ${name} frames the message and is written by the load engine`, 'leave it out');
    else if (/[^\t\x20-\x7e]/.test(value))
      bad(`the value of ${name} holds ${show(value)}; allowed are printable ASCII characters`);
    else if (Object.keys(headers).some((other) => other.toLowerCase() === lower))
      bad(`the header ${name} is there twice`);
    else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return good ? headers : undefined;
}
