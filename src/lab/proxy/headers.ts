import type { IncomingMessage } from 'node:http';
import type { HeaderChange } from '../../mesh/types.js';
import type { FlatHeaders } from '../control/http1/responseHead.js';
import { PEER_HEADER, PEER_ID_HEADER } from './peer.js';

/** Headers of one connection (RFC 9110, 7.6.1) and those that only two sidecars exchange. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // The proxy has already answered 100 Continue itself.
  'expect',
  PEER_HEADER,
  PEER_ID_HEADER,
]);

/** What a proxy learns from one pass over the header lines. */
export interface Inspected {
  readonly headers: FlatHeaders;
  readonly peer: string | undefined;
  /** Bytes of the header lines on the wire, start line not counted. */
  readonly bytes: number;
}

/** The end-to-end lines of a header list, in order and in lower case. */
export function inspect(lines: readonly string[]): Inspected {
  const headers: FlatHeaders = [];
  let peer: string | undefined;
  let bytes = 2;
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = (lines[i] ?? '').toLowerCase();
    const value = lines[i + 1] ?? '';
    bytes += name.length + value.length + 4;
    if (HOP_BY_HOP.has(name)) {
      if (name === PEER_HEADER) peer = value;
    } else headers.push(name, value);
  }
  return { headers, peer, bytes };
}

/** @returns the value of the first header of this name (lower case), or undefined. */
export function headerValue(headers: FlatHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}

/** Replaces all lines of a header by one. */
export function setHeader(headers: FlatHeaders, name: string, value: string): FlatHeaders {
  const kept = removeHeader(headers, name);
  kept.push(name, value);
  return kept;
}

function removeHeader(headers: FlatHeaders, name: string): FlatHeaders {
  const kept: FlatHeaders = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== name) kept.push(headers[i] ?? '', headers[i + 1] ?? '');
  }
  return kept;
}

const isEmpty = (change: HeaderChange): boolean => {
  for (const _name in change.set) return false;
  for (const _name in change.add) return false;
  return change.remove.length === 0;
};

/** Applies header changes as Envoy does: what is removed goes first, so that what is set stays. `:authority` is the Host header. */
function change(headers: FlatHeaders, changes: readonly HeaderChange[]): FlatHeaders {
  if (changes.every(isEmpty)) return headers;
  let changed = headers;
  for (const { remove } of changes) for (const name of remove) changed = removeHeader(changed, name.toLowerCase());
  const lines = (fields: HeaderChange['set']) =>
    Object.entries(fields)
      .map(([name, value]) => [name === ':authority' ? 'host' : name.toLowerCase(), value] as const)
      .filter(([name]) => !name.startsWith(':'));
  for (const { set, add } of changes) {
    for (const [name, value] of lines(set)) changed = setHeader(changed, name, value);
    for (const [name, value] of lines(add)) {
      changed = name === 'host' ? setHeader(changed, name, value) : [...changed, name, value];
    }
  }
  return changed;
}

/**
 * Applies the changes of a route and of the destination that was drawn. A single destination is part of the route, after
 * it; of several, each is applied before the route, whose changes win (Envoy: from the most specific to the least).
 */
export function changeHeaders(
  headers: FlatHeaders,
  route: HeaderChange,
  destination: HeaderChange | undefined,
  single: boolean,
): FlatHeaders {
  if (!destination) return change(headers, [route]);
  return single ? change(headers, [route, destination]) : change(change(headers, [destination]), [route]);
}

/** True when the request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
