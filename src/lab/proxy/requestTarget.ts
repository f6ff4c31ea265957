import type { Cluster } from '../../mesh/types.js';
import type { FlatHeaders } from '../control/http1/responseHead.js';
import { headerValue } from './headers.js';

/** Path (with query) and, for the absolute form of a proxy request, authority of a request target. */
export function splitTarget(target: string): { path: string; authority: string | undefined } {
  if (target.startsWith('/')) return { path: target, authority: undefined };
  const absolute = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(target);
  if (!absolute) return { path: `/${target}`, authority: undefined };
  const path = absolute[2] ?? '';
  return { path: path.startsWith('/') ? path : `/${path}`, authority: absolute[1] };
}

/** The value that a consistent-hash policy hashes; undefined when the request lacks it (a random host then). */
export function hashKeyOf(
  hash: NonNullable<Cluster['hash']>,
  headers: FlatHeaders,
  path: string,
  sourceIp: string,
): string | undefined {
  switch (hash.by) {
    case 'header':
      return headerValue(headers, hash.name.toLowerCase());
    case 'source-ip':
      return sourceIp;
    case 'query':
      return new URLSearchParams(path.slice(path.indexOf('?') + 1)).get(hash.name) ?? undefined;
    case 'cookie':
      return headerValue(headers, 'cookie')
        ?.split(';')
        .map((part) => part.trim())
        .find((part) => part.startsWith(`${hash.name}=`))
        ?.slice(hash.name.length + 1);
  }
}
