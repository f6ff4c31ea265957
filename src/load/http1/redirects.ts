import { hostHeaderOf, type PreparedRequest } from '../requests.js';

/** Methods and their bodies go on as they were after 307 and 308; see `nextRequest` for the others. Other 3xx are answers. */
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Meant for one origin only. */
const PRIVATE = new Set(['authorization', 'proxy-authorization', 'cookie', 'host']);
/** Describe a body that is sent no more. */
const OF_BODY = /^content-/i;

export const isRedirect = (status: number): boolean => REDIRECTS.has(status);

/** Why a redirect is not followed: a key of `ClientCounts.errors`, and more about it. */
export interface NotFollowed {
  readonly failure: 'redirect-limit' | 'redirect-loop' | 'redirect-invalid' | 'redirect-elsewhere';
  readonly reason: string;
}

export interface RedirectRules {
  /** Redirects of one request, at least 1. */
  readonly most: number;
  /** A redirect may lead to these and to no other: load is only sent where it was asked for. */
  readonly origins: ReadonlySet<string>;
}

/** A request with the redirects that led to it. */
export interface Hop {
  /** As the URI list has it. */
  readonly first: PreparedRequest;
  /** As it was sent last. */
  readonly latest: PreparedRequest;
  /** Method and URI of all that were sent, in order. */
  readonly trail: readonly string[];
}

export const firstHop = (request: PreparedRequest): Hop => ({
  first: request,
  latest: request,
  trail: [nameOf(request)],
});

/**
 * Where a redirect leads (RFC 9110, 10.2.2 and 15.4). An origin that a request's own Host header names is the one that was dialled.
 * @param head of the answer, at least to its Location field.
 */
export function nextHop(
  { first, latest, trail }: Hop,
  status: number,
  head: string,
  rules: RedirectRules,
): Hop | NotFollowed {
  if (trail.length > rules.most) {
    return { failure: 'redirect-limit', reason: `more than ${rules.most} redirects: ${trail.map(shown).join(' -> ')}` };
  }
  const location = locationOf(head);
  if (location === undefined) return { failure: 'redirect-invalid', reason: `${status} without one Location` };
  const base = `${latest.origin}${latest.path}`;
  const url = URL.canParse(location, base) ? new URL(location, base) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    return { failure: 'redirect-invalid', reason: 'the Location is no http URI, or holds a password' };
  }
  const origin = `${url.protocol}//${hostHeaderOf(latest.headers)}` === url.origin ? latest.origin : url.origin;
  if (!rules.origins.has(origin)) {
    return { failure: 'redirect-elsewhere', reason: `to ${origin}, which no URI of the list names` };
  }
  const request = nextRequest(first, latest, status, origin, url.pathname + url.search);
  const name = nameOf(request);
  if (trail.includes(name)) return { failure: 'redirect-loop', reason: `back to ${shown(name)}` };
  return { first, latest: request, trail: [...trail, name] };
}

/** 303, and 301 and 302 to a POST, are followed by GET (RFC 9110, 15.4.2 to 15.4.4); HEAD stays HEAD. */
function nextRequest(
  first: PreparedRequest,
  latest: PreparedRequest,
  status: number,
  origin: string,
  path: string,
): PreparedRequest {
  const { method } = latest;
  const toGet = method !== 'HEAD' && (status === 303 || (status < 303 && method === 'POST'));
  const body = toGet ? undefined : latest.body;
  const headers = first.headers.filter((_, at, all) => {
    const name = (all[at - (at % 2)] ?? '').toLowerCase();
    if (origin !== first.origin && PRIVATE.has(name)) return false;
    return body !== undefined || first.body === undefined || !OF_BODY.test(name);
  });
  return { ...first, origin, path, method: toGet ? 'GET' : method, headers, body };
}

/** Undefined: there is none, or more than one, and they differ. */
function locationOf(head: string): string | undefined {
  const [, ...lines] = head.split('\r\n');
  const values = lines.flatMap((line) => /^location:[ \t]*(.*?)[ \t]*$/i.exec(line)?.[1] ?? []);
  return new Set(values).size === 1 ? values[0] : undefined;
}

const nameOf = ({ method, origin, path }: PreparedRequest): string => `${method} ${origin}${path}`;

/** Queries may hold what is not to be shown. */
const shown = (name: string): string => name.replace(/\?.*/, '?...');
