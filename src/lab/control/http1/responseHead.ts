/** A header list: name (lower case), value, name, value. */
export type FlatHeaders = string[];

/** How the end of a body is known (RFC 9112, 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

export interface ResponseHead {
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly framing: Framing;
  /** The connection may carry another request afterwards. */
  readonly keepAlive: boolean;
}

export class MalformedResponse extends Error {
  override readonly name = 'MalformedResponse';
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a field value must not hold.
const FORBIDDEN = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * Parses status line and headers.
 * @param text everything before the empty line, one character a byte.
 * @param method of the request; HEAD has no body.
 * @throws MalformedResponse
 */
export function parseResponseHead(text: string, method: string): ResponseHead {
  let end = text.indexOf('\r\n');
  const first = end < 0 ? text : text.slice(0, end);
  const match = STATUS_LINE.exec(first);
  if (!match) throw new MalformedResponse(`No HTTP/1 status line: ${JSON.stringify(first.slice(0, 40))}`);
  const status = Number(match[2]);
  const headers: FlatHeaders = [];
  let length: number | undefined;
  let encoding: string | undefined;
  let connection = '';
  while (end >= 0) {
    const start = end + 2;
    end = text.indexOf('\r\n', start);
    const stop = end < 0 ? text.length : end;
    const colon = text.indexOf(':', start);
    if (colon < 0 || colon >= stop) throw new MalformedResponse('A header line has no colon.');
    const name = text.slice(start, colon);
    const value = text.slice(colon + 1, stop).trim();
    if (!TOKEN.test(name) || FORBIDDEN.test(value)) throw new MalformedResponse('A header holds forbidden characters.');
    const lower = name.toLowerCase();
    headers.push(lower, value);
    if (lower === 'content-length') length = contentLength(value, length);
    else if (lower === 'transfer-encoding') encoding = encoding === undefined ? value : `${encoding},${value}`;
    else if (lower === 'connection') connection = value.toLowerCase();
  }
  const framing = framingOf(status, method, length, encoding);
  const keepAlive = framing.kind !== 'until-close' && (match[1] === '1' ? !connection.includes('close') : false);
  return { status, headers, framing, keepAlive };
}

function contentLength(value: string, before: number | undefined): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(length) || (before !== undefined && before !== length))
    throw new MalformedResponse(`Bad Content-Length ${JSON.stringify(value.slice(0, 40))}.`);
  return length;
}

const NO_BODY: Framing = { kind: 'none' };

function framingOf(status: number, method: string, length: number | undefined, encoding: string | undefined): Framing {
  if (encoding !== undefined && length !== undefined)
    throw new MalformedResponse('Both Content-Length and Transfer-Encoding.');
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return NO_BODY;
  if (encoding !== undefined) return /(^|,)\s*chunked$/i.test(encoding) ? { kind: 'chunked' } : { kind: 'until-close' };
  if (length !== undefined) return length === 0 ? NO_BODY : { kind: 'length', bytes: length };
  return { kind: 'until-close' };
}
