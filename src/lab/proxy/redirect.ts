import { type PathPrefix, rewritePrefix } from '../../mesh/rewrite.js';
import type { Redirect } from '../../mesh/types.js';

/** Inside the mesh requests leave the application in plain text. */
const REQUESTED_SCHEME = 'http';
const ITS_DEFAULT_PORT = ':80';

/**
 * The `location` of a redirect, by Envoy's rules: what it does not name stays as requested; the query stays unless the
 * new path brings one; a port that was only the old scheme's default goes with it.
 * @param authority the request's Host header.
 */
export function locationOf(
  redirect: Redirect,
  authority: string,
  path: string,
  matched: PathPrefix | undefined,
): string {
  const scheme = redirect.scheme ?? REQUESTED_SCHEME;
  return `${scheme}://${authorityOf(redirect, authority)}${pathOf(redirect, path, matched)}`;
}

function authorityOf(redirect: Redirect, requested: string): string {
  const host = redirect.authority ?? requested;
  if (redirect.port !== undefined) return `${host.replace(/:\d+$/, '')}:${redirect.port}`;
  const leaves = redirect.scheme !== undefined && redirect.scheme !== REQUESTED_SCHEME;
  const isDefault = leaves && redirect.authority === undefined && host.endsWith(ITS_DEFAULT_PORT);
  return isDefault ? host.slice(0, -ITS_DEFAULT_PORT.length) : host;
}

function pathOf(redirect: Redirect, path: string, matched: PathPrefix | undefined): string {
  if (redirect.uri !== undefined) {
    const query = path.indexOf('?');
    return redirect.uri.includes('?') || query < 0 ? redirect.uri : redirect.uri + path.slice(query);
  }
  return redirect.prefix === undefined ? path : rewritePrefix(path, matched, redirect.prefix);
}
