import type { Problem } from '../base/errors.js';
import { didYouMean, show } from './nearest.js';
import { URI_VARIABLES } from './seeds.js';
import type { UriEntry } from './types.js';

const MAX_ENTRIES = 10_000;
const MAX_LINE_LENGTH = 8192;
const MAX_WEIGHT = 1000;
/** Of all weights together: so many entries a lap through the list has. */
const MAX_TOTAL_WEIGHT = 65_536;

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
/** Methods whose requests have no body: no meaning is defined for one (RFC 9110, 9.3.1 and 9.3.2). */
const WITHOUT_BODY = ['GET', 'HEAD'];
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** An indented line that is no request of its own: `| text` and `@file` give the body, `Name: value` a header. */
const CONTINUATION = new RegExp(`^[ \\t]+(?:\\| ?(?<text>.*)|@(?<file>.*)|(?<headers>${TOKEN}:(?:[ \\t].*)?))$`);

/** A body that is the content of a file. */
export interface BodyFile {
  readonly entry: UriEntry;
  /** As it is written, relative to the URI list. */
  readonly path: string;
  /** 1-based. */
  readonly line: number;
}

/**
 * Parses a URI list: one `[METHOD] URI [weight=N] [Header: value; Header: value]` a line; indented lines after it add `Header: value`, lines of
 * the body after `| `, or the body from `@file`. `#` comments, blank lines, CRLF and a byte order mark are tolerated. Control characters
 * are refused, so that no line can smuggle a second header or request.
 * @param file as problems name it.
 * @param variables names that may stand in braces; default: those of all seed records.
 */
export function parseUris(
  text: string,
  file: string,
  variables: readonly string[] = URI_VARIABLES,
): { entries: UriEntry[]; bodyFiles: BodyFile[]; problems: Problem[] } {
  const entries: UriEntry[] = [];
  const problems: Problem[] = [];
  const bodies: Body[] = [];
  let total = 0;
  /** What an indented line belongs to; undefined after a request that was refused. */
  let latest: { entry: UriEntry; body?: Body } | undefined | 'none' = 'none';
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const line = index + 1;
    const row = raw.replace(/\r$/, '');
    const problem = (message: string, hint?: string) =>
      problems.push({ file, line, message, ...(hint === undefined ? {} : { hint }) });
    const text = checkedRow(row, problem);
    if (text === undefined) continue;
    const more = CONTINUATION.exec(row)?.groups;
    if (more) {
      if (latest === 'none') problem('belongs to no request', 'write it below the request that it is a part of');
      else if (latest) {
        const body = continueEntry(latest, more, line, problem);
        if (body) bodies.push(body);
      }
      continue;
    }
    if (text === '') continue;
    const entry = parseLine(text, line, problem, variables);
    latest = entry && { entry };
    if (entry) entries.push(entry);
    total += entry?.weight ?? 1;
    if (total > MAX_TOTAL_WEIGHT) {
      problem(
        `brings the weights to ${total} together; at most ${MAX_TOTAL_WEIGHT} are allowed`,
        'use smaller weights',
      );
      break;
    }
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
  for (const { entry, lines } of bodies) if (lines) Object.assign(entry, { body: { text: lines.join('\n') } });
  return { entries, bodyFiles: bodies.flatMap(({ entry, file }) => (file ? [{ entry, ...file }] : [])), problems };
}

type Report = (message: string, hint?: string) => void;

/** Either lines or a file. */
interface Body {
  readonly entry: UriEntry;
  readonly lines?: string[];
  readonly file?: { readonly path: string; readonly line: number };
}

/** Adds an indented line to the request above it. @returns its body when the line begins one. */
function continueEntry(
  latest: { readonly entry: UriEntry; body?: Body },
  more: Readonly<Record<string, string | undefined>>,
  line: number,
  problem: Report,
): Body | undefined {
  const { entry, body } = latest;
  if (more.headers !== undefined) {
    parseHeaders(withoutComment(more.headers), entry.headers as Record<string, string>, problem);
    return undefined;
  }
  if (WITHOUT_BODY.includes(entry.method)) {
    problem(`a ${entry.method} request has no body`, 'write POST, PUT or PATCH before the URI');
    return undefined;
  }
  if (more.text !== undefined && body?.lines) {
    body.lines.push(more.text);
    return undefined;
  }
  if (body) {
    problem('the request has a body already', 'give it either by lines after "| " or by one @file');
    return undefined;
  }
  const path = withoutComment(more.file ?? '');
  if (more.text === undefined && path === '') {
    problem('names no file', 'write @ and the path of a file, relative to this list');
    return undefined;
  }
  latest.body = more.text === undefined ? { entry, file: { path, line } } : { entry, lines: [more.text] };
  return latest.body;
}

const withoutComment = (text: string): string => text.replace(/(^|\s)#.*$/, '').trim();

/** The line without its comment; undefined when it cannot be read. */
function checkedRow(row: string, problem: Report): string | undefined {
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
  return withoutComment(row);
}

function parseLine(text: string, line: number, problem: Report, variables: readonly string[]): UriEntry | undefined {
  const match = /^(?:([A-Za-z]+)\s+)?(\S+)(?:\s+weight=(\S*))?(?:\s+(.*))?$/.exec(text);
  const [, word, target = '', written, rest] = match ?? [];
  const method = word ?? 'GET';
  // After a wrong first word nothing else of the line means what it seems to.
  if (!checkMethod(method, problem)) return undefined;
  const good = checkTarget(target, word === undefined, problem, variables);
  const headers = {};
  const sent = rest === undefined || parseHeaders(rest, headers, problem);
  const weight = written === undefined ? 1 : parseWeight(written, problem);
  if (!sent || !good || weight === undefined) return undefined;
  return { method, target, headers, line, ...(weight === 1 ? {} : { weight }) };
}

function parseWeight(text: string, problem: Report): number | undefined {
  const weight = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (weight >= 1 && weight <= MAX_WEIGHT) return weight;
  problem(
    `found weight=${text}; allowed are whole numbers from 1 to ${MAX_WEIGHT}`,
    'leave a line out to never ask for it',
  );
  return undefined;
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

/** Adds the headers of a line. @returns false when one of them is refused. */
function parseHeaders(text: string, headers: Record<string, string>, problem: Report): boolean {
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
  return good;
}
