import { METHODS, validateHeaderName, validateHeaderValue } from 'node:http';
import { ConfigError, errorText, type Problem } from '../base/errors.js';
import { markerMatches } from '../scenario/markers.js';
import type { UriEntry } from '../scenario/types.js';
import type { LoadSpec } from './types.js';
import { USER_AGENT } from './version.js';

/** A request as it goes on the wire, made once before the load. */
export interface PreparedRequest {
  /** As shown in counts: the target with its variables filled in, after the method unless that is GET. */
  readonly name: string;
  readonly origin: string;
  /** Path with query. */
  readonly path: string;
  readonly method: string;
  /** Name, value, name, value, ... */
  readonly headers: string[];
  /** Undefined: none. */
  readonly body: Buffer | undefined;
  /** A good answer tells the version. */
  readonly tellsVersion: boolean;
}

/** The value of the Host header in a list of names and values. */
export function hostHeaderOf(headers: readonly string[]): string | undefined {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  return at < 0 ? undefined : headers[at + 1];
}

/** Belong to the connection, not to the request; the engine sets them itself. */
const CONNECTION_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const DEFAULT_HEADERS = {
  'cache-control': 'no-cache',
  'accept-encoding': 'identity',
  accept: '*/*',
  'user-agent': USER_AGENT,
};

/**
 * Fills in the variables (percent-encoded) and resolves every URI against the base URL.
 * @throws ConfigError with all problems: empty list, unknown variable, no http(s) URI, a header that cannot be sent.
 */
export function prepareRequests(
  spec: Pick<LoadSpec, 'baseUrl' | 'uris' | 'variables' | 'marker'>,
): readonly PreparedRequest[] {
  const problems: Problem[] = [];
  if (spec.uris.length === 0) {
    problems.push({ message: 'the URI list is empty', hint: 'Write at least one path such as /CustomerManagement.' });
  }
  const requests = spec.uris.map((entry) => prepare(entry, spec, problems));
  if (problems.length > 0) throw new ConfigError(problems);
  return requests.filter((request) => request !== undefined);
}

function prepare(
  entry: UriEntry,
  spec: Pick<LoadSpec, 'baseUrl' | 'variables' | 'marker'>,
  problems: Problem[],
): PreparedRequest | undefined {
  const problem = (message: string, hint: string) => {
    problems.push({ path: entry.target, message, hint, ...(entry.line > 0 ? { line: entry.line } : {}) });
    return undefined;
  };
  const target = entry.target.replace(/\{(\w+)\}/g, (text, name: string) => {
    const value = spec.variables[name];
    if (value !== undefined) return encodeURIComponent(value);
    const known = Object.keys(spec.variables).map((key) => `{${key}}`);
    problem(
      `unknown variable ${text}`,
      known.length > 0
        ? `Known are ${known.join(', ')}.`
        : 'Name its record in `seed` of the scenario, or give its value to `load --set`.',
    );
    return text;
  });
  const url = URL.canParse(target, spec.baseUrl) ? new URL(target, spec.baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    return problem(
      `no http URI, resolved against ${spec.baseUrl}`,
      'Write a path that starts with / or an http(s) URI.',
    );
  }
  if (url.username || url.password) {
    return problem('a URI may not hold a user name or password', 'Send them as an Authorization header.');
  }
  if (!METHODS.includes(entry.method) || entry.method === 'CONNECT') {
    return problem(`method ${entry.method} cannot be sent`, 'Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.');
  }
  const path = url.pathname + url.search;
  return {
    name: entry.method === 'GET' ? target : `${entry.method} ${target}`,
    origin: url.origin,
    path,
    method: entry.method,
    headers: headersOf(entry, problem),
    body: bodyOf(entry, spec.variables),
    tellsVersion: entry.method !== 'HEAD' && spec.marker !== undefined && markerMatches(spec.marker.uri, path),
  };
}

/**
 * A body's text with the known variables filled in: percent-encoded in a form, escaped in JSON, as they are elsewhere. Other braces
 * are text; in JSON and templates they mean something else.
 */
function bodyOf({ body, headers }: UriEntry, variables: LoadSpec['variables']): Buffer | undefined {
  if (body === undefined) return undefined;
  if ('base64' in body) return Buffer.from(body.base64, 'base64');
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const written = (value: string) => {
    if (/form-urlencoded/i.test(type)) return encodeURIComponent(value);
    return /json/i.test(type) ? JSON.stringify(value).slice(1, -1) : value;
  };
  const filled = body.text.replace(/\{(\w+)\}/g, (text, name: string) =>
    Object.hasOwn(variables, name) ? written(variables[name] ?? '') : text,
  );
  return Buffer.from(filled, 'utf8');
}

function headersOf(entry: UriEntry, problem: (message: string, hint: string) => undefined): string[] {
  const headers = new Map<string, string>(Object.entries(DEFAULT_HEADERS));
  for (const [name, value] of Object.entries(entry.headers)) {
    const key = name.toLowerCase();
    if (CONNECTION_HEADERS.has(key)) {
      problem(`header ${name} belongs to the connection`, 'Leave it out; the engine sets it.');
      continue;
    }
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      headers.set(key, value);
    } catch (error) {
      problem(`header ${name} cannot be sent: ${errorText(error)}`, 'Use visible ASCII characters.');
    }
  }
  return [...headers].flat();
}
