import { RE2JS } from 're2js';
import type { RouteMatch, StringMatch } from './types.js';

/** A request as far as routes look at it. */
export interface Example {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const PLAIN: Example = { method: 'GET', path: '/', headers: {} };

/** A request that fulfils all conditions of a match; undefined: none was found, as for an involved expression. */
export function exampleOf(match: RouteMatch): Example | undefined {
  const path = match.path ? pathExample(match.path) : '/';
  const method = match.method ? example(match.method) : 'GET';
  const headers: Record<string, string> = {};
  for (const { name, match: condition, invert } of match.headers) {
    if (invert) continue;
    const value = example(condition);
    if (value === undefined) return undefined;
    headers[name] = value;
  }
  const query: string[] = [];
  for (const { name, match: condition } of match.query) {
    const value = example(condition);
    if (value === undefined) return undefined;
    query.push(`${name}=${value}`);
  }
  if (path === undefined || method === undefined) return undefined;
  return { method, path: query.length > 0 ? `${path}?${query.join('&')}` : path, headers };
}

function pathExample(match: StringMatch): string | undefined {
  const path = example(match);
  return path?.startsWith('/') ? path : undefined;
}

function example({ kind, value }: StringMatch): string | undefined {
  if (kind === 'present') return '1';
  if (kind !== 'regex') return value === '' ? '1' : value;
  // The simplest text of the usual expressions; anything else is given up.
  const simple = value
    .replace(/^\^|\$$/g, '')
    .replace(/\(\?[a-zA-Z]+\)/g, '')
    .replace(/\((?:\?:)?([^()|]*)(?:\|[^()]*)?\)/g, '$1')
    .replace(/\[[^\]]*\]|\\[dw]/g, '1')
    .replace(/\\([.\-/])/g, '$1')
    .replace(/\.(?=[*+?{])/g, '1')
    .replace(/[*+?]|\{\d+(,\d*)?\}/g, '')
    .replace(/\|.*$/, '');
  try {
    return RE2JS.compile(value).testExact(simple) ? simple : undefined;
  } catch {
    return undefined;
  }
}
