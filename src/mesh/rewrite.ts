import { compileRegex } from './router.js';
import type { Rewrite, RouteMatch } from './types.js';

/** The part of a path that a route matched as a prefix. */
export interface PathPrefix {
  readonly value: string;
  /** HTTPRoutes match and replace whole segments, VirtualServices characters. */
  readonly bySegment: boolean;
}

const WHOLE = { value: '/', bySegment: false } as const;
const ROOT_SEGMENT = { value: '', bySegment: true } as const;

/** What of a path the matched condition covers as a prefix; undefined: all of it (exact, regex). */
export function matchedPrefix(match: RouteMatch | undefined, source: string | undefined): PathPrefix | undefined {
  const path = match?.path;
  // A route that says nothing of the path is one of the prefix `/`.
  if (!path) return source?.startsWith('HTTPRoute/') ? ROOT_SEGMENT : WHOLE;
  if (path.kind === 'segment-prefix') return { value: path.value.replace(/\/$/, ''), bySegment: true };
  return path.kind === 'prefix' ? { value: path.value, bySegment: false } : undefined;
}

/** Replaces the matched prefix, or, where the route matched by something else, the whole path. The query stays. */
export function rewritePrefix(path: string, matched: PathPrefix | undefined, replacement: string): string {
  const query = path.indexOf('?');
  if (!matched) return query < 0 ? replacement : replacement + path.slice(query);
  const rest = path.slice(matched.value.length);
  if (!matched.bySegment) return replacement + rest;
  const stem = rest.startsWith('/') ? replacement.replace(/\/$/, '') : replacement;
  const joined = stem + rest;
  return joined.startsWith('/') ? joined : `/${joined}`;
}

const patterns = new WeakMap<object, ReturnType<typeof compileRegex>>();

/** Envoy's `regex_rewrite`: every match in the path is replaced, `\1` stands for a group; the query stays. */
function rewriteRegex(path: string, regex: NonNullable<Rewrite['regex']>): string {
  if (!patterns.has(regex)) patterns.set(regex, compileRegex(regex.pattern));
  const pattern = patterns.get(regex);
  if (!pattern) return path;
  const query = path.indexOf('?');
  const bare = query < 0 ? path : path.slice(0, query);
  const matcher = pattern.matcher(bare);
  let rewritten = '';
  let end = 0;
  while (matcher.find()) {
    const groups = matcher.groupCount();
    const text = regex.substitution.replace(/\\(\d|\\)/g, (_all, what: string) =>
      what === '\\' ? what : Number(what) <= groups ? (matcher.group(Number(what)) ?? '') : '',
    );
    rewritten += bare.slice(end, matcher.start()) + text;
    end = matcher.end();
  }
  return rewritten + bare.slice(end) + (query < 0 ? '' : path.slice(query));
}

/** The path that a route's rewrite makes of a request's. */
export function rewritePath(path: string, rewrite: Rewrite, matched: PathPrefix | undefined): string {
  if (rewrite.regex) return rewriteRegex(path, rewrite.regex);
  return rewrite.uri === undefined ? path : rewritePrefix(path, matched, rewrite.uri);
}
