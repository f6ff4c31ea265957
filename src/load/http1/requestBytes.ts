import { hostHeaderOf, type PreparedRequest } from '../requests.js';

/** Methods whose requests say that they have no body, since one is expected (RFC 9110, 8.6). */
const EXPECT_BODY = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The whole request as it goes on the wire, made once. Method and headers have been checked: nothing in them can end a line.
 * @param close asks the server to end the connection after its answer.
 */
export function requestBytes({ method, path, origin, headers, body }: PreparedRequest, close: boolean): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`];
  if (hostHeaderOf(headers) === undefined) lines.push(`host: ${new URL(origin).host}`);
  for (let at = 0; at + 1 < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  if (close) lines.push('connection: close');
  if (body || EXPECT_BODY.has(method)) lines.push(`content-length: ${body?.length ?? 0}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return body ? Buffer.concat([head, body]) : head;
}
