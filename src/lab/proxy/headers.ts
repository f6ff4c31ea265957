import type { IncomingMessage } from 'node:http';
import type { HeaderChange } from '../../mesh/types.js';
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
  // undici refuses it; the proxy has already answered 100 Continue itself.
  'expect',
  PEER_HEADER,
  PEER_ID_HEADER,
]);

/** A header list as both undici and `writeHead` take it: name, value, name, value. */
export type FlatHeaders = string[];

/** What a proxy learns from one pass over the header lines. */
export interface Inspected {
  readonly headers: FlatHeaders;
  readonly peer: string | undefined;
  /** Bytes of the header lines on the wire, start line not counted. */
  readonly bytes: number;
}

const inspect = (count: number, at: (index: number) => string): Inspected => {
  const headers: FlatHeaders = [];
  let peer: string | undefined;
  let bytes = 2;
  for (let i = 0; i + 1 < count; i += 2) {
    const name = at(i);
    const value = at(i + 1);
    bytes += name.length + value.length + 4;
    const lower = name.toLowerCase();
    if (lower === PEER_HEADER) peer = value;
    if (!HOP_BY_HOP.has(lower)) headers.push(lower, value);
  }
  return { headers, peer, bytes };
};

/** The end-to-end headers of a request, in order and in lower case. */
export function inspectRequest(request: IncomingMessage): Inspected {
  const { rawHeaders } = request;
  return inspect(rawHeaders.length, (index) => rawHeaders[index] ?? '');
}

/** The end-to-end headers of a response as undici hands them over. */
export function inspectResponse(raw: readonly Buffer[]): Inspected {
  return inspect(raw.length, (index) => raw[index]?.toString('latin1') ?? '');
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

/** Applies a route's header changes: set and add first, then removals, as Envoy does. */
export function changeHeaders(headers: FlatHeaders, change: HeaderChange): FlatHeaders {
  if (isEmpty(change)) return headers;
  let changed = headers;
  for (const [name, value] of Object.entries(change.set)) changed = setHeader(changed, name.toLowerCase(), value);
  for (const [name, value] of Object.entries(change.add)) changed = [...changed, name.toLowerCase(), value];
  for (const name of change.remove) changed = removeHeader(changed, name.toLowerCase());
  return changed;
}

/** True when the request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
